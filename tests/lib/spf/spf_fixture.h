#pragma once

#include <authmilter/recording_resolver.h>
#include <authmilter/spf.h>
#include <authmilter/zone_resolver.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace spf_test {

using namespace authmilter;

/// A TXT record for a zone text. Strings of a record hold 255 octets; octets that a master file
/// cannot hold are written as \DDD.
inline std::string txt(const std::string& name, std::string_view text) {
  std::string line = name + ". TXT";
  do {
    line += " \"";
    for (const char c : text.substr(0, 255)) {
      const auto octet = static_cast<unsigned char>(c);
      if (octet >= 0x20 && octet < 0x7f && c != '"' && c != '\\') {
        line += c;
      } else {
        const std::string digits = std::to_string(octet);
        line += '\\' + std::string(3 - digits.size(), '0') + digits;
      }
    }
    line += '"';
    text.remove_prefix(std::min<std::size_t>(text.size(), 255));
  } while (!text.empty());
  return line + "\n";
}

struct Query {
  std::string client = "192.0.2.1";
  std::string mail_from = "user@example.org";
  std::string helo = "mail.example.org";
  SpfLimits limits{};
};

inline SpfRequest request_of(const Query& query) {
  SpfRequest request;
  request.client = IpAddress::parse(query.client).value();
  request.mail_from = parse_reverse_path(query.mail_from);
  request.helo = parse_helo(query.helo);
  request.receiver = "mx.example.net";
  request.now = 1'700'000'000;
  return request;
}

inline SpfOutcome check(Resolver& resolver, const Query& query = {}) {
  return check_mail_from(request_of(query), resolver, query.limits);
}

inline SpfOutcome check(const std::string& zone, const Query& query = {},
                        const std::vector<ZoneFault>& faults = {}) {
  const auto resolver = make_test_resolver(zone, faults);
  return check(*resolver, query);
}

/// "fail", "permerror: too-many-lookups": the reason where it says more than the mechanism.
inline std::string told(const SpfOutcome& outcome) {
  std::string text(to_string(outcome.result));
  if (outcome.reason == SpfReason::matched || outcome.reason == SpfReason::by_default) return text;
  return text + ": " + outcome.reason.text();
}

/// What was asked, in order: "TXT example.org".
inline std::vector<std::string> questions(const RecordingResolver& resolver) {
  std::vector<std::string> asked;
  for (const auto& entry : resolver.entries())
    asked.push_back(std::string(to_string(entry.question.type)) + ' ' + entry.question.name.text());
  return asked;
}

inline std::string repeat(std::size_t count, std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace spf_test
