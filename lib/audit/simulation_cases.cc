#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include <authmilter/audit_simulation.h>

#include "config/document.h"

namespace authmilter {
namespace {

// A drill is read by people; what is larger is another file by mistake.
constexpr std::size_t kMostCases = 10000;

constexpr std::array<std::string_view, 7> kOutcomes = {
    "pass", "fail", "none", "temperror", "permerror", "quarantine", "reject"};
constexpr std::array kSpfResults = {SpfResult::none,     SpfResult::neutral,  SpfResult::pass,
                                    SpfResult::fail,     SpfResult::softfail, SpfResult::temperror,
                                    SpfResult::permerror};

/// Reads the tables of one document; the first error counts.
class CaseReader {
 public:
  CaseReader(const std::string& name, const DomainName& author_domain)
      : name_(name), author_domain_(author_domain) {}

  Result<std::vector<SimulatedSender>> read(const Value& document) {
    std::vector<SimulatedSender> senders;
    for (const Value& list : document.children) {
      if (list.key != "case") return error(list, "unknown key \"" + list.key + "\"");
      if (list.kind != ValueKind::list) return error(list, "\"case\" must be written [[case]]");
      if (list.children.size() > kMostCases)
        return error(list, fmt::format("more than {} cases", kMostCases));
      for (const Value& table : list.children) {
        SimulatedSender sender{fmt::format("case {}", senders.size() + 1),
                               {},
                               {},
                               parse_reverse_path("<>"),
                               author_domain_,
                               {},
                               {},
                               {}};
        if (auto read = take(table, sender); !read) return read.error();
        senders.push_back(std::move(sender));
      }
    }
    if (senders.empty()) return Error{name_ + ": has no [[case]]"};
    return senders;
  }

 private:
  Error error(const Value& at, const std::string& what) const {
    return Error{fmt::format("{}:{}:{}: {}", name_, at.place.line, at.place.column, what)};
  }

  Status take(const Value& table, SimulatedSender& sender) const {
    if (table.kind != ValueKind::table) return error(table, "\"case\" must be written [[case]]");
    for (const Value& value : table.children) {
      if (auto taken = take_member(value, sender); !taken) return taken.error();
    }
    return Done{};
  }

  Status take_member(const Value& value, SimulatedSender& sender) const {
    if (value.key == "dkim") return take_signatures(value, sender);
    if (value.kind != ValueKind::string)
      return error(value, fmt::format("\"{}\" must be a string", value.key));
    const std::string& text = value.string;
    if (value.key == "name") {
      sender.name = text;
    } else if (value.key == "client") {
      sender.client = IpAddress::parse(text);
      if (!sender.client) return error(value, "\"" + text + "\" is not an IP address");
    } else if (value.key == "helo") {
      sender.helo = parse_helo(text);
    } else if (value.key == "mail_from") {
      sender.mail_from = parse_reverse_path(text);
      if (!sender.mail_from.valid()) return error(value, "\"" + text + "\" is not a mailbox or <>");
    } else if (value.key == "from") {
      // The address or its domain alone: nothing else of it counts.
      const auto domain = DomainName::parse(text.substr(text.rfind('@') + 1));
      if (!domain) return error(value, "\"" + text + "\" is not a domain or a mailbox");
      sender.author_domain = *domain;
    } else if (value.key == "expect") {
      if (std::find(kOutcomes.begin(), kOutcomes.end(), text) == kOutcomes.end())
        return error(value, "\"" + text +
                                "\" is not pass, fail, none, temperror, permerror, quarantine or "
                                "reject");
      sender.expected = text;
    } else if (value.key == "expect_spf") {
      const auto* const found =
          std::find_if(kSpfResults.begin(), kSpfResults.end(),
                       [&](SpfResult result) { return to_string(result) == text; });
      if (found == kSpfResults.end())
        return error(value, "\"" + text + "\" is not a result of SPF (RFC 7208 section 2.6)");
      sender.expected_spf = *found;
    } else {
      return error(value, "unknown key \"" + value.key + "\"");
    }
    return Done{};
  }

  /// "s1._domainkey.example.org" is a record's name; "example.org" a domain that signs well.
  Result<SimulatedSignature> signature_of(const Value& value) const {
    constexpr std::string_view kBetween = "._domainkey.";
    const std::size_t at = value.string.find(kBetween);
    const std::string_view text = value.string;
    const bool named = at != std::string_view::npos;
    const auto domain = DomainName::parse(named ? text.substr(at + kBetween.size()) : text);
    const auto selector = named ? Selector::parse(text.substr(0, at)) : std::nullopt;
    if (value.kind != ValueKind::string || !domain || named != selector.has_value()) {
      return error(value,
                   "\"dkim\" lists domains that sign, or names of keys "
                   "(\"SELECTOR._domainkey.DOMAIN\")");
    }
    return SimulatedSignature{*domain, selector};
  }

  Status take_signatures(const Value& value, SimulatedSender& sender) const {
    const bool list = value.kind == ValueKind::list;
    for (const Value& one : list ? std::span(value.children) : std::span(&value, 1)) {
      auto signature = signature_of(one);
      if (!signature) return signature.error();
      sender.signatures.push_back(std::move(*signature));
    }
    return Done{};
  }

  const std::string& name_;
  const DomainName& author_domain_;
};

}  // namespace

Result<std::vector<SimulatedSender>> parse_simulated_senders(std::string_view text,
                                                             const std::string& name,
                                                             const DomainName& author_domain) {
  const auto document = parse_document(text, name);
  if (!document) return document.error();
  return CaseReader(name, author_domain).read(*document);
}

}  // namespace authmilter
