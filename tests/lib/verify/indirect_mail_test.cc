#include <authmilter/verify.h>

#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <cctype>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "lib/arc/chains.h"
#include "lib/dkim/signed_messages.h"

// Mail of an author with p=reject that comes by way of others: what is accepted, by whose word, and
// what is not.

using namespace authmilter;
using namespace arc_test;

namespace {

const std::string kTrusted = "[[policy.trusted_sealer]]\ndomain = \"lists.example.edu\"\n";

MessageVerdict judge(const Text& message, const std::string& policy, const std::string& more = "",
                     const std::vector<ZoneFault>& faults = {}, std::int64_t now = kNow) {
  const auto config = parse_config("[identity]\nauthserv_id = \"mx.home.example\"\n" + policy,
                                   "test", "host.example");
  REQUIRE_MESSAGE(config, (config ? "" : config.error().message));
  const auto resolver = make_test_resolver(
      zone() + dkim_test::zone() + "_dmarc.example.org TXT \"v=DMARC1; p=reject\"\n" + more,
      faults);
  Envelope envelope;
  envelope.client = IpAddress::parse("192.0.2.66");
  envelope.helo = parse_helo("mail.lists.example.edu");
  envelope.mail_from = parse_reverse_path("<bounces@lists.example.edu>");
  MessageVerifier verifier(*config, dkim_test::engine(), *resolver, envelope, now);
  verifier.add_recipient(parse_reverse_path("<user@home.example>"));
  for (const HeaderField& field : message.fields) verifier.header(field);
  verifier.end_of_headers();
  if (verifier.wants_body()) verifier.body(message.body);
  return verifier.finish();
}

std::string summary(const MessageVerdict& verdict) {
  return std::string(to_string(verdict.disposition)) + " " + rule_text(verdict.decision) +
         ", dmarc=" + std::string(to_string(verdict.findings.dmarc.result)) +
         ", arc=" + std::string(to_string(verdict.findings.arc.result));
}

Text by_author() { return dkim_test::sign(plain(), {dkim_test::signing_key("r")}); }
Text by_list(const Hop& hop = {}) { return sealed(changed_by_list(by_author()), hop); }

}  // namespace

TEST_CASE("an author with p=reject through a list that changes and seals (A178)") {
  const struct {
    std::string why;
    Text message;
    std::string policy;
    std::string want;
  } rows[] = {
      {"nobody is trusted: a chain is information", by_list(), "",
       "reject dmarc.reject, dmarc=fail, arc=pass"},
      {"the list is trusted", by_list(), kTrusted, "accept arc.trusted, dmarc=fail, arc=pass"},
      {"with a mark", by_list(), kTrusted + "dmarc_reject = \"tag\"\n",
       "tag arc.trusted, dmarc=fail, arc=pass"},
      {"from the network of the list", by_list(), kTrusted + "networks = \"192.0.2.0/24\"\n",
       "accept arc.trusted, dmarc=fail, arc=pass"},
      {"not from elsewhere", by_list(), kTrusted + "networks = \"198.51.100.0/24\"\n",
       "reject dmarc.reject, dmarc=fail, arc=pass"},
      {"it had failed when it came to the list",
       by_list({.results = "dmarc=fail header.from=example.org"}), kTrusted,
       "reject dmarc.reject, dmarc=fail, arc=pass"},
      {"a stranger handed it on", sealed(by_list(), {.domain = "stranger.example"}), kTrusted,
       "reject dmarc.reject, dmarc=fail, arc=pass"},
      {"a stranger sealed it", by_list({.domain = "stranger.example"}), kTrusted,
       "reject dmarc.reject, dmarc=fail, arc=pass"},
      {"no seal", changed_by_list(by_author()), kTrusted,
       "reject dmarc.reject, dmarc=fail, arc=none"},
      {"unchanged, so DMARC passes by itself", sealed(by_author()), kTrusted,
       "accept dmarc.pass, dmarc=pass, arc=pass"},
      {"monitor mode", by_list(), "[verify]\nmode = \"monitor\"\n",
       "accept dmarc.reject, dmarc=fail, arc=pass"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(summary(judge(row.message, row.policy)) == row.want);
  }
  CHECK(judge(by_list(), kTrusted)
            .authentication_results.ends_with(
                "arc=pass smtp.remote-ip=192.0.2.66 header.oldest-pass=0"));
}

TEST_CASE("a trusted sealer's chain on another's content is no pass (A135)") {
  Text other = by_list();
  other.body = "Pay now.\r\n";
  CHECK(summary(judge(other, kTrusted)) == "reject dmarc.reject, dmarc=fail, arc=fail");
  // What its message signature does not cover: a second Subject.
  Text added = by_list();
  added.fields.insert(added.fields.begin(), {"Subject", " Pay now"});
  CHECK(summary(judge(added, kTrusted)) == "reject dmarc.reject, dmarc=fail, arc=pass");
  // Another author under his seal.
  Text author = by_list({.headers = "to:subject:date"});
  for (auto& field : author.fields) {
    if (has_name(field, "From")) field.value = " Boss <boss@other.example>";
  }
  CHECK(summary(judge(author, kTrusted, "_dmarc.other.example TXT \"v=DMARC1; p=reject\"\n")) ==
        "reject dmarc.reject, dmarc=fail, arc=pass");
}

namespace {

/// `message` with the fields of `name` changed.
Text with(Text message, const char* name, const std::function<void(HeaderField&)>& change) {
  for (auto& field : message.fields) {
    if (has_name(field, name)) change(field);
  }
  return message;
}

Text on_top(Text message, const std::string& name, const std::string& value) {
  message.fields.insert(message.fields.begin(), {name, value});
  return message;
}

Text at_the_end(Text message, const std::string& name, const std::string& value) {
  message.fields.push_back({name, value});
  return message;
}

/// A copy of each field of the chain, on top.
Text doubled(const Text& message, const char* name) {
  Text twice = message;
  for (const auto& field : message.fields) {
    if (has_name(field, name)) twice = on_top(twice, field.name, field.value);
  }
  return twice;
}

Text without(Text message, const char* name) {
  std::erase_if(message.fields, [&](const HeaderField& field) { return has_name(field, name); });
  return message;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("attacks on trust: none of these is believed (A128 to A136, A178, A187)") {
  const Hop stranger{.domain = "stranger.example"};
  const std::string spoofed = " i=1; mx.lists.example.edu; dmarc=pass header.from=example.org";
  const Text good = by_list();
  const Text forged = with(plain(), "From", [](HeaderField& f) { f.value = " <a@example.org>"; });
  const auto upper = [](HeaderField& field) {
    for (char& c : field.name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  };
  const struct {
    std::string why;
    Text message;
    std::string chain;  // what is found of it
  } rows[] = {
      {"results alone, in the name of the trusted one",
       on_top(forged, "ARC-Authentication-Results", spoofed), "fail"},
      {"a stranger's seal over results in the name of the trusted one",
       sealed(forged, {.domain = "stranger.example",
                       .results = "dmarc=pass header.from=example.org smtp.mailfrom=x; "
                                  "arc=pass header.d=lists.example.edu"}),
       "pass"},
      {"a stranger's set that says it is of the trusted one's domain: the key is another one",
       with(sealed(forged, stranger), "ARC-Seal",
            [](HeaderField& f) {
              f.value = replaced(f.value, "stranger.example", "late.example.edu");
            }),
       "fail"},
      {"a message signature of the trusted one below a stranger's seal",
       sealed(forged, {.domain = "stranger.example", .message_signer = "lists.example.edu"}),
       "pass"},
      {"the other way round", sealed(forged, {.message_signer = "stranger.example"}), "pass"},
      {"a gap: set 1 is not there", sealed(changed_by_list(by_author()), {.instance = 2}), "fail"},
      {"a gap: set 2 is not there",
       sealed(sealed(changed_by_list(by_author()), stranger), {.instance = 3}), "fail"},
      {"instance 0",
       with(good, "ARC-Seal", [](HeaderField& f) { f.value = replaced(f.value, "i=1", "i=0"); }),
       "fail"},
      {"instance 01",
       with(good, "ARC-Seal", [](HeaderField& f) { f.value = replaced(f.value, "i=1", "i=01"); }),
       "fail"},
      {"each instance twice: seals", doubled(good, "ARC-Seal"), "fail"},
      {"message signatures", doubled(good, "ARC-Message-Signature"), "fail"},
      {"results", doubled(good, "ARC-Authentication-Results"), "fail"},
      {"results twice, of which one says pass",
       on_top(by_list({.results = "dmarc=fail header.from=example.org"}),
              "ARC-Authentication-Results", spoofed),
       "fail"},
      {"results under a name with a blank behind it",
       on_top(by_list({.results = "dmarc=fail header.from=example.org"}),
              "ARC-Authentication-Results ", spoofed),
       "fail"},
      {"in upper case",
       on_top(by_list({.results = "dmarc=fail header.from=example.org"}),
              "ARC-AUTHENTICATION-RESULTS", spoofed),
       "fail"},
      {"results that were changed",
       with(by_list({.results = "dmarc=fail header.from=example.org"}),
            "ARC-Authentication-Results", [&](HeaderField& f) { f.value = spoofed; }),
       "fail"},
      {"the seal taken off", without(good, "ARC-Seal"), "fail"},
      {"the message signature taken off", without(good, "ARC-Message-Signature"), "fail"},
      {"the results taken off", without(good, "ARC-Authentication-Results"), "fail"},
      {"an old chain on new content",
       [&] {
         Text other = good;
         other.body = "Pay now.\r\n";
         return other;
       }(),
       "fail"},
      {"an old chain under another Subject",
       with(good, "Subject", [](HeaderField& f) { f.value = " Pay now"; }), "fail"},
      {"an old chain, resealed by a stranger over new content",
       sealed(
           [&] {
             Text other = good;
             other.body = "Pay now.\r\n";
             return other;
           }(),
           stranger),
       "pass"},
      {"a stranger behind the trusted one", sealed(good, stranger), "pass"},
      {"cv=none in the second set",
       sealed(sealed(changed_by_list(by_author()), stranger), {.cv = "none"}), "fail"},
      {"cv=pass in the first", by_list({.cv = "pass"}), "fail"},
      {"cv=fail", by_list({.cv = "fail"}), "fail"},
      {"cv=PASS",
       with(sealed(good, {}), "ARC-Seal",
            [](HeaderField& f) {
              if (f.value.find("cv=pass") != std::string::npos)
                f.value = replaced(f.value, "cv=pass", "cv=PASS");
            }),
       "fail"},
      {"a seal with h=", by_list({.seal_tags = " h=from;"}), "fail"},
      {"a message signature with l=", by_list({.signature_tags = " l=0;"}), "fail"},
      {"one that covers seals", by_list({.headers = "from:arc-seal:subject"}), "fail"},
      {"one that does not cover From", by_list({.headers = "to:subject:date"}), "pass"},
      {"a second From on top", on_top(good, "From", " Boss <boss@example.org>"), "pass"},
      {"a second From at the end",
       [&] {
         Text other = good;
         other.fields.push_back({"from", " Boss <boss@example.org>"});
         return other;
       }(),
       "fail"},
      {"two From when it was sealed",
       sealed(on_top(by_author(), "From", " Boss <boss@example.org>")), "pass"},
      {"a second Subject on top", on_top(good, "subject", " Pay now"), "pass"},
      {"A361: Reply-To below the set, which it does not cover",
       at_the_end(good, "Reply-To", " m@attack.example"), "pass"},
      {"A361: another Subject, which it does not cover",
       with(by_list({.headers = "from:to:date:message-id"}), "Subject",
            [](HeaderField& f) { f.value = " Pay now"; }),
       "pass"},
      {"another Date, which it does not cover",
       with(by_list({.headers = "from:to:subject:message-id"}), "Date",
            [](HeaderField& f) { f.value = " Sun, 29 Nov 2026 10:00:00 +0000"; }),
       "pass"},
      {"a second To below the set", at_the_end(good, "To", " m@attack.example"), "fail"},
      {"a Content-Type on top", on_top(good, "Content-Type", " text/html"), "pass"},
      {"a Sender on top", on_top(good, "Sender", " m@attack.example"), "pass"},
      {"another author passed", by_list({.results = "dmarc=pass header.from=attack.example"}),
       "pass"},
      {"another and this one",
       by_list({.results = "dmarc=pass header.from=attack.example header.from=example.org"}),
       "pass"},
      {"a pass and a fail",
       by_list(
           {.results = "dmarc=fail header.from=example.org; dmarc=pass header.from=example.org"}),
       "pass"},
      {"a pass in a comment",
       by_list(
           {.results = "dmarc=fail (dmarc=pass header.from=example.org) header.from=x.example"}),
       "pass"},
      {"a pass in a reason",
       by_list({.results = "dmarc=fail reason=\"; dmarc=pass header.from=example.org\" "
                           "header.from=example.org"}),
       "pass"},
      {"a pass of DKIM alone", by_list({.results = "dkim=pass header.d=example.org"}), "pass"},
      {"a pass of a subdomain of the author's",
       by_list({.results = "dmarc=pass header.from=a.example.org"}), "pass"},
      {"what the trusted one found of a chain that had failed, in fifty-one sets",
       on_top(good, "ARC-Seal", " i=51; cv=pass"), "fail"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const MessageVerdict verdict = judge(row.message, kTrusted);
    CHECK(to_string(verdict.findings.arc.result) == row.chain);
    CHECK_FALSE(verdict.decision.trusted_sealer);
    CHECK(verdict.disposition == Disposition::reject);
  }
  // What is no attack: the case of names, blanks that "relaxed" does not see, fields in any order.
  CHECK(summary(judge(with(good, "ARC-Seal", upper), kTrusted)) ==
        "accept arc.trusted, dmarc=fail, arc=pass");
  Text turned = good;
  std::swap(turned.fields[0], turned.fields[2]);
  CHECK(summary(judge(turned, kTrusted)) == "accept arc.trusted, dmarc=fail, arc=pass");
}

TEST_CASE(
    "what real sealers cover is enough, and a list that changes the Subject before it seals") {
  Text message = by_author();
  message.fields.push_back({"MIME-Version", " 1.0"});
  message.fields.push_back({"Content-Type", " text/plain"});
  message.fields.push_back({"Content-Transfer-Encoding", " 7bit"});
  const char* const of_google =
      "content-transfer-encoding:to:subject:message-id:date:from:mime-version:dkim-signature";
  const char* const of_microsoft =
      "From:Date:Subject:Message-ID:Content-Type:MIME-Version:"
      "X-MS-Exchange-AntiSpam-MessageData-0";
  const char* const of_openarc =
      "MIME-Version:References:In-Reply-To:From:Date:Message-ID:Subject:To:Cc:Content-Type";
  for (const char* names : {of_google, of_microsoft, of_openarc}) {
    CAPTURE(names);
    std::string lower = names;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    CHECK(summary(judge(sealed(changed_by_list(message), {.headers = lower}), kTrusted)) ==
          "accept arc.trusted, dmarc=fail, arc=pass");
  }
}

TEST_CASE("a trusted sealer's message sent again later, where his word holds for a time (A362)") {
  const std::string for_a_day = kTrusted + "max_age = \"1d\"\n";
  constexpr std::int64_t kDay = 24 * 60 * 60;
  const Text message = by_list();
  CHECK(summary(judge(message, for_a_day)) == "accept arc.trusted, dmarc=fail, arc=pass");
  CHECK(summary(judge(message, for_a_day, "", {}, kNow + kDay)) ==
        "accept arc.trusted, dmarc=fail, arc=pass");
  CHECK(summary(judge(message, for_a_day, "", {}, kNow + kDay + 1)) ==
        "reject dmarc.reject, dmarc=fail, arc=pass");
  CHECK(summary(judge(message, kTrusted, "", {}, kNow + 400 * kDay)) ==
        "accept arc.trusted, dmarc=fail, arc=pass");
}

TEST_CASE("the key of a trusted sealer that is not to be had keeps the message waiting") {
  const std::vector<ZoneFault> faults = {{"s._domainkey.late.example.edu", DnsFault::servfail}};
  const Text message = by_list({.domain = "late.example.edu"});
  const std::string trusted = "[[policy.trusted_sealer]]\ndomain = \"late.example.edu\"\n";
  CHECK(summary(judge(message, trusted, "", faults)) ==
        "tempfail arc.temperror, dmarc=fail, arc=fail");
  CHECK(summary(judge(message, kTrusted, "", faults)) ==
        "reject dmarc.reject, dmarc=fail, arc=fail");
}

namespace {

const std::string kListId = " Developers <dev.example.org>";
const std::string kOther = "_dmarc.other.example TXT \"v=DMARC1; p=reject\"\n";
const std::string kByList =
    "[[policy.override]]\n"
    "list = { id = \"dev.example.org\", signed_by = \"example.org\" }\n"
    "dmarc_reject = \"quarantine\"\n";
const std::string kListed = "quarantine dmarc.reject (override 1), dmarc=fail, arc=none";
const std::string kRefused = "reject dmarc.reject, dmarc=fail, arc=none";

/// By an author of elsewhere.
Text posted() {
  return with(plain(), "From", [](HeaderField& f) { f.value = " Boss <boss@other.example>"; });
}
Text listed() { return at_the_end(posted(), "List-Id", kListId); }

/// Signed by the host of the list, which is example.org's.
Text by_host(const Text& message, DkimSignOptions options = {}) {
  return dkim_test::sign(message, {dkim_test::signing_key("r")}, std::move(options));
}

/// The same with tags that our signer would not write; `names` are those of h=, each there once.
Text by_host_with(const Text& message, const std::vector<std::string>& names,
                  const std::string& tags = "") {
  std::string lines;
  std::string h;
  for (const std::string& name : names) {
    h += (h.empty() ? "" : ":") + name;
    for (const HeaderField& field : message.fields) {
      if (has_name(field, name)) lines += field.name + ":" + field.value + "\r\n";
    }
  }
  return dkim_test::sign_by_hand(message, dkim_test::kTags + tags + " h=" + h + ";", message.body,
                                 lines);
}

}  // namespace

TEST_CASE("a list that signs, by its List-Id: only what its signature covers (A360)") {
  const std::vector<std::string> names = {"From", "Subject", "Date", "List-Id"};
  Text appended = by_host_with(listed(), names, " l=" + std::to_string(listed().body.size()) + ";");
  const Text whole = appended;
  appended.body += "Pay now.\r\n";
  DkimSignOptions without_list_id;
  without_list_id.headers = {"to", "date", "message-id"};
  DkimSignOptions oversigned;
  oversigned.headers = {"to", "date", "list-id"};
  oversigned.oversign = {"from", "list-id"};
  const struct {
    std::string why;
    Text message;
    std::string want;
  } rows[] = {
      {"the list's own mail", by_host(listed()), kListed},
      {"oversigned", by_host(listed(), oversigned), kListed},
      {"signed by hand, with what it needs to name", by_host_with(listed(), names), kListed},
      {"its whole body by l=", whole, kListed},
      {"no signature", listed(), kRefused},
      {"other mail of the host, and a List-Id put on top",
       on_top(by_host(posted(), without_list_id), "List-Id", kListId), kRefused},
      {"... or at the end", at_the_end(by_host(posted(), without_list_id), "List-Id", kListId),
       kRefused},
      {"... where h= names it", on_top(by_host(posted(), oversigned), "List-Id", kListId),
       kRefused},
      {"mail of another of its lists, with this one's on top",
       on_top(by_host(at_the_end(posted(), "List-Id", " <other.example.org>")), "List-Id", kListId),
       kRefused},
      {"... in the place of its own",
       with(by_host(at_the_end(posted(), "List-Id", " <other.example.org>")), "List-Id",
            [](HeaderField& f) { f.value = kListId; }),
       kRefused},
      {"... in its place, where the host does not sign it",
       with(by_host(at_the_end(posted(), "List-Id", " <other.example.org>"), without_list_id),
            "List-Id", [](HeaderField& f) { f.value = kListId; }),
       kRefused},
      {"a second one on the list's own mail", on_top(by_host(listed()), "List-Id", kListId),
       kRefused},
      {"a second one in another case", on_top(by_host(listed()), "LIST-ID ", kListId), kRefused},
      {"a body longer than l=", appended, kRefused},
      {"another Subject, which it does not cover",
       with(by_host_with(listed(), {"From", "Date", "List-Id"}), "Subject",
            [](HeaderField& f) { f.value = " Pay now"; }),
       kRefused},
      {"a Reply-To, which it does not cover",
       at_the_end(by_host_with(listed(), names), "Reply-To", " m@attack.example"), kRefused},
      {"a Content-Type on top", on_top(by_host_with(listed(), names), "Content-Type", " text/html"),
       kRefused},
      {"another author under it",
       with(by_host(listed()), "From",
            [](HeaderField& f) { f.value = " Boss <ceo@other.example>"; }),
       kRefused},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(summary(judge(row.message, kByList, kOther)) == row.want);
  }
}

TEST_CASE("the key of a list that is not to be had keeps its mail waiting (A367)") {
  const auto late = [](const Text& message) {
    return with(message, "DKIM-Signature",
                [](HeaderField& f) { f.value = replaced(f.value, "s=r;", "s=late;"); });
  };
  const std::vector<ZoneFault> faults = {{"late._domainkey.example.org", DnsFault::servfail}};
  const Text good = late(by_host(listed()));
  CHECK(summary(judge(good, kByList, kOther, faults)) ==
        "tempfail override.temperror (override 1), dmarc=fail, arc=none");
  CHECK(summary(judge(good, kByList, kOther)) == kRefused);  // there is none
  // Only what the list's signature would cover waits.
  DkimSignOptions without_list_id;
  without_list_id.headers = {"to", "date", "message-id"};
  const Text other = late(by_host(posted(), without_list_id));
  CHECK(summary(judge(at_the_end(other, "List-Id", kListId), kByList, kOther, faults)) == kRefused);
  CHECK(summary(judge(on_top(good, "Subject", " Pay now"), kByList, kOther, faults)) == kRefused);
  // Nor may what was not asked for want of room refuse it for good.
  CHECK(summary(
            judge(good, kByList, kOther, {{"late._domainkey.example.org", DnsFault::overload}})) ==
        "tempfail limit.dns, dmarc=fail, arc=none");
}
