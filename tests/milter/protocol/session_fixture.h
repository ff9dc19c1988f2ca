#pragma once

#include "protocol/session.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "log/log.h"
#include "log/message_line.h"
#include "protocol/answer.h"

/// A session with a zone of its own, and what its messages came to.
namespace authmilter::session_test {

inline constexpr const char* kZone = R"(
$TTL 300
example.org.         IN TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.example.org.  IN TXT "v=DMARC1; p=reject"
held.example.        IN TXT "v=spf1 -all"
_dmarc.held.example. IN TXT "v=DMARC1; p=quarantine"
)";
inline constexpr std::int64_t kNow = 1700000000;

using Header = std::vector<std::pair<std::string, std::string>>;

inline Header header_from(const std::string& domain) {
  return {{"From", " A <a@" + domain + ">"}, {"Subject", " hello"}, {"Date", " today"}};
}

struct Fixture {
  explicit Fixture(Config the_config = default_config(), const MtaFeatures& features = {})
      : runtime(std::make_shared<const Runtime>(
            std::move(the_config), std::make_shared<const KeyRing>(),
            ResolverSet{.zones =
                            make_test_resolver(kZone, {{"_dmarc.silent.example", DnsFault::timeout},
                                                       {"silent.example", DnsFault::bogus}})},
            std::make_shared<const DkimEngine>())),
        session(runtime, features, metrics) {}

  static Config default_config() {
    Config config;
    config.authserv_id = DomainName::parse("mx.example.net");
    config.internal = {*Network::parse("127.0.0.0/8")};
    return config;
  }

  void greet(const char* client) {
    session.connect(IpAddress::parse(client));
    session.helo("client.example.net");
  }

  void content(const Header& header, const std::string& body = "Hello\r\n") {
    for (const auto& [name, value] : header) session.header(name, value);
    session.end_of_headers();
    session.body(body);
  }

  MessageRecord deliver(const std::string& mail_from, const Header& header) {
    session.mail(mail_from, "", kNow);
    session.recipient("<b@example.net>");
    content(header);
    return session.end_of_message("4Xk2");
  }

  Metrics metrics;
  std::shared_ptr<const Runtime> runtime;
  Session session;
};

inline std::string logged(const MessageRecord& record, std::string_view key) {
  for (const LogField& field : message_line(record)) {
    if (field.key != key) continue;
    if (const auto* text = std::get_if<std::string>(&field.value)) return *text;
    return std::to_string(std::get<std::int64_t>(field.value));
  }
  return "(none)";
}

inline std::size_t inserted(const MessageRecord& record, std::string_view name) {
  const auto edits = answer_to(record).edits;
  return static_cast<std::size_t>(
      std::count_if(edits.begin(), edits.end(), [&](const HeaderEdit& edit) {
        return edit.action == HeaderEdit::Action::insert && edit.name == name;
      }));
}

}  // namespace authmilter::session_test
