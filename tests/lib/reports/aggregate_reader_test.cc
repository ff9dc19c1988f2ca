#include "reports/aggregate_reader.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "support/written_reports.h"

using namespace authmilter;

namespace {

/// A report of few words, in which some of them are others.
struct Words {
  std::string root = "feedback";
  std::string metadata =
      "<org_name>Receiver</org_name><email>d@receiver.example</email><report_id>1</report_id>"
      "<date_range><begin>1700000000</begin><end>1700086399</end></date_range>";
  std::string policy = "<domain>example.org</domain><p>reject</p>";
  std::string row =
      "<source_ip>192.0.2.1</source_ip><count>3</count><policy_evaluated>"
      "<disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated>";
  std::string identifiers = "<header_from>example.org</header_from>";
  std::string results =
      "<dkim><domain>example.org</domain><selector>s</selector><result>pass</result></dkim>";
};

std::string xml(const Words& words) {
  return "<" + words.root + "><report_metadata>" + words.metadata + "</report_metadata>" +
         "<policy_published>" + words.policy + "</policy_published><record><row>" + words.row +
         "</row><identifiers>" + words.identifiers + "</identifiers><auth_results>" +
         words.results + "</auth_results></record></feedback>";
}

ReportOutcome read(std::string_view text, ReportSink& sink, const ReportLimits& limits = {}) {
  TextSource source(text);
  return read_aggregate_report(source, limits, sink, {});
}

std::string replaced(std::string text, std::string_view old, std::string_view now) {
  const std::size_t at = text.find(old);
  REQUIRE(at != std::string::npos);
  return text.replace(at, old.size(), now);
}

/// "192.0.2.1 x3 none dkim=pass spf=fail from=example.org dkim(example.org/s=pass)"
std::string line(const AggregateRecord& record) {
  std::string out = record.source_ip.text() + " x" + std::to_string(record.count) + " " +
                    std::string(to_string(record.disposition)) +
                    " dkim=" + std::string(to_string(record.dkim)) +
                    " spf=" + std::string(to_string(record.spf)) + " from=" + record.header_from;
  if (record.envelope_from) out += " mail=<" + *record.envelope_from + ">";
  if (!record.envelope_to.empty()) out += " to=" + record.envelope_to;
  for (const auto& dkim : record.dkim_results) {
    out += " dkim(" + dkim.domain + "/" + dkim.selector + "=" +
           std::string(to_string(dkim.result)) +
           (dkim.human_result.empty() ? "" : " " + dkim.human_result) + ")";
  }
  for (const auto& spf : record.spf_results) {
    out += " spf(" + (spf.scope ? std::string(to_string(*spf.scope)) + ":" : "") + spf.domain +
           "=" + std::string(to_string(spf.result)) + ")";
  }
  for (const auto& reason : record.reasons) {
    out += " reason(" + std::string(to_string(reason.type)) +
           (reason.comment.empty() ? "" : " " + reason.comment) + ")";
  }
  return out;
}

}  // namespace

TEST_CASE("a record of an aggregate report, as writers write it") {
  const std::string usual =
      "192.0.2.1 x3 none dkim=pass spf=fail from=example.org dkim(example.org/s=pass)";
  const std::string evaluated = "192.0.2.1 x3 none dkim=pass spf=fail from=example.org ";
  const std::string plain_row = Words{}.row;
  const auto with_reason = [&](std::string_view reason) {
    return replaced(plain_row, "</policy_evaluated>", std::string(reason) + "</policy_evaluated>");
  };
  const struct {
    const char* why;
    Words words;
    std::string record;
  } rows[] = {
      {"as RFC 7489 has it", {}, usual},
      {"RFC 9990's namespace",
       {.root = "feedback xmlns='urn:ietf:params:xml:ns:dmarc-2.0'"},
       usual},
      {"RFC 7489's namespace", {.root = "feedback xmlns='http://dmarc.org/dmarc-xml/0.1'"}, usual},
      {"0.2's", {.root = "feedback xmlns='http://dmarc.org/dmarc-xml/0.2'"}, usual},
      {"one that nobody knows", {.root = "feedback xmlns='urn:example:x'"}, usual},
      {"with namespaces that are not used",
       {.root = "feedback xmlns:xsd='http://www.w3.org/2001/XMLSchema'"},
       usual},
      {"disposition pass is RFC 9990's",
       {.row = replaced(plain_row, "none", "pass")},
       "192.0.2.1 x3 pass dkim=pass spf=fail from=example.org dkim(example.org/s=pass)"},
      {"upper case",
       {.row = "<source_ip>2001:DB8::1</source_ip><count>3</count><policy_evaluated>"
               "<disposition>Quarantine</disposition><dkim>FAIL</dkim><spf>Pass</spf></"
               "policy_evaluated>",
        .identifiers = "<header_from>Example.ORG</header_from>",
        .results =
            "<dkim><domain>EXAMPLE.org</domain><selector>S</selector><result>PASS</result></dkim>"},
       "2001:db8::1 x3 quarantine dkim=fail spf=pass from=example.org dkim(example.org/s=pass)"},
      {"any order",
       {.row = "<policy_evaluated><spf>fail</spf><dkim>pass</dkim><disposition>none</disposition>"
               "</policy_evaluated><count>3</count><source_ip>192.0.2.1</source_ip>",
        .results =
            "<spf><result>fail</result><domain>b.example</domain></spf>"
            "<dkim><result>pass</result><domain>example.org</domain><selector>s</selector></dkim>"},
       evaluated + "dkim(example.org/s=pass) spf(b.example=fail)"},
      {"blanks around words", {.row = replaced(plain_row, ">3<", ">\n 3\t<")}, usual},
      {"OpenDMARC: spf first, and a comment about ARC on all records",
       {.row = with_reason("<reason><type>local_policy</type><comment>arc=fail</comment></reason>"),
        .results = "<spf><domain>example.org</domain><result>fail</result></spf>"},
       evaluated + "spf(example.org=fail) reason(local_policy arc=fail)"},
      {"Mail::DMARC, Stalwart: two spf, with scopes",
       {.results =
            "<spf><domain>mx.example.org</domain><scope>helo</scope><result>none</result></spf>"
            "<spf><domain>example.org</domain><scope>mfrom</scope><result>softfail</result></spf>"},
       evaluated + "spf(helo:mx.example.org=none) spf(mfrom:example.org=softfail)"},
      {"rspamd: no selector",
       {.results = "<dkim><domain>example.org</domain><result>pass</result></dkim>"},
       evaluated + "dkim(example.org/=pass)"},
      {"several signatures, in their order",
       {.results = "<dkim><domain>a.example</domain><selector>1</selector><result>fail</result>"
                   "<human_result>bad body hash</human_result></dkim>"
                   "<dkim><domain>b.example</domain><selector>2</selector><result>permerror</"
                   "result></dkim>"},
       evaluated + "dkim(a.example/1=fail bad body hash) dkim(b.example/2=permerror)"},
      {"an empty reason is none",
       {.row = with_reason("<reason><type></type><comment></comment></reason>")},
       usual},
      {"nor is an element without anything", {.row = with_reason("<reason/>")}, usual},
      {"two reasons",
       {.row = with_reason(
            "<reason><type>mailing_list</type></reason>"
            "<reason><comment lang='en'>why</comment><type>trusted_forwarder</type></reason>")},
       usual + " reason(mailing_list) reason(trusted_forwarder why)"},
      {"RFC 7489's reasons",
       {.row = with_reason(
            "<reason><type>sampled_out</type></reason><reason><type>forwarded</type></reason>")},
       usual + " reason(sampled_out) reason(forwarded)"},
      {"a reason that is nobody's",
       {.row = with_reason("<reason><type>arc</type></reason>")},
       usual + " reason(other arc)"},
      {"a null reverse-path",
       {.identifiers = "<envelope_from/><header_from>example.org</"
                       "header_from><envelope_to>b.example</envelope_to>"},
       "192.0.2.1 x3 none dkim=pass spf=fail from=example.org mail=<> to=b.example "
       "dkim(example.org/s=pass)"},
      {"identities, of a draft",
       {.identifiers = ""},
       "192.0.2.1 x3 none dkim=pass spf=fail from= dkim(example.org/s=pass)"},
      {"an IPv4 address in IPv6's form",
       {.row = replaced(plain_row, "192.0.2.1", "::ffff:192.0.2.1")},
       usual},
      {"words that are none",
       {.row = replaced(plain_row, "<dkim>pass", "<dkim>perhaps")},
       "192.0.2.1 x3 none dkim=fail spf=fail from=example.org dkim(example.org/s=pass)"},
      {"words of drafts of SPF",
       {.results = "<spf><domain>a</domain><result>hardfail</result></spf><spf><domain>b</"
                   "domain><result>unknown</result></spf>"},
       evaluated + "spf(a=fail) spf(b=permerror)"},
      {"an extension in a namespace of its own, with elements of our names",
       {.row = plain_row + "<x:count xmlns:x='urn:x'>9</x:count>",
        .results =
            Words{}.results + "<x:dkim xmlns:x='urn:x'><x:domain>evil.example</x:domain></x:dkim>"},
       usual},
      {"an element that is unknown, with known ones in it",
       {.results = Words{}.results + "<x><dkim><domain>evil.example</domain></dkim></x>"},
       usual},
      {"an address in angle brackets",
       {.identifiers = "<header_from>bad<xml.net</header_from>"},
       "192.0.2.1 x3 none dkim=pass spf=fail from=bad<xml.net dkim(example.org/s=pass)"},
      {"HTML is text",
       {.identifiers = "<header_from>&lt;script>alert(1)&lt;/script></header_from>"},
       "192.0.2.1 x3 none dkim=pass spf=fail from=<script>alert(1)</script> "
       "dkim(example.org/s=pass)"},
      {"what a terminal would obey is not kept",
       {.identifiers = "<header_from>a\x1b[2Jb&#x202e;c&#xa;d</header_from>"},
       "192.0.2.1 x3 none dkim=pass spf=fail from=a [2jb\xef\xbf\xbd"
       "c d dkim(example.org/s=pass)"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    WrittenReports written;
    const ReportOutcome outcome = read(xml(row.words), written);
    CHECK(outcome.reason == "");
    REQUIRE(written.aggregate.size() == 1);
    REQUIRE(written.aggregate[0].records.size() == 1);
    CHECK(line(written.aggregate[0].records[0]) == row.record);
    CHECK(outcome.status == ReportOutcome::Status::stored);
    CHECK(outcome.messages == 3);
  }
}

TEST_CASE("what stands before the records") {
  const std::string text =
      "<feedback xmlns='urn:ietf:params:xml:ns:dmarc-2.0'><version>1.0</version><report_metadata>"
      "<org_name>Receiver &amp; Sons</org_name><email>d@receiver.example</email>"
      "<extra_contact_info lang='en'>https://receiver.example/</extra_contact_info>"
      "<report_id>abc@receiver.example</report_id><date_range><end>1700086399</"
      "end><begin>1700000000</begin>"
      "</date_range><error>multiple DMARC records</error><error>invalid rua</error><generator>G "
      "1</generator>"
      "</report_metadata><policy_published><domain>Example.ORG.</domain><p>quarantine</p><sp>NONE</"
      "sp>"
      "<np>reject</np><adkim>s</adkim><aspf>r</aspf><discovery_method>treewalk</"
      "discovery_method><fo>1:d</fo>"
      "<testing>y</testing><pct>50</pct></policy_published><extension><x "
      "xmlns='urn:x'/></extension>"
      "<record><row><source_ip>192.0.2.1</source_ip><count>1</count></row></record></feedback>";
  WrittenReports written;
  const ReportOutcome outcome = read(text, written);
  REQUIRE(written.aggregate.size() == 1);
  const AggregateReport expected{
      .form = ReportForm::rfc9990,
      .version = "1.0",
      .metadata = {"Receiver & Sons", "d@receiver.example", "https://receiver.example/",
                   "abc@receiver.example", 1700000000, 1700086399,
                   "multiple DMARC records; invalid rua", "G 1"},
      .policy_published = {.domain = *DomainName::parse("example.org"),
                           .p = AssessmentPolicy::quarantine,
                           .sp = AssessmentPolicy::none,
                           .np = AssessmentPolicy::reject,
                           .adkim = AlignmentMode::strict,
                           .aspf = AlignmentMode::relaxed,
                           .discovery_method = DiscoveryMethod::treewalk,
                           .fo = "1:d",
                           .testing = true,
                           .pct = 50}};
  CHECK(written.aggregate[0].report == expected);
  CHECK(outcome.kind == ReportKind::aggregate);
  CHECK(outcome.organization == "Receiver & Sons");
  CHECK(outcome.report_id == "abc@receiver.example");
  CHECK(outcome.domain == "example.org");
  CHECK(outcome.begin == 1700000000);
  CHECK(outcome.end == 1700086399);
  CHECK(outcome.records == 1);
}

TEST_CASE("which document a report follows") {
  const struct {
    const char* why;
    std::string root;
    std::string more_policy;
    ReportForm form;
  } rows[] = {
      {"none of the signs", "feedback", "", ReportForm::rfc7489},
      {"the namespace", "feedback xmlns='urn:ietf:params:xml:ns:dmarc-2.0'", "",
       ReportForm::rfc9990},
      {"an old namespace, as in RFC 9990's second sample",
       "feedback xmlns='http://dmarc.org/dmarc-xml/0.2'", "<np>none</np>", ReportForm::rfc9990},
      {"testing", "feedback", "<testing>n</testing>", ReportForm::rfc9990},
      {"discovery_method", "feedback", "<discovery_method>psl</discovery_method>",
       ReportForm::rfc9990},
      {"pct is RFC 7489's", "feedback", "<pct>100</pct>", ReportForm::rfc7489},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    WrittenReports written;
    read(xml({.root = row.root, .policy = Words{}.policy + row.more_policy}), written);
    REQUIRE(written.aggregate.size() == 1);
    CHECK(written.aggregate[0].report.form == row.form);
  }
}

TEST_CASE("records may stand before what they belong to") {
  const std::string usual = xml({});
  const std::size_t at = usual.find("<record>");
  const std::size_t end = usual.find("</feedback>");
  const std::string record = usual.substr(at, end - at);
  std::string early = "<feedback>";
  WrittenReports written;
  CHECK(read(early + record + record + usual.substr(10, at - 10) + record + "</feedback>", written)
            .reason == "");
  REQUIRE(written.aggregate.size() == 1);
  CHECK(written.aggregate[0].records.size() == 3);

  for (int i = 0; i < 1001; ++i) early += record;
  CHECK(read(early + usual.substr(10), written).reason ==
        "its metadata come behind too many records");
}

TEST_CASE("what is refused leaves nothing") {
  const auto dates = [](std::string_view begin, std::string_view end) {
    return xml({.metadata = "<org_name>R</org_name><report_id>1</report_id><date_range><begin>" +
                            std::string(begin) + "</begin><end>" + std::string(end) +
                            "</end></date_range>"});
  };
  const auto row_with = [](std::string_view old, std::string_view now) {
    return xml({.row = replaced(Words{}.row, old, now)});
  };
  const std::string good = xml({});
  // libxml2 reads some octets ahead.
  const std::size_t record_at = good.find("<record>");
  const std::string record = good.substr(record_at, good.find("</feedback>") - record_at);
  std::string many = good.substr(0, record_at);
  for (int i = 0; i < 100; ++i) many += record;
  const struct {
    const char* why;
    std::string text;
    std::string_view reason;
    int abandoned = 0;
  } rows[] = {
      {"another document", "<html><body/></html>", "its root element is <html>, not <feedback>"},
      {"no record at all, and nothing else", "<feedback/>", "it has no report_metadata"},
      {"no policy", "<feedback><report_metadata/></feedback>", "it has no policy_published"},
      {"no domain", xml({.policy = "<p>none</p>"}), "its policy_published names no domain"},
      {"what is not a domain", xml({.policy = "<domain>..</domain>"}),
       "its policy_published names no domain"},
      {"no report_id", xml({.metadata = "<org_name>R</org_name>"}), "it has no report_id"},
      {"nobody's", xml({.metadata = "<report_id>1</report_id>"}),
       "it has neither org_name nor email"},
      {"no dates", xml({.metadata = "<org_name>R</org_name><report_id>1</report_id>"}),
       "its date_range is not two numbers of seconds"},
      {"dates in words", dates("2024-01-01", "2024-01-02"),
       "its date_range is not two numbers of seconds"},
      {"1970", dates("0", "86399"), "its period begins before 1971"},
      {"before", dates("-1700000000", "1700000000"), "its period begins before 1971"},
      {"9999", dates("253402214400", "253402300800"), "its period ends in the future"},
      {"more than fits", dates("1", "99999999999999999999"),
       "its date_range is not two numbers of seconds"},
      {"backwards", dates("1700086399", "1700000000"), "its period ends before it begins"},
      {"two years", dates("1600000000", "1700000000"), "its period is longer than a year"},
      {"a negative count", row_with(">3<", ">-3<"), "record 1 has no sensible count"},
      {"too many messages", row_with(">3<", ">1000000000001<"), "record 1 has no sensible count"},
      {"a count in words", row_with(">3<", ">three<"), "record 1 has no sensible count"},
      {"a part of a message", row_with(">3<", ">3.5<"), "record 1 has no sensible count"},
      {"no count", row_with("<count>3</count>", ""), "record 1 has no sensible count"},
      {"a name for an address", row_with("192.0.2.1", "mx.example.org"),
       "record 1 has no address in source_ip"},
      {"the second record", replaced(good, "</feedback>", "<record/></feedback>"),
       "record 2 has no address in source_ip", 1},
      {"cut behind a record", many, "its XML ends before its root element does", 1},
      {"broken behind a record", many + "<record></row></feedback>",
       "it is not well-formed XML (line 1)", 1},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    WrittenReports written;
    const ReportOutcome outcome = read(row.text, written);
    CHECK(outcome.status == ReportOutcome::Status::rejected);
    CHECK(outcome.reason == row.reason);
    CHECK(written.aggregate.empty());
    CHECK(written.abandoned == row.abandoned);
  }

  WrittenReports written;
  CHECK(read(good, written, {.records = 0}).reason == "it has more than 0 records");
  CHECK(read(good, written, {.latest_end = 1700086398}).reason == "its period ends in the future");
  CHECK(read(good, written, {.latest_end = 1700086399}).reason == "");
}

TEST_CASE("what the store says of a report") {
  WrittenReports written;
  CHECK(read(xml({}), written).status == ReportOutcome::Status::stored);
  CHECK(read(xml({}), written).status == ReportOutcome::Status::duplicate);
  // Mail::DMARC numbers its reports, so another domain's may have the same report_id.
  CHECK(read(xml({.policy = "<domain>example.net</domain>"}), written).status ==
        ReportOutcome::Status::stored);
  CHECK(written.aggregate.size() == 2);
  written.broken = true;
  const ReportOutcome failed = read(xml({.policy = "<domain>example.com</domain>"}), written);
  CHECK(failed.status == ReportOutcome::Status::failed);
  CHECK(failed.reason == "the disk is full");
  CHECK(written.abandoned == 1);
}

TEST_CASE("what a record can grow is limited, and said") {
  std::string results;
  for (int i = 0; i < 300; ++i) results += Words{}.results;
  for (int i = 0; i < 30; ++i) results += "<spf><domain>a</domain><result>pass</result></spf>";
  WrittenReports written;
  const ReportOutcome outcome =
      read(xml({.identifiers = "<header_from>" + std::string(5000, 'x') + "</header_from>",
                .results = results}),
           written);
  REQUIRE(written.aggregate.size() == 1);
  const AggregateRecord& record = written.aggregate[0].records[0];
  CHECK(record.dkim_results.size() == 200);
  CHECK(record.spf_results.size() == 10);
  CHECK(record.header_from.size() == 255);
  REQUIRE(outcome.notes.size() == 1);
  CHECK(outcome.notes[0] == "some of a record's results were left out");
}
