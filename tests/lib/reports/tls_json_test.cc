#include "reports/tls_json.h"

#include <optional>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace authmilter;

TEST_CASE("a time of RFC 3339") {
  const struct {
    std::string_view text;
    std::optional<std::int64_t> seconds;
  } rows[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"2016-04-01T23:59:59Z", 1459555199},
      {"2016-04-01t00:00:00z", 1459468800},
      {"2016-04-01T02:00:00+02:00", 1459468800},
      {"2016-03-31T22:30:00-01:30", 1459468800},
      {"2016-04-01T00:00:00.123Z", 1459468800},
      {"2016-04-01 00:00:00", 1459468800},
      {"2016-02-29T00:00:00Z", 1456704000},
      {"9999-12-31T23:59:59Z", 253402300799},
      {"2015-02-29T00:00:00Z", std::nullopt},
      {"2016-13-01T00:00:00Z", std::nullopt},
      {"2016-04-01T24:00:00Z", std::nullopt},
      {"2016-04-01", std::nullopt},
      {"2016/04/01T00:00:00Z", std::nullopt},
      {"-016-04-01T00:00:00Z", std::nullopt},
      {"1459468800", std::nullopt},
      {"", std::nullopt},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(parse_rfc3339(row.text) == row.seconds);
  }
}

TEST_CASE("the JSON of a TLS report (RFC 8460 appendix B)") {
  const auto json = read_tls_json(R"({
    "organization-name": "Company-X", "contact-info": "sts@company-x.example", "report-id": "5065-X",
    "date-range": {"start-datetime": "2016-04-01T00:00:00Z", "end-datetime": "2016-04-01T23:59:59Z"},
    "policies": [
      {"policy": {"policy-type": "sts", "policy-string": ["version: STSv1", "mode: testing"],
                  "policy-domain": "Company-Y.example", "mx-host": "*.mail.company-y.example"},
       "summary": {"total-successful-session-count": 5326, "total-failure-session-count": 303},
       "failure-details": [
         {"result-type": "certificate-expired", "sending-mta-ip": "2001:db8:abcd:0012::1",
          "receiving-mx-hostname": "mx1.mail.company-y.example", "failed-session-count": 100},
         {"result-type": "validation-failure", "receiving-ip": "203.0.113.58", "failed-session-count": "3",
          "failure-reason-code": "X509_V_ERR", "additional-information": "<b>x</b>", "new": [[{"a": [1]}]]}]},
      {"policy": {"policy-type": "tlsa", "policy-string": "3 0 1 1F85", "policy-domain": "b.example",
                  "mx-host": ["mx1.b.example", "mx2.b.example"]},
       "summary": {"total-successful-session-count": 1, "total-failure-session-count": 0}},
      {"policy": {"policy-type": "no-policy-found"}}, {"policy": {"policy-type": "new"}}]})");
  REQUIRE(json);
  CHECK(json->is_report);
  CHECK(json->begin == 1459468800);
  CHECK(json->end == 1459555199);
  const TlsReport& report = json->report;
  CHECK(report.organization_name == "Company-X");
  CHECK(report.contact_info == "sts@company-x.example");
  CHECK(report.report_id == "5065-X");
  REQUIRE(report.policies.size() == 4);
  const TlsPolicyReport sts{.type = TlsPolicyType::sts,
                            .policy_strings = {"version: STSv1", "mode: testing"},
                            .policy_domain = "company-y.example",
                            .mx_hosts = {"*.mail.company-y.example"},
                            .successful_sessions = 5326,
                            .failed_sessions = 303,
                            .failures = {{.result_type = "certificate-expired",
                                          .sending_mta_ip = "2001:db8:abcd:0012::1",
                                          .receiving_mx_hostname = "mx1.mail.company-y.example",
                                          .failed_sessions = 100},
                                         {.result_type = "validation-failure",
                                          .receiving_ip = "203.0.113.58",
                                          .failed_sessions = 3,
                                          .additional_information = "<b>x</b>",
                                          .failure_reason_code = "X509_V_ERR"}}};
  CHECK(report.policies[0] == sts);
  CHECK(report.policies[1].type == TlsPolicyType::tlsa);
  CHECK(report.policies[1].policy_strings == std::vector<std::string>{"3 0 1 1F85"});
  CHECK(report.policies[1].mx_hosts.size() == 2);
  CHECK(report.policies[2].type == TlsPolicyType::no_policy_found);
  CHECK(report.policies[3].type == TlsPolicyType::other);
}

TEST_CASE("JSON that is none, or grows") {
  const auto error = [](std::string_view text) {
    const auto json = read_tls_json(text);
    return json ? std::string(json->is_report ? "a report" : "no report") : json.error().message;
  };
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":";
  const struct {
    const char* why;
    std::string text;
    std::string_view found;
  } rows[] = {
      {"nothing", "", "it is not well-formed JSON"},
      {"cut", R"({"report-id": "1", "policies": [{)", "it is not well-formed JSON"},
      {"something else", R"({"a": 1})", "no report"},
      {"policies of nobody", R"({"policies": [{}]})", "no report"},
      {"the least that is one", R"({"report-id": "1", "policies": [{}]})", "a report"},
      {"text behind it", R"({"report-id": "1", "policies": [{}]} -- list footer)", "a report"},
      {"octets that are not UTF-8", "{\"report-id\": \"\xff\", \"policies\": [{}]}", "a report"},
      {"names in names", R"({"policies": [{"policies": [{}]}], "a": {"report-id": "1"}})",
       "no report"},
      {"depth", deep, "its JSON is nested too deeply"},
      {"depth of arrays", "{\"a\":" + std::string(100'000, '['), "its JSON is nested too deeply"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(error(row.text) == row.found);
  }

  const auto negative = read_tls_json(
      R"({"report-id": "1", "policies": [{"summary": {"total-failure-session-count": -1}}]})");
  REQUIRE(negative);
  CHECK(negative->negative_count);
}

TEST_CASE("ten thousand failures are kept, and more are counted") {
  std::string text = R"({"report-id": "1", "policies": [{"failure-details": [)";
  for (int i = 0; i < 10'007; ++i) {
    text += (i == 0 ? "" : ",") + std::string(R"({"result-type": ")") + std::string(300, 'x') +
            R"(", "failed-session-count": 2})";
  }
  text += "]}";
  for (int i = 0; i < 150; ++i) text += R"(,{"failure-details": [{"result-type": "y"}]})";
  const auto json = read_tls_json(text + "]}");
  REQUIRE(json);
  CHECK(json->report.policies.size() == 100);
  REQUIRE(json->report.policies[0].failures.size() == 10'000);
  CHECK(json->report.policies[0].failures.back().result_type.size() == 255);
  CHECK(json->report.policies[0].failures.back().failed_sessions == 2);
  CHECK(json->report.failures_left_out == 7 + 150);
}
