#include "metrics/message_counts.h"

#include <authmilter/crypto.h>
#include <doctest/doctest.h>

#include <memory>
#include <set>
#include <string>

#include "milter/records.h"

using namespace authmilter;

namespace {

/// The counts that one message leaves, by name; those of time are left out.
std::set<std::string> counted(const MessageRecord& record, const DnsConfig& dns = {}) {
  const auto metrics = std::make_unique<Metrics>();
  count_message(*metrics, record, dns);
  std::set<std::string> found;
  const auto note = [&](const std::string& name, const Metrics::Count& count) {
    if (count > 0) found.insert(name + (count > 1 ? "*" + std::to_string(count) : ""));
  };
  const auto note_all = [&](const std::string& name, const auto& counts, const auto& word) {
    for (std::size_t i = 0; i < counts.size(); ++i) note(name + std::string(word(i)), counts[i]);
  };
  const auto of = [](auto first) {
    return [first](std::size_t i) { return to_string(static_cast<decltype(first)>(i)); };
  };
  note_all("message ", metrics->messages, of(Disposition{}));
  note_all("decision ", metrics->decisions, of(Disposition{}));
  note_all("rule ", metrics->rules, of(Rule{}));
  note_all("spf ", metrics->spf, of(SpfResult{}));
  note_all("dkim ", metrics->dkim, of(DkimResult{}));
  note_all("dmarc ", metrics->dmarc, of(DmarcResult{}));
  // None is what nearly every message has.
  for (const ArcResult result : {ArcResult::pass, ArcResult::fail})
    note("arc " + std::string(to_string(result)), metrics->arc[static_cast<std::size_t>(result)]);
  for (const SealState state : {SealState::sealed, SealState::undecided, SealState::failed})
    note("seal " + std::string(to_string(state)), metrics->seals[static_cast<std::size_t>(state)]);
  note_all("limit ", metrics->limits, [](std::size_t i) { return kLimits[i]; });
  note_all("signature ", metrics->signatures, of(KeyType{}));
  note_all("fragile ", metrics->fragile_messages, of(Fragility{}));
  note_all("unsigned ", metrics->unsigned_messages, of(SigningReason{}));
  note_all("failed ", metrics->signing_failures, of(SigningReason{}));
  note("override", metrics->overrides);
  note("signed", metrics->signed_messages);
  note("tls", metrics->tls_refusals);
  note("questions", metrics->dns_questions);
  note("internal", metrics->internal_errors);
  return found;
}

MessageVerdict monitored() {
  MessageVerdict verdict = rejection();
  verdict.disposition = Disposition::accept;
  verdict.decision.by_override = 1;
  return verdict;
}

MessageVerdict with_seal(SealState state) {
  MessageVerdict verdict = good_verdict();
  verdict.seal.state = state;
  return verdict;
}

SigningOutcome broken_key() {
  SigningOutcome signing = not_signed({SigningReason::signing_failed, "2026a"});
  signing.failed = true;
  return signing;
}

SigningOutcome twice_signed() {
  const auto key = generate_private_key(KeyType::ed25519, 0)->key;
  SigningOutcome signing = signed_by({key, key});
  signing.fragile = {Fragility::eight_bit};
  return signing;
}

MessageRecord without_changes(MessageRecord record) {
  record.changes_failed = true;
  return record;
}

MessageRecord without_tls(MessageRecord record) {
  record.tls_missing = true;
  return record;
}

}  // namespace

TEST_CASE("what a message counts for is read from its record") {
  const struct {
    std::string why;
    MessageRecord record;
    std::set<std::string> counts;
  } rows[] = {
      {"accepted",
       record_of(good_verdict()),
       {"message accept", "decision accept", "rule dmarc.pass", "spf pass", "dkim pass",
        "dmarc pass", "questions*4"}},
      {"sealed",
       record_of(with_seal(SealState::sealed)),
       {"message accept", "decision accept", "rule dmarc.pass", "spf pass", "dkim pass",
        "dmarc pass", "questions*4", "seal sealed"}},
      {"without a signature",
       record_of(rejection()),
       {"message reject", "decision reject", "rule dmarc.reject", "spf fail", "dkim none",
        "dmarc fail", "questions*4"}},
      {"an override in monitor mode",
       record_of(monitored()),
       {"message accept", "decision reject", "rule dmarc.reject", "override", "spf fail",
        "dkim none", "dmarc fail", "questions*4"}},
      {"changes that the MTA has not taken",
       without_changes(record_of(good_verdict())),
       {"message tempfail", "decision accept", "rule dmarc.pass", "spf pass", "dkim pass",
        "dmarc pass", "questions*4"}},
      {"without the TLS that is required, in monitor mode: it is not refused",
       without_tls(record_of(good_verdict())),
       {"message accept", "decision accept", "rule dmarc.pass", "spf pass", "dkim pass",
        "dmarc pass", "questions*4"}},
      {"signed twice",
       record_of(twice_signed()),
       {"message accept", "rule signing", "signed", "signature ed25519*2", "fragile 8bit"}},
      {"not signed",
       record_of(not_signed({SigningReason::sender_mismatch, "b.example"})),
       {"message accept", "rule signing", "unsigned sender-mismatch"}},
      {"a key that cannot sign",
       record_of(broken_key()),
       {"message tempfail", "rule signing", "failed signing-failed"}},
      {"refused at MAIL: there was no message", record_of(TlsRefusal{}), {"tls"}},
      {"we failed", record_of(InternalFailure{}), {"message tempfail", "rule internal"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(counted(row.record) == row.counts);
  }
}

TEST_CASE("each limit is counted once for a message that reaches it") {
  DnsConfig dns;
  dns.message_queries = 60;
  dns.message_timeout = std::chrono::seconds(10);
  const auto asked = [](DnsFault fault, std::size_t queries, std::chrono::seconds wait) {
    MessageVerdict verdict = good_verdict();
    const auto answer = std::make_shared<DnsAnswer>();
    answer->status = DnsStatus::temperror;
    answer->fault = fault;
    const RecordingResolver::Entry entry{{*DnsName::parse("a.example"), RrType::txt}, answer};
    verdict.lookups = {entry, entry};
    verdict.dns_queries = queries;
    verdict.dns_wait = wait;
    return record_of(verdict);
  };
  const auto because = [](const Reason<SpfReason>& spf_reason, DkimReason dkim_reason,
                          DmarcReason dmarc_reason) {
    MessageVerdict verdict = good_verdict();
    verdict.findings.spf[0].reason = spf_reason;
    verdict.findings.spf[1].reason = spf_reason;
    verdict.findings.dkim[0].reason = dkim_reason;
    verdict.findings.dmarc.reason = dmarc_reason;
    return record_of(verdict);
  };
  const auto long_chain = [](ArcReason reason) {
    MessageVerdict verdict = rejection();
    verdict.findings.arc.result = ArcResult::fail;
    verdict.findings.arc.reason = reason;
    return record_of(verdict);
  };
  const auto too_large = [] {
    MessageVerdict verdict = rejection();
    verdict.decision.rule = Rule::limit_header;
    return record_of(verdict);
  };
  const auto many_recipients = [] {
    MessageRecord record = record_of(good_verdict());
    record.recipients_cut = true;
    return record;
  };
  using std::chrono::seconds;
  const struct {
    std::string why;
    MessageRecord record;
    std::set<Limit> limits;
  } rows[] = {
      {"none", record_of(good_verdict()), {}},
      {"SPF",
       because({SpfReason::too_many_lookups, "11"}, DkimReason::none, DmarcReason::none),
       {Limit::spf_lookups}},
      {"all three",
       because(SpfReason::too_many_void_lookups, DkimReason::too_many_signatures,
               DmarcReason::identifier_limit),
       {Limit::spf_void_lookups, Limit::signatures, Limit::dmarc_identifiers}},
      {"sets of a chain", long_chain(ArcReason::too_many_sets), {Limit::arc_sets}},
      {"keys of a chain", long_chain(ArcReason::too_many_keys), {Limit::arc_keys}},
      {"checks of its signatures",
       long_chain(ArcReason::too_many_signature_checks),
       {Limit::arc_keys}},
      {"a chain that fails", long_chain(ArcReason::seal_mismatch), {}},
      {"the header of a message that is judged", too_large(), {Limit::header}},
      {"the header of one that is signed",
       record_of(not_signed(SigningReason::header_limit_exceeded)),
       {Limit::header}},
      {"recipients", many_recipients(), {Limit::recipients}},
      {"questions", asked(DnsFault::limit, 60, seconds(1)), {Limit::dns_queries}},
      {"time", asked(DnsFault::limit, 59, seconds(10)), {Limit::dns_time}},
      {"as much as is allowed, and no more", asked(DnsFault::timeout, 60, seconds(10)), {}},
      {"look-ups of all", asked(DnsFault::overload, 1, seconds(0)), {Limit::dns_pending}},
      {"refused at MAIL", record_of(TlsRefusal{}), {}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(limits_reached(row.record, dns) == row.limits);
  }
}
