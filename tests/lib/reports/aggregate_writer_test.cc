#include <authmilter/aggregate_writer.h>

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "archive/gzip.h"
#include "reports/aggregate_reader.h"
#include "support/written_reports.h"

using namespace authmilter;

namespace {

const DomainName kDomain = *DomainName::parse("example.org");

AggregateReport report() {
  return {.metadata = {.org_name = "Receiver",
                       .email = "dmarc@receiver.example",
                       .report_id = "1@receiver.example",
                       .begin = 1764288000,
                       .end = 1764374399,
                       .generator = "authmilter 1"},
          .policy_published = {.domain = kDomain, .p = AssessmentPolicy::reject}};
}

AggregateRecord record() {
  return {
      .source_ip = *IpAddress::parse("192.0.2.1"),
      .count = 3,
      .disposition = ReportedDisposition::pass,
      .dkim = AlignedResult::pass,
      .header_from = "example.org",
      .envelope_from = "bounce.example.net",
      .dkim_results = {{.domain = "example.org", .selector = "s", .result = ReportedResult::pass}},
      .spf_results = {{.domain = "bounce.example.net",
                       .scope = SpfScope::mfrom,
                       .result = ReportedResult::softfail}}};
}

std::string unpacked(const std::string& packed) {
  UnpackBudget budget{.octets = 1 << 20, .members = 1};
  TextSource source(packed);
  GzipSource text(source, budget);
  std::string out;
  for (;;) {
    const auto piece = text.next();
    REQUIRE(piece);
    if (piece->empty()) return out;
    out += *piece;
  }
}

std::string xml(const AggregateReport& report, const AggregateRecord& record,
                ReportNamespace name_space = ReportNamespace::rfc9990) {
  AggregateWriter writer(report, name_space);
  writer.add(record);
  return unpacked(writer.finish());
}

/// What stands between `<name>` and `</name>`, without line ends and indentation.
std::string inside(const std::string& text, std::string_view name) {
  const std::string open = "<" + std::string(name) + ">";
  const std::size_t start = text.find(open);
  if (start == std::string::npos) return "(none)";
  std::string out;
  const std::size_t end = text.find("</" + std::string(name) + ">", start);
  for (std::size_t at = start + open.size(); at < end; ++at) {
    if (text[at] == '\n') {
      while (text[at + 1] == ' ') ++at;
    } else {
      out += text[at];
    }
  }
  return out;
}

}  // namespace

TEST_CASE("a whole report (RFC 9990 appendix A)") {
  CHECK(xml(report(), record()) == R"(<?xml version="1.0" encoding="UTF-8"?>
<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">
 <version>1.0</version>
 <report_metadata>
  <org_name>Receiver</org_name>
  <email>dmarc@receiver.example</email>
  <report_id>1@receiver.example</report_id>
  <date_range>
   <begin>1764288000</begin>
   <end>1764374399</end>
  </date_range>
  <generator>authmilter 1</generator>
 </report_metadata>
 <policy_published>
  <domain>example.org</domain>
  <p>reject</p>
  <sp>reject</sp>
  <np>reject</np>
  <adkim>r</adkim>
  <aspf>r</aspf>
  <discovery_method>treewalk</discovery_method>
  <fo>0</fo>
  <testing>n</testing>
 </policy_published>
 <record>
  <row>
   <source_ip>192.0.2.1</source_ip>
   <count>3</count>
   <policy_evaluated>
    <disposition>pass</disposition>
    <dkim>pass</dkim>
    <spf>fail</spf>
   </policy_evaluated>
  </row>
  <identifiers>
   <header_from>example.org</header_from>
   <envelope_from>bounce.example.net</envelope_from>
  </identifiers>
  <auth_results>
   <dkim>
    <domain>example.org</domain>
    <selector>s</selector>
    <result>pass</result>
   </dkim>
   <spf>
    <domain>bounce.example.net</domain>
    <scope>mfrom</scope>
    <result>softfail</result>
   </spf>
  </auth_results>
 </record>
</feedback>
)");
  const std::string older = xml(report(), record(), ReportNamespace::none);
  CHECK(older.find("<feedback>\n") != std::string::npos);
  CHECK(older.find("xmlns") == std::string::npos);
}

TEST_CASE("the policy carries what it does not say (RFC 9989 section 4.7)") {
  const struct {
    const char* why;
    PolicyPublished policy;
    std::string_view text;
  } rows[] = {
      {"no valid policy is none",
       {.domain = kDomain},
       "<p>none</p><sp>none</sp><np>none</np><adkim>r</adkim><aspf>r</aspf>"
       "<discovery_method>treewalk</discovery_method><fo>0</fo><testing>n</testing>"},
      {"np is as sp, not as p",
       {.domain = kDomain, .p = AssessmentPolicy::reject, .sp = AssessmentPolicy::quarantine},
       "<p>reject</p><sp>quarantine</sp><np>quarantine</np><adkim>r</adkim><aspf>r</aspf>"
       "<discovery_method>treewalk</discovery_method><fo>0</fo><testing>n</testing>"},
      {"what it says",
       {.domain = kDomain,
        .p = AssessmentPolicy::none,
        .sp = AssessmentPolicy::reject,
        .np = AssessmentPolicy::quarantine,
        .adkim = AlignmentMode::strict,
        .aspf = AlignmentMode::strict,
        .discovery_method = DiscoveryMethod::psl,
        .fo = "1:d:s",
        .testing = true,
        .pct = 50},
       "<p>none</p><sp>reject</sp><np>quarantine</np><adkim>s</adkim><aspf>s</aspf>"
       "<discovery_method>psl</discovery_method><fo>1:d:s</fo><testing>y</testing>"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    AggregateReport with = report();
    with.policy_published = row.policy;
    CHECK(inside(xml(with, record()), "policy_published") ==
          "<domain>example.org</domain>" + std::string(row.text));
  }
}

TEST_CASE("the parts of a record") {
  const auto with = [](auto change) {
    AggregateRecord changed = record();
    change(changed);
    return xml(report(), changed);
  };
  using Record = AggregateRecord;
  CHECK(inside(with([](Record& r) {
                 r.reasons = {{PolicyOverrideType::policy_test_mode, ""},
                              {PolicyOverrideType::mailing_list, "list <x>"}};
               }),
               "policy_evaluated") ==
        "<disposition>pass</disposition><dkim>pass</dkim><spf>fail</spf>"
        "<reason><type>policy_test_mode</type></reason>"
        "<reason><type>mailing_list</type><comment>list &lt;x&gt;</comment></reason>");
  // RFC 7489's reasons are gone, and stay readable.
  CHECK(inside(with([](Record& r) {
                 r.reasons = {{PolicyOverrideType::sampled_out, ""},
                              {PolicyOverrideType::forwarded, "by b"}};
               }),
               "policy_evaluated") ==
        "<disposition>pass</disposition><dkim>pass</dkim><spf>fail</spf>"
        "<reason><type>other</type><comment>sampled_out</comment></reason>"
        "<reason><type>other</type><comment>by b</comment></reason>");
  CHECK(inside(with([](Record& r) { r.envelope_from = ""; }), "identifiers") ==
        "<header_from>example.org</header_from><envelope_from></envelope_from>");
  CHECK(inside(with([](Record& r) { r.envelope_from.reset(); }), "identifiers") ==
        "<header_from>example.org</header_from>");
  CHECK(inside(with([](Record& r) { r.envelope_to = "receiver.example"; }), "identifiers") ==
        "<header_from>example.org</header_from><envelope_from>bounce.example.net</envelope_from>"
        "<envelope_to>receiver.example</envelope_to>");
  CHECK(inside(with([](Record& r) { r.source_ip = *IpAddress::parse("2001:DB8:0::1"); }),
               "source_ip") == "2001:db8::1");
  // One result of SPF, that of MAIL FROM.
  CHECK(
      inside(with([](Record& r) {
               r.dkim_results.clear();
               r.spf_results = {
                   {"mx.example.net", SpfScope::helo, ReportedResult::pass, "x"},
                   {"bounce.example.net", SpfScope::mfrom, ReportedResult::policy, ""}};
             }),
             "auth_results") ==
      "<spf><domain>bounce.example.net</domain><scope>mfrom</scope><result>policy</result></spf>");
  CHECK(inside(with([](Record& r) {
                 r.dkim_results.clear();
                 r.spf_results = {
                     {"mx.example.net", SpfScope::helo, ReportedResult::pass, "of postmaster"}};
               }),
               "auth_results") ==
        "<spf><domain>mx.example.net</domain><scope>mfrom</scope><result>pass</result>"
        "<human_result>of postmaster</human_result></spf>");
  CHECK(inside(with([](Record& r) {
                 r.dkim_results.clear();
                 r.spf_results.clear();
               }),
               "auth_results") == "");
}

TEST_CASE("the order of signatures (RFC 9990 section 3.1.3)") {
  const auto pass = [](const char* domain) {
    return ReportedDkim{domain, "s", ReportedResult::pass, ""};
  };
  AggregateRecord all = record();
  all.header_from = "news.example.org";
  all.dkim_results = {{"news.example.org", "bad", ReportedResult::fail, ""},
                      pass("esp.example"),
                      pass("example.org"),
                      {"example.org", "t", ReportedResult::temperror, ""},
                      pass("NEWS.example.org"),
                      pass("other.example.org"),
                      pass("evilexample.org")};
  std::string order;
  for (const ReportedDkim& dkim : reported_dkim(all, kDomain)) order += dkim.domain + " ";
  CHECK(order ==
        "NEWS.example.org example.org other.example.org esp.example evilexample.org "
        "news.example.org example.org ");
  all.dkim_results.assign(150, {"a.example", "s", ReportedResult::fail, ""});
  all.dkim_results.push_back(pass("news.example.org"));
  const auto hundred = reported_dkim(all, kDomain);
  CHECK(hundred.size() == 100);
  CHECK(hundred[0].domain == "news.example.org");
}

TEST_CASE("whatever is in the values, the report is XML and reads back the same") {
  AggregateReport hostile = report();
  hostile.metadata.org_name = "</org_name><evil/> & \"Co\" ]]>";
  hostile.metadata.error = "Za\xc5\xbc \xff";
  AggregateRecord record_with = record();
  record_with.header_from = "<script>.example";
  record_with.envelope_from = "a&b;\xef\xbf\xbf.example";
  record_with.dkim_results[0].human_result = "line\r\nline\x01\x1b[0m";
  record_with.reasons = {{PolicyOverrideType::local_policy, std::string(5000, '&')}};
  WrittenReports written;
  const std::string text = xml(hostile, record_with);
  TextSource source(text);
  const ReportOutcome outcome = read_aggregate_report(source, {}, written, {});
  CHECK(outcome.reason == "");
  CHECK(outcome.notes.empty());
  REQUIRE(written.aggregate.size() == 1);
  const AggregateReport& back = written.aggregate[0].report;
  CHECK(back.form == ReportForm::rfc9990);
  CHECK(back.metadata.org_name == "</org_name><evil/> & \"Co\" ]]>");
  CHECK(back.metadata.error == "Za\xc5\xbc \xef\xbf\xbd");
  const AggregateRecord& record_back = written.aggregate[0].records.at(0);
  CHECK(record_back.header_from == "<script>.example");
  CHECK(record_back.envelope_from == "a&b;\xef\xbf\xbd.example");
  CHECK(record_back.dkim_results[0].human_result == "line  line  [0m");
  CHECK(record_back.reasons[0].comment == std::string(1000, '&'));

  // Read and written again, it is the same.
  AggregateWriter again(back, ReportNamespace::rfc9990);
  again.add(record_back);
  CHECK(unpacked(again.finish()).find("&lt;script&gt;.example") != std::string::npos);
}
