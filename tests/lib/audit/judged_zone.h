#pragma once

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <authmilter/audit.h>
#include <authmilter/audit_gather.h>
#include <authmilter/zone_resolver.h>

namespace authmilter {

/// A resolver whose answers are validated, as for a zone that is signed, but those for `unsigned_`.
class SigningResolver final : public Resolver {
 public:
  explicit SigningResolver(std::unique_ptr<Resolver> inner,
                           std::vector<std::string> not_signed = {})
      : inner_(std::move(inner)), not_signed_(std::move(not_signed)) {}
  DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline,
                       Freshness freshness) override {
    DnsAnswer answer = *inner_->resolve(question, deadline, freshness);
    answer.secure = answer.status != DnsStatus::temperror &&
                    std::find(not_signed_.begin(), not_signed_.end(), question.name.text()) ==
                        not_signed_.end();
    return std::make_shared<const DnsAnswer>(std::move(answer));
  }
  using Resolver::resolve;
  void prefetch(const DnsQuestion&) override {}

 private:
  const std::unique_ptr<Resolver> inner_;
  const std::vector<std::string> not_signed_;
};

/// Probes that must not be used.
inline AuditProbes no_probes() {
  return {[](ServerProtocol, const std::string&, const IpAddress&, std::uint16_t) -> ServerFacts {
            throw std::logic_error("a server was asked");
          },
          [](const std::string&) -> FetchFacts { throw std::logic_error("a URL was asked for"); }};
}

inline GatherOptions dns_alone(std::vector<SelectorFact> selectors = {
                                   {"s1", SelectorOrigin::given, {}}}) {
  GatherOptions options;
  options.selectors = std::move(selectors);
  options.servers = false;
  return options;
}

/// `zone` with the lines that begin with `line` (the first of them) replaced by `instead`, which
/// may be several lines or none.
inline std::string edited(std::string_view zone, std::string_view line, std::string_view instead) {
  std::string text = "\n" + std::string(zone);
  if (line.empty()) return text.substr(1) + std::string(instead) + "\n";
  const std::size_t at = text.find("\n" + std::string(line));
  if (at == std::string::npos) throw std::invalid_argument("no such line: " + std::string(line));
  const std::size_t end = text.find('\n', at + 1);
  text.replace(at + 1, end - at - 1, instead);
  return text.substr(1);
}

/// What the checks of some families that did not pass say, "spf.all=fail spf.ptr=warn".
inline std::string complaints(const DomainAudit& audit, std::string_view families) {
  std::string text;
  for (const AuditCheck& check : audit.checks) {
    const std::string_view id = check.rule->id;
    const std::string family = " " + std::string(id.substr(0, id.find('.') + 1)) + " ";
    const bool wanted = (" " + std::string(families) + " ").find(family) != std::string::npos;
    if (!wanted || check.status == CheckStatus::pass) continue;
    text +=
        (text.empty() ? "" : " ") + std::string(id) + "=" + std::string(to_string(check.status));
  }
  return text;
}

inline const AuditCheck& check_of(const DomainAudit& audit, std::string_view id) {
  for (const AuditCheck& check : audit.checks) {
    if (check.rule->id == id) return check;
  }
  throw std::invalid_argument("no check " + std::string(id));
}

inline DomainFacts facts_of(Resolver& resolver, const GatherOptions& options = dns_alone(),
                            const char* domain = "example.org") {
  return gather_domain(DomainName::parse(domain).value(), options, resolver, no_probes());
}

/// The domain's audit over a zone, all of it signed.
inline DomainAudit audit_of(std::string_view zone, const GatherOptions& options = dns_alone(),
                            const char* domain = "example.org") {
  SigningResolver resolver(make_test_resolver(zone));
  return judge_domain(facts_of(resolver, options, domain), AuditHeader{}, AuditProfile{});
}

}  // namespace authmilter
