#pragma once

#include <authmilter/message_record.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace authmilter {

inline DomainName domain(const char* text) { return DomainName::parse(text).value(); }

/// Of a client's message over TLS, without a result yet.
inline MessageRecord record_from(const char* client = "192.0.2.1") {
  MessageRecord record;
  record.queue_id = "4Xk2";
  record.received = 1700000000;
  record.envelope.client = IpAddress::parse(client);
  record.tls_version = "TLSv1.3";
  record.busy = std::chrono::milliseconds(41);
  return record;
}

inline MessageRecord record_of(decltype(MessageRecord::result) result) {
  MessageRecord record = record_from();
  record.result = std::move(result);
  return record;
}

inline SpfOutcome spf(SpfIdentity identity, SpfResult result) {
  SpfOutcome outcome;
  outcome.identity = identity;
  outcome.result = result;
  return outcome;
}

inline DkimOutcome dkim(DkimResult result, const char* signer) {
  DkimOutcome outcome;
  outcome.result = result;
  outcome.domain = DomainName::parse(signer);
  return outcome;
}

/// Everything passes.
inline MessageVerdict good_verdict() {
  MessageVerdict verdict;
  verdict.findings.spf = {spf(SpfIdentity::mailfrom, SpfResult::pass),
                          spf(SpfIdentity::helo, SpfResult::none)};
  verdict.findings.dkim = {dkim(DkimResult::pass, "example.org")};
  verdict.findings.dmarc.author_domain = domain("example.org");
  verdict.findings.dmarc.result = DmarcResult::pass;
  verdict.decision.rule = Rule::dmarc_pass;
  verdict.decision.reason = "dmarc pass for example.org";
  verdict.dns_wait = std::chrono::milliseconds(12);
  verdict.dns_queries = 4;
  return verdict;
}

inline MessageVerdict rejection() {
  MessageVerdict verdict = good_verdict();
  verdict.findings.spf = {spf(SpfIdentity::mailfrom, SpfResult::fail)};
  verdict.findings.dkim.clear();
  verdict.findings.dmarc.result = DmarcResult::fail;
  verdict.decision.disposition = verdict.disposition = Disposition::reject;
  verdict.decision.rule = Rule::dmarc_reject;
  verdict.decision.reason = "dmarc fail for example.org";
  verdict.decision.reply = SmtpReply{550, "5.7.25", "no"};
  return verdict;
}

/// Signed by `keys`, which may be null where nobody asks for their type; the selectors are 2026a
/// and 2026b.
inline SigningOutcome signed_by(const std::vector<std::shared_ptr<const PrivateKey>>& keys) {
  SigningOutcome signing;
  for (const auto& key : keys) {
    const char* selector = signing.keys.empty() ? "2026a" : "2026b";
    signing.keys.push_back({domain("example.org"), domain(selector), key});
  }
  signing.author_domain = domain("example.org");
  signing.reason = SigningReason::made;
  signing.edits = {{HeaderEdit::Action::insert, 0, "DKIM-Signature", "v=1"}};
  return signing;
}

inline SigningOutcome not_signed(Reason<SigningReason> reason) {
  SigningOutcome signing;
  signing.author_domain = domain("example.org");
  signing.reason = std::move(reason);
  return signing;
}

}  // namespace authmilter
