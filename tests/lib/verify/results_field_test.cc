#include <authmilter/authentication_results.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "lib/policy/findings.h"

using namespace authmilter;
using namespace authmilter::policy_test;

namespace {

const DomainName kOurs = DomainName::parse("mx.example.org").value();

/// "spf=fail reason smtp.mailfrom=a.example" and so on, one entry a string.
std::vector<std::string> entries(const Findings& found) {
  std::vector<std::string> lines;
  for (const auto& entry : make_authentication_results(found, kOurs).results) {
    std::string line = entry.method + "=" + entry.result;
    if (!entry.comment.empty()) line += " (" + entry.comment + ")";
    if (!entry.reason.empty()) line += " reason=" + entry.reason;
    for (const auto& property : entry.properties)
      line += " " + property.ptype + "." + property.property + "=" + property.value;
    lines.push_back(line);
  }
  return lines;
}

using Lines = std::vector<std::string>;

Findings only_spf(const SpfOutcome& outcome) {
  Findings found;
  found.spf = {outcome};
  return found;
}

std::string spf_line(SpfOutcome outcome, const std::string& reason) {
  outcome.reason = reason_named(reason, SpfReason::internal_error);
  return entries(only_spf(outcome)).front();
}

}  // namespace

TEST_CASE("spf, dkim and dmarc stand in this order (RFC 8601 section 2.7, edge case 99)") {
  auto found = findings(spf(SpfResult::pass),
                        dmarc(DmarcResult::pass, AssessmentPolicy::reject, "aligned-dkim"));
  found.spf.push_back(spf(SpfResult::none, "mail.sender.example", SpfIdentity::helo));
  found.dkim = {dkim(DkimResult::pass, "author.example"), dkim(DkimResult::policy)};
  found.dkim[1].reason = DkimReason::key_too_short;
  CHECK(entries(found) ==
        Lines{"spf=pass smtp.mailfrom=sender.example",
              "dkim=pass header.d=author.example header.s=s1 header.a=rsa-sha256 "
              "header.b=dGVzdA+/",
              "dkim=policy reason=key-too-short header.d=signer.example header.s=s1 "
              "header.a=rsa-sha256 header.b=dGVzdA+/",
              "dmarc=pass header.from=author.example policy.dmarc=reject"});
  CHECK(make_authentication_results(found, kOurs).authserv_id == "mx.example.org");

  // So written, with every property that RFC 8601 section 2.7 and RFC 9989 section 8.1 name for
  // them.
  const auto field = compose(make_authentication_results(found, kOurs));
  for (const char* property : {"smtp.mailfrom=sender.example", "header.d=author.example",
                               "header.s=s1", "header.a=rsa-sha256", "header.b=\"dGVzdA+/\"",
                               "header.from=author.example", "policy.dmarc=reject"}) {
    CAPTURE(std::string(property));
    CHECK(field.find(property) != std::string::npos);
  }
}

TEST_CASE("arc stands last, where there is a chain (RFC 8617 section 6)") {
  auto found = findings(spf(SpfResult::pass), dmarc(DmarcResult::fail));
  const auto last = [&] { return entries(found).back(); };
  CHECK(last().starts_with("dmarc="));
  found.arc.result = ArcResult::pass;
  found.arc.oldest_pass = 0;
  CHECK(last() == "arc=pass smtp.remote-ip=192.0.2.66 header.oldest-pass=0");
  found.arc.oldest_pass.reset();
  CHECK(last() == "arc=pass smtp.remote-ip=192.0.2.66");
  found.client = IpAddress::parse("2001:db8::66");
  CHECK(compose(make_authentication_results(found, kOurs))
            .ends_with("arc=pass smtp.remote-ip=\"2001:db8::66\""));
  found.client.reset();
  found.arc.result = ArcResult::fail;
  found.arc.reason = {ArcReason::seal_mismatch, "i=1, ARC-Seal"};
  CHECK(last() == "arc=fail reason=seal-mismatch");
  found.arc.reason = Reason<ArcReason>(DnsFault::timeout);
  CHECK(last() == "arc=fail reason=dns-timeout");
}

TEST_CASE("spf has one entry, of the identity that decides (A222)") {
  // Readers downstream take the best of two, or the last; HELO is the sender's to choose.
  auto found = findings(spf(SpfResult::fail), dmarc(DmarcResult::none));
  found.spf.push_back(spf(SpfResult::pass, "helo.attack.example", SpfIdentity::helo));
  const auto count = [&] {
    const Lines lines = entries(found);
    return std::count_if(lines.begin(), lines.end(),
                         [](const std::string& line) { return line.starts_with("spf="); });
  };
  CHECK(count() == 1);
  CHECK(entries(found).front() == "spf=fail smtp.mailfrom=sender.example");
  std::swap(found.spf[0], found.spf[1]);
  CHECK(count() == 1);
  CHECK(entries(found).front() == "spf=fail smtp.mailfrom=sender.example");
  found.spf.clear();
  CHECK(count() == 0);
}

TEST_CASE("a message without anything still has results") {
  CHECK(entries({}) == Lines{"dkim=none", "dmarc=none"});
}

TEST_CASE("spf names the identity that was checked (RFC 8601 section 2.7.2, edge case 96)") {
  CHECK(spf_line(spf(SpfResult::temperror), "dns-timeout") ==
        "spf=temperror reason=dns-timeout smtp.mailfrom=sender.example");
  // The record's own word needs no reason.
  for (const auto result :
       {SpfResult::pass, SpfResult::fail, SpfResult::softfail, SpfResult::neutral}) {
    CHECK(spf_line(spf(result), "matched") ==
          "spf=" + std::string(to_string(result)) + " smtp.mailfrom=sender.example");
  }
  auto bounce = spf(SpfResult::pass, "mail.sender.example");
  bounce.null_reverse_path = true;
  // RFC 7208 section 2.4 checks postmaster@HELO, a mailbox that nobody wrote.
  CHECK(spf_line(bounce, "") == "spf=pass (null reverse-path) smtp.helo=mail.sender.example");
  bounce.domain.reset();
  bounce.result = SpfResult::none;
  CHECK(spf_line(bounce, "no-helo") == "spf=none (null reverse-path) reason=no-helo");
  CHECK(spf_line(spf(SpfResult::permerror, ""), "syntax-error") ==
        "spf=permerror reason=syntax-error");
}

TEST_CASE("dmarc shows the policy only where there is one, and only a clean author") {
  const auto dmarc_line = [](const DmarcOutcome& outcome) {
    Findings found;
    found.dmarc = outcome;
    return entries(found).back();
  };
  CHECK(dmarc_line(dmarc(DmarcResult::fail, AssessmentPolicy::none, "no-aligned-identifier")) ==
        "dmarc=fail reason=no-aligned-identifier header.from=author.example policy.dmarc=none");
  CHECK(dmarc_line(dmarc(DmarcResult::none, AssessmentPolicy::none, "no-record")) ==
        "dmarc=none reason=no-record header.from=author.example");
  CHECK(dmarc_line(dmarc(DmarcResult::temperror, AssessmentPolicy::none, "dns-timeout")) ==
        "dmarc=temperror reason=dns-timeout header.from=author.example");
  auto without_author =
      dmarc(DmarcResult::permerror, AssessmentPolicy::none, "multiple-from-fields");
  without_author.author_domain.reset();
  CHECK(dmarc_line(without_author) == "dmarc=permerror reason=multiple-from-fields");
  // RFC 9989 section 4.7: with t=y the policy that applies is one step milder than the published.
  auto testing = dmarc(DmarcResult::fail, AssessmentPolicy::quarantine);
  testing.published_policy = AssessmentPolicy::reject;
  testing.record.emplace().testing = true;
  CHECK(dmarc_line(testing) == "dmarc=fail header.from=author.example policy.dmarc=quarantine");
}

TEST_CASE("a signature shows what its tags allow") {
  Findings found;
  found.dkim = {dkim(DkimResult::pass), dkim(DkimResult::neutral, "")};
  found.dkim[0].testing = true;
  found.dkim[0].identity = "x; dmarc=pass@signer.example";
  found.dkim[0].signature_prefix = "ab; dmarc=pass";
  found.dkim[1].selector.reset();
  found.dkim[1].algorithm.clear();
  found.dkim[1].signature_prefix.clear();
  found.dkim[1].reason = {DkimReason::malformed_tag_list, "d=(; dmarc=pass"};
  CHECK(entries(found) ==
        Lines{"dkim=pass (test mode) header.d=signer.example header.s=s1 header.a=rsa-sha256",
              "dkim=neutral reason=malformed-tag-list", "dmarc=none"});
}

TEST_CASE("a flood of signatures does not fill the field") {
  Findings found;
  found.dkim.assign(1000, dkim(DkimResult::policy));
  const auto lines = entries(found);
  CHECK(lines.size() == 101);
  CHECK(lines.back() == "dmarc=none");
}

TEST_CASE("text of a sender never reaches the field") {
  for (const std::string detail :
       {"Free text", "a;dmarc=pass", "a\r\nb", "", "record_syntax", "-all]", "x\xc3\xbc"}) {
    CAPTURE(detail);
    SpfOutcome outcome = spf(SpfResult::permerror);
    outcome.reason = {SpfReason::syntax_error, detail};
    CHECK(entries(only_spf(outcome)).front() ==
          "spf=permerror reason=syntax-error smtp.mailfrom=sender.example");
  }
}
