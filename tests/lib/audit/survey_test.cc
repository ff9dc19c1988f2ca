#include <authmilter/audit_survey.h>

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include <authmilter/audit_gather.h>
#include <authmilter/zone_resolver.h>

using namespace authmilter;

namespace {

constexpr const char* kKey = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

SurveyRow surveyed(const std::string& zone, const std::vector<ZoneFault>& faults = {}) {
  const auto dns = make_test_resolver(zone, faults);
  GatherOptions options;
  options.servers = false;
  const DomainFacts facts =
      gather_domain(DomainName::parse("a.example").value(), options, *dns, {});
  return survey_row(facts, judge_domain(facts, {}, AuditProfile()));
}

std::string chosen(const SurveyRow& row, std::string_view question) {
  const auto questions = survey_questions();
  for (std::size_t i = 0; i < questions.size(); ++i) {
    if (questions[i].id == question) return std::string(row.choice(i).id);
  }
  return "no such question";
}

}  // namespace

TEST_CASE("which of the choices a domain has") {
  const std::string key = "\"" + std::string(kKey) + "\"";
  const struct {
    const char* why;
    std::string zone;
    const char* question;
    const char* choice;
  } rows[] = {
      {"an address will do", "a.example A 192.0.2.1", "name", "found"},
      {"nothing", "b.example A 192.0.2.1", "name", "missing"},
      {"-all", "a.example TXT \"v=spf1 mx -all\"", "spf", "hard-fail"},
      {"~all", "a.example TXT \"v=spf1 mx ~all\"", "spf", "soft-fail"},
      {"?all", "a.example TXT \"v=spf1 mx ?all\"", "spf", "neutral"},
      {"no all", "a.example TXT \"v=spf1 mx\"", "spf", "neutral"},
      {"+all", "a.example TXT \"v=spf1 mx all\"", "spf", "pass"},
      {"a redirect decides",
       "a.example TXT \"v=spf1 redirect=b.example\"\nb.example TXT \"v=spf1 -all\"", "spf",
       "hard-fail"},
      {"another record", "a.example TXT \"v=spf2.0/pra -all\"", "spf", "none"},
      {"two records", "a.example TXT \"v=spf1 -all\"\na.example TXT \"v=spf1 mx -all\"", "spf",
       "broken"},
      {"a word that is none", "a.example TXT \"v=spf1 mxx -all\"", "spf", "broken"},
      {"reject", "_dmarc.a.example TXT \"v=DMARC1; p=reject\"", "dmarc", "reject"},
      {"quarantine", "_dmarc.a.example TXT \"v=DMARC1; p=quarantine\"", "dmarc", "quarantine"},
      {"t=y is one step less (RFC 9989 section 4.7)",
       "_dmarc.a.example TXT \"v=DMARC1; p=quarantine; t=y\"", "dmarc", "none"},
      {"none", "_dmarc.a.example TXT \"v=DMARC1; p=none\"", "dmarc", "none"},
      {"a policy that is none", "_dmarc.a.example TXT \"v=DMARC1; p=maybe\"", "dmarc", "broken"},
      {"two records",
       "_dmarc.a.example TXT \"v=DMARC1; p=none\"\n"
       "_dmarc.a.example TXT \"v=DMARC1; p=reject\"",
       "dmarc", "broken"},
      {"no record", "a.example A 192.0.2.1", "dmarc", "absent"},
      {"a usual selector", "mail._domainkey.a.example TXT " + key, "dkim", "found"},
      {"an unusual one", "x7q._domainkey.a.example TXT " + key, "dkim", "not-found"},
      {"a revoked key", "mail._domainkey.a.example TXT \"v=DKIM1; p=\"", "dkim", "not-found"},
      {"a wildcard", "*._domainkey.a.example TXT " + key, "dkim", "every-name"},
      {"mail servers", "a.example MX 1 mx.a.example", "mx", "hosts"},
      {"its own address (RFC 5321 section 5.1)", "a.example A 192.0.2.1", "mx", "own-address"},
      {"a null MX (RFC 7505)", "a.example MX 0 .", "mx", "null-mx"},
      {"nothing", "a.example TXT x", "mx", "none"},
      {"no DS record", "a.example SOA a. b. 1 1 1 1 1", "dnssec", "unsigned"},
      {"a DS record that nobody checks",
       "a.example SOA a. b. 1 1 1 1 1\na.example MX 1 mx.a.example\n"
       "a.example DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000",
       "dnssec", "not-validated"},
      {"TLSA without DNSSEC does not count (RFC 7672 section 2.2)",
       "a.example MX 1 mx.a.example\n_25._tcp.mx.a.example TLSA 3 1 1 00", "dane", "insecure"},
      {"no TLSA", "a.example MX 1 mx.a.example", "dane", "none"},
      {"nowhere to have it", "a.example MX 0 .", "dane", "no-hosts"},
      {"MTA-STS", "_mta-sts.a.example TXT \"v=STSv1; id=1\"", "mta-sts", "record"},
      {"of another version", "_mta-sts.a.example TXT \"v=STSv2; id=1\"", "mta-sts", "none"},
      {"two (RFC 8461 section 3.1)",
       "_mta-sts.a.example TXT \"v=STSv1; id=1\"\n"
       "_mta-sts.a.example TXT \"v=STSv1; id=2\"",
       "mta-sts", "several"},
      {"TLS reports", "_smtp._tls.a.example TXT \"v=TLSRPTv1; rua=mailto:a@a.example\"", "tls-rpt",
       "record"},
      {"a logo", "default._bimi.a.example TXT \"v=BIMI1; l=\"", "bimi", "record"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CAPTURE(row.zone);
    CHECK(chosen(surveyed(row.zone), row.question) == row.choice);
  }
}

TEST_CASE("what is not answered is not known, and nothing else") {
  std::vector<ZoneFault> faults;
  for (const char* const name :
       {"a.example", "_dmarc.a.example", "mail._domainkey.a.example", "_mta-sts.a.example"})
    faults.push_back({name, DnsFault::timeout});
  const SurveyRow row = surveyed("b.example A 192.0.2.1", faults);
  CHECK(chosen(row, "name") == "unanswered");
  for (const char* const question : {"spf", "dmarc", "dkim", "mx", "dnssec", "dane", "mta-sts"}) {
    CAPTURE(question);
    CHECK(chosen(row, question) == "unknown");
  }
  CHECK(chosen(row, "tls-rpt") == "none");
}

TEST_CASE("a zone whose signatures are wrong") {
  CHECK(chosen(surveyed("", {{"a.example", DnsFault::bogus}}), "dnssec") == "bogus");
}

TEST_CASE("shares add up") {
  SurveySummary summary;
  const std::string key = " TXT \"" + std::string(kKey) + "\"\n";
  summary.add(surveyed("a.example TXT \"v=spf1 -all\"\nmail._domainkey.a.example" + key));
  summary.add(surveyed("a.example TXT \"v=spf1 ~all\"\nmail._domainkey.a.example" + key +
                       "k1._domainkey.a.example" + key));
  summary.add(surveyed("a.example TXT x"));
  CHECK(summary.domains() == 3);
  for (std::size_t i = 0; i < survey_questions().size(); ++i) {
    std::uint64_t sum = 0;
    for (std::size_t choice = 0; choice < survey_questions()[i].choices.size(); ++choice)
      sum += summary.count(i, choice);
    CHECK(sum == 3);
  }
  const auto figure = [&](std::string_view id) -> std::uint64_t {
    for (const SurveyFigure& one : survey_figures()) {
      if (one.id == id) return summary.count(one);
    }
    return 99;
  };
  CHECK(figure("spf") == 2);
  CHECK(figure("spf-hard-fail") == 1);
  CHECK(figure("spf-soft-fail") == 1);
  CHECK(figure("dkim") == 2);
  CHECK(figure("dmarc") == 0);
  CHECK(summary.selectors() ==
        std::vector<std::pair<std::string, std::uint64_t>>{{"mail", 2}, {"k1", 1}});
}

TEST_CASE("figures and choices name each other") {
  std::set<std::string_view> ids;
  for (const SurveyFigure& figure : survey_figures()) {
    CAPTURE(figure.id);
    CHECK(ids.insert(figure.id).second);
    std::string known;
    for (const SurveyQuestion& question : survey_questions()) {
      if (question.id != figure.question) continue;
      for (const SurveyChoice& choice : question.choices) known += std::string(choice.id) + ' ';
    }
    CHECK_FALSE(known.empty());
    std::string_view words = figure.choices;
    while (!words.empty()) {
      const std::size_t end = std::min(words.find(' '), words.size());
      CHECK(known.find(std::string(words.substr(0, end)) + ' ') != std::string::npos);
      words.remove_prefix(std::min(end + 1, words.size()));
    }
  }
}
