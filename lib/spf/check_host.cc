#include <authmilter/spf.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "base/ascii.h"
#include "spf/evaluation.h"
#include "spf/libspf2_bridge.h"

namespace authmilter {
namespace {

/// RFC 7208 section 4.3: a domain that is malformed or has a single label gives "none".
std::optional<DomainName> parse_domain(std::string_view text) {
  auto domain = DomainName::parse(text);
  if (domain && domain->label_count() < 2) return std::nullopt;
  return domain;
}

/// Length of the well-formed UTF-8 character (RFC 3629 section 4) that `text` starts with, or 0.
std::size_t utf8_length(std::string_view text) {
  const auto octet = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto in = [&](std::size_t i, unsigned low, unsigned high) {
    return octet(i) >= low && octet(i) <= high;
  };
  const auto tail = [&](std::size_t i) { return in(i, 0x80, 0xbf); };
  const unsigned first = octet(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool second = in(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf);
    return second && tail(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool second = in(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf);
    return second && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

/// The content of a Quoted-string (RFC 5321 section 4.1.2), with or without the quotes. A
/// Dot-string may hold blanks, as an MTA may hand over what it has unquoted, and dots anywhere, as
/// some sites have them; but nothing that another reader could split at.
std::optional<std::string> parse_local_part(std::string_view text) {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  if (quoted) text = text.substr(1, text.size() - 2);
  std::string content;
  while (!text.empty()) {
    const char c = text.front();
    std::size_t length = utf8_length(text);
    if (length == 0) return std::nullopt;
    if (length == 1) {
      if (!is_printable(c)) return std::nullopt;
      if (!quoted && std::string_view("()<>[]:;@\\,\"").find(c) != std::string_view::npos)
        return std::nullopt;
      if (c == '"') return std::nullopt;
      if (c == '\\') {
        text.remove_prefix(1);
        if (text.empty() || !is_printable(text.front())) return std::nullopt;
      }
    }
    content += text.substr(0, length);
    text.remove_prefix(length);
  }
  return content;
}

SpfOutcome without_check(SpfResult result, std::string_view reason) {
  SpfOutcome outcome;
  outcome.result = result;
  outcome.reason = reason;
  return outcome;
}

SpfOutcome check_host(const SpfRequest& request, const spf::Sender& sender, Resolver& resolver,
                      const SpfLimits& limits) {
  spf::Evaluation evaluation(request, sender, resolver, limits);
  const auto walked = spf::walk(evaluation);
  return evaluation.outcome(walked);
}

/// The identity postmaster@HELO (RFC 7208 sections 2.3 and 2.4).
SpfOutcome check_postmaster(const SpfRequest& request, Resolver& resolver,
                            const SpfLimits& limits) {
  if (request.helo.empty()) return without_check(SpfResult::none, "no-helo");
  const auto domain = parse_domain(request.helo);
  if (!domain) return without_check(SpfResult::none, "invalid-helo");
  return check_host(request, {"postmaster", *domain}, resolver, limits);
}

/// `mailbox` is what stands between the angle brackets.
SpfOutcome check_mailbox(const SpfRequest& request, std::string_view mailbox, Resolver& resolver,
                         const SpfLimits& limits) {
  const std::size_t at = mailbox.rfind('@');
  const auto domain =
      at == std::string_view::npos ? std::nullopt : parse_domain(mailbox.substr(at + 1));
  // RFC 7208 section 4.3. HELO never takes the place of a domain that is there but wrong.
  if (!domain) return without_check(SpfResult::none, "invalid-domain");

  const std::string_view written = mailbox.substr(0, at);
  auto local_part = written.empty() ? std::string("postmaster") : parse_local_part(written);
  // A mailbox that others may split elsewhere proves nothing for the domain that we see in it.
  if (!local_part) {
    SpfOutcome outcome = without_check(SpfResult::permerror, "invalid-local-part");
    outcome.domain = domain;
    return outcome;
  }
  return check_host(request, {std::move(*local_part), *domain}, resolver, limits);
}

/// Without one pair of angle brackets.
std::string_view without_brackets(std::string_view text) {
  if (text.size() >= 2 && text.front() == '<' && text.back() == '>')
    return text.substr(1, text.size() - 2);
  return text;
}

}  // namespace

std::string_view to_string(SpfResult result) {
  switch (result) {
    case SpfResult::none:
      return "none";
    case SpfResult::neutral:
      return "neutral";
    case SpfResult::pass:
      return "pass";
    case SpfResult::fail:
      return "fail";
    case SpfResult::softfail:
      return "softfail";
    case SpfResult::temperror:
      return "temperror";
    case SpfResult::permerror:
      return "permerror";
  }
  return "temperror";
}

std::string_view to_string(SpfIdentity identity) {
  switch (identity) {
    case SpfIdentity::mailfrom:
      return "mailfrom";
    case SpfIdentity::helo:
      return "helo";
  }
  return "mailfrom";
}

SpfOutcome check_mail_from(const SpfRequest& request, Resolver& resolver, const SpfLimits& limits) {
  const std::string_view mailbox = without_brackets(request.mail_from);
  const bool null = mailbox.empty();
  SpfOutcome outcome = null ? check_postmaster(request, resolver, limits)
                            : check_mailbox(request, mailbox, resolver, limits);
  outcome.identity = SpfIdentity::mailfrom;
  outcome.null_reverse_path = null;
  return outcome;
}

SpfOutcome check_helo(const SpfRequest& request, Resolver& resolver, const SpfLimits& limits) {
  SpfOutcome outcome = check_postmaster(request, resolver, limits);
  outcome.identity = SpfIdentity::helo;
  return outcome;
}

}  // namespace authmilter
