#include "output/json_output.h"

#include <optional>
#include <vector>

namespace authmilter::tools {
namespace {

template <class Name>
Json or_null(const std::optional<Name>& name) {
  return name ? Json(name->text()) : Json();
}

Json spf_json(const SpfOutcome& outcome) {
  return {{"identity", to_string(outcome.identity)},
          {"domain", or_null(outcome.domain)},
          {"result", to_string(outcome.result)},
          {"reason", outcome.reason.text()}};
}

Json dkim_json(const DkimOutcome& outcome) {
  return {{"result", to_string(outcome.result)},
          {"domain", or_null(outcome.domain)},
          {"selector", or_null(outcome.selector)},
          {"identity", outcome.identity},
          {"algorithm", outcome.algorithm},
          {"key_bits", outcome.key_bits},
          {"dnssec", outcome.dnssec},
          {"added_fields", outcome.added_fields},
          {"reason", outcome.reason.text()}};
}

Json reply_json(const SmtpReply& reply) {
  return {{"code", reply.code}, {"enhanced", reply.enhanced}, {"text", reply.text}};
}

Json edit_json(const HeaderEdit& edit) {
  return {{"action", to_string(edit.action)},
          {"index", edit.index},
          {"name", edit.name},
          {"value", edit.value}};
}

Json arc_json(const MessageVerdict& verdict) {
  const ArcOutcome& outcome = verdict.findings.arc;
  std::vector<Json> sealers;
  for (const ArcHop& hop : outcome.hops) sealers.push_back(hop.sealer.text());
  return {{"result", to_string(outcome.result)},
          {"sealers", sealers},
          {"trusted", or_null(verdict.decision.trusted_sealer)},
          {"reason", outcome.reason.text()}};
}

Json forwarder_json(const PastForwarder& forwarder) {
  return {{"spf_client", or_null(forwarder.client)}, {"reason", to_string(forwarder.reason)}};
}

Json seal_json(const SealOutcome& seal) {
  return {{"result", to_string(seal.state)},
          {"instance", seal.instance},
          {"chain", to_string(seal.chain)},
          {"reason", seal.fault}};
}

template <class Items, class Convert>
Json list_json(const Items& items, Convert convert) {
  std::vector<Json> list;
  for (const auto& item : items) list.push_back(convert(item));
  return list;
}

bool answers_client(Disposition disposition) {
  return disposition == Disposition::reject || disposition == Disposition::tempfail;
}

}  // namespace

Json spf_check_json(const SpfOutcome& outcome) {
  return {{"result", to_string(outcome.result)},     {"domain", or_null(outcome.domain)},
          {"identity", to_string(outcome.identity)}, {"mechanism", outcome.mechanism},
          {"explanation", outcome.explanation},      {"lookups", outcome.lookups},
          {"void_lookups", outcome.void_lookups},    {"reason", outcome.reason.text()}};
}

Json dmarc_json(const DmarcOutcome& outcome) {
  return {{"result", to_string(outcome.result)},
          {"author_domain", or_null(outcome.author_domain)},
          {"organizational_domain", or_null(outcome.organizational_domain)},
          {"policy_domain", or_null(outcome.policy_domain)},
          {"policy", to_string(outcome.policy)},
          {"spf_aligned", outcome.spf_aligned},
          {"dkim_aligned", outcome.dkim_aligned},
          {"reason", outcome.reason.text()}};
}

Json verdict_json(const MessageVerdict& verdict) {
  Json json = {{"spf", list_json(verdict.findings.spf, spf_json)},
               {"dkim", list_json(verdict.findings.dkim, dkim_json)},
               {"dmarc", dmarc_json(verdict.findings.dmarc)},
               {"arc", arc_json(verdict)},
               {"disposition", to_string(verdict.disposition)}};
  // In monitor mode the decision has a reply that nobody hears.
  if (answers_client(verdict.disposition) && verdict.decision.reply) {
    json.add("reply", reply_json(*verdict.decision.reply));
  }
  json.add("rule", rule_text(verdict.decision));
  if (verdict.findings.forwarder)
    json.add("forwarder", forwarder_json(*verdict.findings.forwarder));
  if (verdict.seal.state != SealState::off) json.add("seal", seal_json(verdict.seal));
  json.add("header_edits", list_json(verdict.edits, edit_json));
  json.add("authentication_results", verdict.authentication_results);
  return json;
}

}  // namespace authmilter::tools
