#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "lib/audit_views/made_audit.h"

using namespace authmilter;
using namespace authmilter::test_audit;

namespace {

constexpr const char* kHostile = "</td><script>alert(1)</script>\x1b[2J\xff\"'=&";

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::size_t position(const std::string& text, std::string_view part) {
  const std::size_t at = text.find(part);
  CAPTURE(part);
  REQUIRE(at != std::string::npos);
  return at;
}

MadeReport hostile() {
  MadeReport made;
  AuditCheck& check = made.domains[0].checks[1];
  check.verdicts = {{CheckStatus::fail, kHostile, kHostile, kHostile}};
  made.domains[0].points = judge_points(made.domains[0].checks);
  made.header.resolver = kHostile;
  made.profile.title = kHostile;
  made.profile.prints_measure = true;
  made.since = 1;
  made.changes = {{{ChangeKind::worse, "dmarc.policy", CheckStatus::pass, CheckStatus::fail,
                    kHostile, kHostile}}};
  return made;
}

}  // namespace

TEST_CASE("text: what is urgent stands first, with what to do") {
  const MadeReport made;
  const std::string text = audit_text(made.report());
  CHECK(text.starts_with("example.org: 1 to mend, 1 to look at, 1 not known, 1 in order\n"));
  CHECK(position(text, "DMARC asks for something") < position(text, "No old TLS"));
  CHECK(has(text, "Do:   Publish \"v=DMARC1; p=reject\"."));
  CHECK(has(text, "Seen: mx1.example.org 192.0.2.1: TLS 1.0"));
  CHECK(position(text, "What to do") < position(text, "All that was looked at"));
  CHECK(has(text, "Who may send in your name (SPF)"));
  CHECK(has(text, "SHA-256 of the facts: abcdef"));
  CHECK_FALSE(has(text, "point by point"));
}

TEST_CASE("text: the measure, where the profile asks for it") {
  MadeReport made;
  made.profile.prints_measure = true;
  const std::string text = audit_text(made.report());
  CHECK(has(text, "3.3   not fulfilled: The domain has a DMARC record"));
  CHECK(has(text, "1.8   not testable from here: "));
  CHECK(position(text, "point by point") < position(text, "What to do"));
}

TEST_CASE("text: what has changed, and that nothing has") {
  MadeReport made;
  made.since = 1795348800;
  made.changes = {{}};
  CHECK(has(audit_text(made.report()), "What has changed since 2026-11-22"));
  CHECK(has(audit_text(made.report()), "\nNothing.\n"));
  made.changes = {
      {{ChangeKind::worse, "spf.all", CheckStatus::pass, CheckStatus::fail, "-all", "+all"}}};
  const std::string text = audit_text(made.report());
  CHECK(has(text, "worse: was in order, is to mend"));
  CHECK(has(text, "Before: -all"));
  CHECK(has(text, "Now:    +all"));
}

TEST_CASE("text of strangers cannot command a terminal") {
  const std::string text = audit_text(hostile().report());
  CHECK_FALSE(has(text, "\x1b"));
  CHECK_FALSE(has(text, "\xff"));
  CHECK(has(text, "\\x1b[2J\\xff"));
}

TEST_CASE("lines fit a terminal") {
  MadeReport made;
  for (int i = 0; i < 40; ++i) made.domains[0].checks[1].verdicts[0].evidence += " word";
  const std::string text = audit_text(made.report());
  std::size_t longest = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    longest = std::max(longest, end - at);
    at = end + 1;
  }
  CHECK(longest <= 79);
}

TEST_CASE("JSON has what the contract names") {
  const MadeReport made;
  const std::string json = audit_json(made.report());
  CHECK(json.starts_with("[\n  {\"domain\": \"example.org\",\n   \"checks\": ["));
  CHECK(has(json,
            "{\"id\": \"tls.version\", \"status\": \"warn\", \"points\": [\"1.2.1\", \"1.2.2\"],"));
  CHECK(has(json, "\"evidence\": \"v=DMARC1; p=none\""));
  CHECK(has(json, "\"remedy\": \"Publish \\\"v=DMARC1; p=reject\\\".\""));
  CHECK(has(json, "{\"status\": \"pass\", \"subject\": \"mx2.example.org 192.0.2.2\""));
  CHECK(has(json, "{\"point\": \"3.3\", \"status\": \"not-fulfilled\", \"evidence\": "));
  CHECK(has(json, "\"facts_sha256\": \"abcdef\""));
  CHECK_FALSE(has(json, "\"changes\""));
}

TEST_CASE("JSON of nothing is a list") {
  MadeReport made;
  made.domains.clear();
  CHECK(audit_json(made.report()) == "[\n]\n");
}

TEST_CASE("JSON of strangers' text is UTF-8") {
  const std::string json = audit_json(hostile().report());
  CHECK_FALSE(has(json, "\xff"));
  CHECK(has(json, "\xef\xbf\xbd"));
  CHECK_FALSE(has(json, "\x1b"));
  CHECK(has(json,
            "\"change\": \"worse\", \"is_worse\": true, \"before\": \"pass\", \"now\": \"fail\""));
}

TEST_CASE("CSV has a line for each check, and each point where it is asked for") {
  MadeReport made;
  const auto lines = [&] {
    const std::string csv = audit_csv(made.report());
    return std::count(csv.begin(), csv.end(), '\n');
  };
  CHECK(lines() == 5);
  CHECK(has(audit_csv(made.report()),
            "\"example.org\",\"check\",\"dmarc.policy\",\"fail\",\"\",\"3.3\""));
  made.profile.prints_measure = true;
  CHECK(lines() == 5 + static_cast<std::ptrdiff_t>(measure_points().size()));
  CHECK(has(audit_csv(made.report()), "\"example.org\",\"point\",\"3.3\",\"not-fulfilled\""));
}

TEST_CASE("the page: points first, then what to do, then all checks") {
  MadeReport made;
  made.profile.prints_measure = true;
  const std::string html = audit_html(made.report());
  CHECK(position(html, "The measure, point by point") < position(html, "What to do"));
  CHECK(position(html, "What to do") < position(html, "All that was looked at"));
  CHECK(has(html, "<strong>mx1.example.org 192.0.2.1</strong>: TLS 1.0"));
  CHECK(has(html, "<dt>SHA-256 of the facts</dt><dd>abcdef</dd>"));
  CHECK(has(html, "How to show it:"));
  // Nothing is fetched.
  CHECK_FALSE(has(html, "http://"));
  CHECK_FALSE(has(html, "https://"));
  CHECK_FALSE(has(html, " src="));
}

TEST_CASE("the page takes nothing for markup") {
  const std::string html = audit_html(hostile().report());
  CHECK_FALSE(has(html, "<script"));
  CHECK_FALSE(has(html, "\x1b"));
  CHECK_FALSE(has(html, "\xff"));
  CHECK(has(html, "&lt;script&gt;"));
}

TEST_CASE("a domain that is well has nothing to do") {
  MadeReport made;
  made.domains[0].checks.resize(1);
  CHECK(has(audit_html(made.report()), "Nothing: all that was looked at is in order."));
  CHECK_FALSE(has(audit_text(made.report()), "What to do"));
}

TEST_CASE("a rule's page") {
  CHECK(rule_page(kSpfRule) ==
        "spf.all\n=======\n\nSPF says what becomes of others\n\nLooked at:  the record\n"
        "Reference:  RFC 7208 section 5.1\nMeasure:    3.1\n\nWhat it is.\n\nWhy it matters.\n");
}
