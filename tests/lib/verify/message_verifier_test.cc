#include <authmilter/verify.h>

#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <authmilter/authentication_results.h>

using namespace authmilter;

namespace {

constexpr const char* kZone = R"(
bank.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.bank.example TXT "v=DMARC1; p=reject"
shop.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.shop.example TXT "v=DMARC1; p=quarantine"
club.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
soft.example TXT "v=spf1 ~all"
helo.attack.example TXT "v=spf1 ip4:203.0.113.0/24 -all"
broken.example TXT "v=spf1 foo:bar -all"
busy.example TXT "v=spf1 a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example -all"
h.example A 198.51.100.1
void.example TXT "v=spf1 a:v1.example a:v2.example a:v3.example -all"
single-void.example TXT "v=spf1 a:v1.example -all"
)";
constexpr const char* kGood = "192.0.2.7";
constexpr const char* kBad = "203.0.113.66";

Config test_config(const std::string& more = "") {
  const auto config = parse_config("[identity]\nauthserv_id = \"mx.home.example\"\n" + more, "test",
                                   "host.example");
  REQUIRE_MESSAGE(config, (config ? "" : config.error().message));
  return *config;
}

struct Input {
  const char* client = kGood;
  const char* mail_from = "<a@bank.example>";
  const char* helo = "client.example";
  std::string header = "From: a@bank.example\r\nSubject: s\r\n";
  bool quarantine_offered = true;
};

MessageVerdict judge(const Input& input, const Config& config,
                     const std::vector<ZoneFault>& faults = {}) {
  const DkimEngine engine;
  const auto resolver = make_test_resolver(kZone, faults);
  Envelope envelope;
  envelope.client = IpAddress::parse(input.client);
  envelope.helo = parse_helo(input.helo);
  envelope.mail_from = parse_reverse_path(input.mail_from);
  envelope.quarantine_offered = input.quarantine_offered;
  MessageVerifier verifier(config, engine, *resolver, envelope, 1'700'000'000);
  verifier.add_recipient(parse_reverse_path("<user@home.example>"));
  for (const HeaderField& field : parse_message(input.header + "\r\n").fields)
    verifier.header(field);
  verifier.end_of_headers();
  if (verifier.wants_body()) verifier.body("Hello.\r\n");
  return verifier.finish();
}

/// "remove Authentication-Results 2" and so on.
std::vector<std::string> described(const std::vector<HeaderEdit>& edits) {
  std::vector<std::string> lines;
  for (const HeaderEdit& edit : edits) {
    lines.push_back(std::string(to_string(edit.action)) + " " + edit.name + " " +
                    std::to_string(edit.index));
  }
  return lines;
}

}  // namespace

TEST_CASE("a message gets what its author's domain asks for") {
  const struct {
    std::string why;
    Input input;
    const char* config;
    Disposition disposition;
    const char* rule;
    unsigned reply;  // 0: none
    const char* results;
  } rows[] = {
      {"genuine",
       {},
       "",
       Disposition::accept,
       "dmarc.pass",
       0,
       "dmarc=pass header.from=bank.example"},
      {"forged, p=reject",
       {.client = kBad},
       "",
       Disposition::reject,
       "dmarc.reject",
       550,
       "dmarc=fail"},
      {"forged, p=quarantine",
       {.client = kBad, .mail_from = "<a@shop.example>", .header = "From: a@shop.example\r\n"},
       "",
       Disposition::quarantine,
       "dmarc.quarantine",
       0,
       "policy.dmarc=quarantine"},
      {"the MTA has no quarantine",
       {.client = kBad,
        .mail_from = "<a@shop.example>",
        .header = "From: a@shop.example\r\n",
        .quarantine_offered = false},
       "",
       Disposition::tag,
       "dmarc.quarantine",
       0,
       "dmarc=fail"},
      {"SPF fail without DMARC",
       {.client = kBad, .mail_from = "<a@club.example>", .header = "From: a@club.example\r\n"},
       "",
       Disposition::tag,
       "spf.fail",
       0,
       "dmarc=none"},
      {"SPF softfail is let through",
       {.client = kBad, .mail_from = "<a@soft.example>", .header = "From: a@soft.example\r\n"},
       "",
       Disposition::accept,
       "spf.softfail",
       0,
       "spf=softfail"},
      {"A01: two From fields",
       {.header = "From: a@bank.example\r\nFrom: a@bank.example\r\n"},
       "",
       Disposition::reject,
       "dmarc.permerror",
       550,
       "multiple-from-fields"},
      {"A09: no From field",
       {.header = "Sender: a@bank.example\r\n"},
       "",
       Disposition::reject,
       "dmarc.permerror",
       550,
       "dmarc=permerror"},
      {"A41, edge case 90: a HELO that passes does not authenticate the author",
       {.client = kBad, .mail_from = "<a@nx.bank.example>", .helo = "helo.attack.example"},
       "",
       Disposition::reject,
       "dmarc.reject",
       550,
       "spf=none reason=no-record smtp.mailfrom=nx.bank.example"},
      {"a bounce is authenticated by the name in HELO (RFC 7208 section 2.4, RFC 9989 section 4.4)",
       {.mail_from = "<>", .helo = "bank.example"},
       "",
       Disposition::accept,
       "dmarc.pass",
       0,
       "smtp.helo=bank.example"},
      {"its HELO must align",
       {.client = kBad, .mail_from = "<>", .helo = "helo.attack.example"},
       "",
       Disposition::reject,
       "dmarc.reject",
       550,
       "spf=pass (null reverse-path) smtp.helo=helo.attack.example"},
      {"edge case 91: what others say of SPF is not believed",
       {.client = kBad,
        .header = "Received-SPF: pass (mx.home.example: domain of a@bank.example)\r\n"
                  "Authentication-Results: mx.elsewhere.example; spf=pass "
                  "smtp.mailfrom=a@bank.example; dmarc=pass header.from=bank.example\r\n"
                  "Authentication-Results: mx.home.example; spf=pass "
                  "smtp.mailfrom=a@bank.example\r\n"
                  "From: a@bank.example\r\n"},
       "",
       Disposition::reject,
       "dmarc.reject",
       550,
       "spf=fail smtp.mailfrom=bank.example"},
      {"edge case 91: nor from a server that is trusted, when it stands outside",
       {.client = kBad,
        .header = "Authentication-Results: border.home.example; spf=pass "
                  "smtp.mailfrom=a@bank.example\r\n"
                  "From: a@bank.example\r\n"},
       "trusted_authserv_ids = [\"border.home.example\"]\n",
       Disposition::reject,
       "dmarc.reject",
       550,
       "spf=fail smtp.mailfrom=bank.example"},
      {"monitor mode changes nothing",
       {.client = kBad},
       "[verify]\nmode = \"monitor\"\n",
       Disposition::accept,
       "dmarc.reject",
       550,
       "dmarc=fail"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const MessageVerdict verdict = judge(row.input, test_config(row.config));
    CHECK(verdict.disposition == row.disposition);
    CHECK(rule_text(verdict.decision) == row.rule);
    CHECK((verdict.decision.reply ? verdict.decision.reply->code : 0) == row.reply);
    CHECK_MESSAGE(verdict.authentication_results.find(row.results) != std::string::npos,
                  verdict.authentication_results);
    REQUIRE_FALSE(verdict.edits.empty());
    CHECK(verdict.edits.back().name == "Authentication-Results");
    CHECK(verdict.edits.back().index == 0);
  }
}

TEST_CASE(
    "fields in our name are removed first, highest index first (RFC 8601 section 5; A119, A120, "
    "edge cases 93, 94)") {
  const Config config = test_config();
  const Input input{.header =
                        "Authentication-Results: mx.home.example; dmarc=pass\r\n"
                        "authentication-results: MX.HOME.EXAMPLE (x) 1; spf=pass\r\n"
                        "Authentication-Results: mx.elsewhere.example; spf=pass\r\n"
                        "From: a@bank.example\r\n"
                        "X-Authmilter-Verdict: clean\r\n"
                        "Authentication-Results: \"unterminated\r\n"};
  CHECK(described(judge(input, config).edits) ==
        std::vector<std::string>{"remove Authentication-Results 4", "remove X-Authmilter-Verdict 1",
                                 "remove authentication-results 2",
                                 "remove Authentication-Results 1",
                                 "insert Authentication-Results 0"});
}

TEST_CASE("monitor mode removes forged results and touches nothing else") {
  const Input input{.header =
                        "Authentication-Results: mx.home.example; dmarc=pass\r\n"
                        "X-Authmilter-Verdict: clean\r\n"
                        "BIMI-Location: v=BIMI1; l=https://attack.example/logo.svg\r\n"
                        "From: a@bank.example\r\n"};
  CHECK(described(judge(input, test_config("[verify]\nmode = \"monitor\"\n")).edits) ==
        std::vector<std::string>{"remove Authentication-Results 1",
                                 "insert Authentication-Results 0"});
}

TEST_CASE("every Subject field is tagged (A224)") {
  const Config config = test_config("[policy]\ntag_subject = \"[forged?] \"\n");
  const struct {
    std::string why;
    std::string header;
    std::vector<std::string> edits;
  } rows[] = {
      {"two",
       "Subject: a\r\nsubject: b\r\n",
       {"replace Subject 1: [forged?] a", "replace subject 2: [forged?] b"}},
      {"a blank before the colon", "Subject : a\r\n", {"replace Subject  1: [forged?] a"}},
      {"both, each counted by its name as the MTA has it",
       "Subject: a\r\nSubject : b\r\nSubject: c\r\n",
       {"replace Subject 1: [forged?] a", "replace Subject  1: [forged?] b",
        "replace Subject 2: [forged?] c"}},
      {"one has it", "Subject: [forged?] a\r\nSubject: b\r\n", {"replace Subject 2: [forged?] b"}},
      {"none", "", {"insert Subject 0: [forged?]"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const Input input{.client = kBad,
                      .mail_from = "<a@club.example>",
                      .header = row.header + "From: a@club.example\r\n"};
    std::vector<std::string> edits;
    for (const HeaderEdit& edit : judge(input, config).edits) {
      if (!edit.name.starts_with("S") && !edit.name.starts_with("s")) continue;
      edits.push_back(std::string(to_string(edit.action)) + " " + edit.name + " " +
                      std::to_string(edit.index) + ": " + edit.value);
    }
    CHECK(edits == row.edits);
  }
}

TEST_CASE("a foreign results field that some reader takes for ours goes (A196)") {
  const Config config = test_config();
  const Input input{
      .header =
          "Authentication-Results: o.example; none =?utf-8?q?=0Amx.home.example;_dmarc=3Dpass?=\r\n"
          "Authentication-Results: o.example;\r\n mx.home.example; dmarc=pass\r\n"
          "Authentication-Results: o.example; dkim=pass (=?utf-8?q?J=C3=B6rg?=)\r\n"
          "From: a@bank.example\r\n"};
  CHECK(described(judge(input, config).edits) ==
        std::vector<std::string>{"remove Authentication-Results 2",
                                 "remove Authentication-Results 1",
                                 "insert Authentication-Results 0"});
}

TEST_CASE("a reverse-path is one thing to everybody who reads it (RFC 5321 section 4.1.2)") {
  const struct {
    const char* mail_from;
    const char* spf;  // of what SPF says
    bool is_a_bank;   // an override for the domain, and DMARC by SPF alone, see bank.example
  } rows[] = {
      {"<a@bank.example>", "spf=pass smtp.mailfrom=bank.example", true},
      {"<a..b@bank.example>", "spf=pass smtp.mailfrom=bank.example", true},
      {"<\"a b\"@bank.example>", "spf=pass smtp.mailfrom=bank.example", true},
      {"<@attack.example:a@bank.example>", "spf=pass smtp.mailfrom=bank.example", true},
      {"<@bank.example:a@attack.example>", "smtp.mailfrom=attack.example", false},
      {"<(a@bank.example>", "spf=permerror reason=invalid-local-part", false},
      {"<a@bank.example'@attack.example>", "spf=permerror reason=invalid-local-part", false},
      {"<a@bank.example(.attack.example>", "spf=none reason=invalid-domain", false},
  };
  const Config config =
      test_config("[[policy.override]]\nmail_from = [\"bank.example\"]\ndmarc_reject = \"tag\"\n");
  for (const auto& row : rows) {
    CAPTURE(row.mail_from);
    const MessageVerdict verdict =
        judge({.mail_from = row.mail_from, .header = "From: a@bank.example\r\n"}, config);
    CHECK_MESSAGE(verdict.authentication_results.find(row.spf) != std::string::npos,
                  verdict.authentication_results);
    CHECK((verdict.findings.dmarc.result == DmarcResult::pass) == row.is_a_bank);
    // From where SPF does not pass, the override is for that domain alone.
    const MessageVerdict forged = judge(
        {.client = kBad, .mail_from = row.mail_from, .header = "From: a@bank.example\r\n"}, config);
    CHECK((forged.disposition == Disposition::tag) == row.is_a_bank);
    // What is asked for before the content comes is the same domain.
    const bool asked = std::any_of(
        verdict.lookups.begin(), verdict.lookups.end(), [](const RecordingResolver::Entry& entry) {
          return entry.question == DnsQuestion{*DnsName::parse("bank.example"), RrType::txt};
        });
    CHECK(asked == row.is_a_bank);
  }
}

TEST_CASE("a tag is a field and, if configured, a Subject prefix") {
  const Input input{.client = kBad,
                    .mail_from = "<a@club.example>",
                    .header = "Subject: one\r\n two\r\nFrom: a@club.example\r\n"};
  const Config config = test_config("[policy]\ntag_subject = \"[forged?] \"\n");
  const MessageVerdict verdict = judge(input, config);
  REQUIRE(verdict.edits.size() == 3);
  CHECK(verdict.edits[0] ==
        HeaderEdit{HeaderEdit::Action::replace, 1, "Subject", "[forged?] one\n two"});
  CHECK(verdict.edits[1].name == "X-Authmilter-Verdict");
  CHECK(verdict.edits[1].value.starts_with("suspicious ("));
  SUBCASE("once") {
    Input again = input;
    again.header = "Subject: [forged?] one\r\nFrom: a@club.example\r\n";
    CHECK(described(judge(again, config).edits) ==
          std::vector<std::string>{"insert X-Authmilter-Verdict 0",
                                   "insert Authentication-Results 0"});
  }
}

TEST_CASE("what cannot be known is a temperror, never a none or a pass") {
  const struct {
    std::string why;
    std::vector<ZoneFault> faults;
    const char* results;
  } rows[] = {
      {"SPF record", {{"unknown.example", DnsFault::servfail}}, "spf=temperror"},
      {"policy record", {{"_dmarc.unknown.example", DnsFault::timeout}}, "dmarc=temperror"},
      {"bogus policy record", {{"_dmarc.unknown.example", DnsFault::bogus}}, "dmarc=temperror"},
  };
  const Input input{.mail_from = "<a@unknown.example>", .header = "From: a@unknown.example\r\n"};
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const MessageVerdict verdict = judge(input, test_config(), row.faults);
    CHECK_MESSAGE(verdict.authentication_results.find(row.results) != std::string::npos,
                  verdict.authentication_results);
    const MessageVerdict deferred = judge(
        input,
        test_config("[policy]\ndmarc_temperror = \"tempfail\"\nspf_temperror = \"tempfail\"\n"),
        row.faults);
    CHECK(deferred.disposition == Disposition::tempfail);
    CHECK(deferred.decision.reply->code == 451);
  }
}

TEST_CASE("a header over the limits is refused, not judged by its first part (A17)") {
  Input input;
  for (int i = 0; i < 1000; ++i) input.header += "X: y\r\n";
  const MessageVerdict verdict = judge(input, test_config());
  CHECK(verdict.disposition == Disposition::reject);
  CHECK(rule_text(verdict.decision) == "limit.header");
  CHECK(verdict.decision.reason == "header-limit-exceeded (more than 1000 fields)");
  CHECK(verdict.decision.reply->code == 552);
  CHECK(verdict.decision.reply->text ==
        "Message header exceeds the limits of this server: more than 1000 fields");
  CHECK(verdict.authentication_results.find("dmarc=permerror") != std::string::npos);
}

TEST_CASE("the limits in force are those of the configuration") {
  const std::string from = "From: " + std::string(1000, 'p') + " <a@bank.example>\r\n";
  const struct {
    std::string why;
    Input input;
    std::string config;
    const char* results;
  } rows[] = {
      {"a From field of the length allowed", {.header = from}, "from_octets = 1018", "dmarc=pass"},
      {"one octet more", {.header = from}, "from_octets = 1017", "dmarc=permerror"},
      {"as many lookups as allowed",
       {.mail_from = "<a@busy.example>"},
       "spf_lookups = 11",
       "spf=fail smtp.mailfrom"},
      {"one more", {.mail_from = "<a@busy.example>"}, "", "spf=permerror reason=too-many-lookups"},
      {"as many void lookups as allowed",
       {.mail_from = "<a@void.example>"},
       "spf_void_lookups = 3",
       "spf=fail smtp.mailfrom"},
      {"one more",
       {.mail_from = "<a@void.example>"},
       "",
       "spf=permerror reason=too-many-void-lookups"},
      {"none is allowed",
       {.mail_from = "<a@single-void.example>"},
       "spf_void_lookups = 0",
       "spf=permerror"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const MessageVerdict verdict = judge(row.input, test_config("[verify]\n" + row.config + "\n"));
    CAPTURE(verdict.authentication_results);
    CHECK(verdict.authentication_results.find(row.results) != std::string::npos);
  }
}

TEST_CASE("ours are authenticated, internal and local senders (edge case 101)") {
  const Config config = test_config("[network]\ninternal = [\"192.0.2.0/24\"]\n");
  Envelope envelope;
  CHECK_FALSE(is_ours(envelope, config));  // a client that nobody knows (A50)
  envelope.submitted_here = true;
  CHECK(is_ours(envelope, config));
  envelope.submitted_here = false;
  envelope.client = IpAddress::parse(kBad);
  CHECK_FALSE(is_ours(envelope, config));
  envelope.client =
      IpAddress::parse("127.0.0.1");  // no free pass when the administrator left it out
  CHECK_FALSE(is_ours(envelope, config));
  envelope.client = IpAddress::parse(kGood);
  CHECK(is_ours(envelope, config));
  envelope.client = IpAddress::parse(kBad);
  envelope.auth_user = "alice";
  CHECK(is_ours(envelope, config));
}
