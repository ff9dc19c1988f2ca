#include "log/message_line.h"

#include <authmilter/other_methods.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace authmilter {
namespace {

// In one line: a message with ten signatures can leave more of them open.
constexpr std::size_t kNamedLookups = 4;

const char* const kNothing = "-";

std::string text_of(const std::optional<DomainName>& domain) {
  return domain ? domain->text() : kNothing;
}

void append(std::string& list, std::string_view item) {
  if (!list.empty()) list += ',';
  list += item;
}

std::int64_t milliseconds(std::chrono::microseconds time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

/// The SPF result of one identity, or "-" when it was not checked.
std::string spf_result(const std::vector<SpfOutcome>& outcomes, SpfIdentity identity) {
  for (const SpfOutcome& outcome : outcomes) {
    if (outcome.identity == identity) return std::string(to_string(outcome.result));
  }
  return kNothing;
}

/// What stands on top of signatures that count, or would but for `verify.added_fields`.
std::string added_fields(const std::vector<DkimOutcome>& outcomes) {
  std::set<std::string_view> names;
  for (const DkimOutcome& outcome : outcomes) {
    if (outcome.result == DkimResult::pass || outcome.reason.code() == DkimReason::added_fields)
      names.insert(outcome.added_fields.begin(), outcome.added_fields.end());
  }
  std::string list;
  for (const std::string_view name : names) append(list, name);
  return list;
}

/// Which lookups left a result open, and why: "_dmarc.example.org=dns-timeout".
std::string failed_lookups(const Findings& findings) {
  std::string list;
  std::set<std::string> named;
  const auto add = [&](const std::optional<FailedLookup>& lookup) {
    if (!lookup || named.size() == kNamedLookups) return;
    const std::string& name = lookup->question.name.text();
    if (!named.insert(name).second) return;
    append(list, name + '=' + std::string(temperror_reason(lookup->fault)));
  };
  add(findings.dmarc.undecided_by);
  for (const SpfOutcome& outcome : findings.spf) add(outcome.undecided_by);
  for (const DkimOutcome& outcome : findings.dkim) add(outcome.undecided_by);
  for (const MethodFinding& method : other_methods(findings)) add(method.undecided_by);
  return list;
}

void add_findings(LogFields& line, const Findings& findings) {
  line.push_back({"from", text_of(findings.dmarc.author_domain)});
  line.push_back({"spf", spf_result(findings.spf, SpfIdentity::mailfrom)});
  line.push_back({"spf_helo", spf_result(findings.spf, SpfIdentity::helo)});
  if (const auto& forwarder = findings.forwarder) {
    if (forwarder->client) {
      line.push_back({"spf_client", forwarder->client->text()});
    } else {
      line.push_back({"forwarder", std::string(to_string(forwarder->reason))});
    }
  }
  std::string results;
  std::string domains;
  for (const DkimOutcome& outcome : findings.dkim) {
    append(results, to_string(outcome.result));
    append(domains, outcome.domain ? outcome.domain->text() : kNothing);
  }
  line.push_back({"dkim", results.empty() ? std::string("none") : results});
  if (!domains.empty()) line.push_back({"dkim_domain", domains});
  const std::string added = added_fields(findings.dkim);
  if (!added.empty()) line.push_back({"added_fields", added});
  line.push_back({"dmarc", std::string(to_string(findings.dmarc.result))});
  for (const MethodFinding& method : other_methods(findings)) {
    line.push_back({method.method, method.entry.result});
    std::string vouching;
    for (const DomainName& domain : method.domains) append(vouching, domain.text());
    if (!vouching.empty()) line.push_back({method.domain_key, vouching});
  }
  const std::string failed = failed_lookups(findings);
  if (!failed.empty()) line.push_back({"undecided", failed});
}

class Line {
 public:
  explicit Line(const MessageRecord& record) : record_(record) {}

  void operator()(const InternalFailure&) {
    fields_ = {{"id", record_.queue_id}};
    add_action();
  }

  void operator()(const TlsRefusal& refusal) {
    begin(record_.queue_id.empty() ? kNothing : record_.queue_id);
    add_action();
    fields_.push_back({"rule", std::string("network.require_tls")});
    fields_.push_back({"reason", refusal.reason});
  }

  void operator()(const MessageVerdict& verdict) {
    begin(record_.queue_id);
    add_findings(fields_, verdict.findings);
    add_action();
    if (verdict.decision.disposition != verdict.disposition)
      fields_.push_back({"policy", std::string(to_string(verdict.decision.disposition))});
    fields_.push_back({"rule", rule_text(verdict.decision)});
    if (verdict.decision.disposition != Disposition::accept)
      fields_.push_back({"reason", verdict.decision.reason});
    if (verdict.seal.state != SealState::off)
      fields_.push_back({"seal", std::string(to_string(verdict.seal.state))});
    if (verdict.seal.key)
      fields_.push_back({"seal_key", verdict.seal.key->selector.text() + "._domainkey." +
                                         verdict.seal.key->domain.text()});
    fields_.push_back({"dns_ms", milliseconds(verdict.dns_wait)});
    end();
  }

  void operator()(const SigningOutcome& signing) {
    begin(record_.queue_id);
    if (!record_.envelope.auth_user.empty())
      fields_.push_back({"user", record_.envelope.auth_user});
    fields_.push_back({"from", text_of(signing.author_domain)});
    fields_.push_back({"sign", signing.reason.text()});
    std::string keys;
    for (const SigningKey& key : signing.keys)
      append(keys, key.selector.text() + "._domainkey." + key.domain.text());
    if (!keys.empty()) fields_.push_back({"keys", keys});
    std::string fragile;
    for (const Fragility kind : signing.fragile) append(fragile, to_string(kind));
    if (!fragile.empty()) fields_.push_back({"fragile", fragile});
    add_action();
    fields_.push_back({"rule", std::string(to_string(Rule::signing))});
    end();
  }

  LogFields take() { return std::move(fields_); }

 private:
  void begin(const std::string& id) {
    const auto& client = record_.envelope.client;
    fields_ = {{"id", id},
               {"client", client ? client->text() : kNothing},
               {"tls", record_.tls_version.empty() ? "none" : record_.tls_version}};
  }
  void add_action() { fields_.push_back({"action", std::string(to_string(action_on(record_)))}); }
  void end() {
    if (record_.tls_missing) fields_.push_back({"tls_policy", std::string("reject")});
    fields_.push_back({"ms", milliseconds(record_.busy)});
    if (record_.changes_failed) fields_.push_back({"failed", std::string("changes")});
  }

  const MessageRecord& record_;
  LogFields fields_;
};

}  // namespace

LogFields message_line(const MessageRecord& record) {
  Line line(record);
  std::visit(line, record.result);
  return line.take();
}

}  // namespace authmilter
