#include "report_sending/report_plan.h"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "lib/report_sending/memory_store.h"
#include "lib/report_sending/sample_rows.h"

using namespace authmilter;

namespace {

const std::string kAt = "mailto:dmarc@";

/// "report_id file_name destination" of each entry.
std::vector<std::string> plan_of(MemoryStore& store, const std::string& domain,
                                 const ReportsConfig& config = {},
                                 std::vector<std::string>* notes = nullptr) {
  const ReportSubject subject{kDay, domain_name(domain), 0};
  auto reports = planned_reports(store, subject, sample_sender());
  REQUIRE(reports);
  const SubjectPlan plan =
      plan_subject(subject, std::move(*reports), sample_sender(), config, kNight);
  if (notes != nullptr) *notes = plan.notes;
  std::vector<std::string> lines;
  for (const SendEntry& entry : plan.entries) {
    CHECK(entry.state == SendState::planned);
    CHECK(entry.day == kDay);
    CHECK(entry.changed == kNight);
    lines.push_back(entry.report_id + " " + entry.file_name + " " + entry.destination);
  }
  return lines;
}

std::size_t reports_of(const std::vector<std::string>& lines) {
  std::vector<std::string> ids;
  for (const std::string& line : lines) {
    const std::string id = line.substr(0, line.find(' '));
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids.size();
}

ReportRow from_author(ReportRow made, const std::string& author) {
  made.record.header_from = author;
  return made;
}

ReportRow authenticated(ReportRow made) {
  made.record.dkim = AlignedResult::pass;
  return made;
}

}  // namespace

TEST_CASE("a report that was planned keeps its names") {
  const PolicyInForce one = policy("example.com", {kAt + "example.com"});
  const ReportIdentity identity = report_identity(sample_sender().submitter, kDay, one, "secret");
  CHECK(identity.begin == 1'795'824'000);
  CHECK(identity.end == 1'795'910'399);
  SendEntry entry{kDay, domain_name("example.com"), "mailto:d@example.com", report_id(identity)};
  CHECK(entry.report_id.starts_with("example.com.20261128."));
  CHECK(entry.report_id.ends_with("@mx.example.org"));
  CHECK(report_identity(entry, one, "secret").has_value());
  CHECK_FALSE(report_identity(entry, one, "another"));
  PolicyInForce other = one;
  other.published.p = AssessmentPolicy::none;
  CHECK_FALSE(report_identity(entry, other, "secret"));
  entry.day -= 1;
  CHECK_FALSE(report_identity(entry, one, "secret"));
  entry.day += 1;
  // Planned by a store that had no secret yet.
  entry.report_id = report_id(report_identity(sample_sender().submitter, kDay, one, ""));
  CHECK(report_identity(entry, one, "secret").has_value());
  for (const char* none_of_ours : {"", "1", "x@", "example.com.20261128.0123456789abcdef@mx"}) {
    CAPTURE(none_of_ours);
    entry.report_id = none_of_ours;
    CHECK_FALSE(report_identity(entry, one, "secret"));
  }
}

TEST_CASE("which policies are one configuration") {
  const PolicyInForce one = policy("example.com", {kAt + "example.com"});
  const struct {
    const char* why;
    void (*change)(PolicyInForce&);
    bool same;
  } rows[] = {
      {"nothing", [](PolicyInForce&) {}, true},
      {"p", [](PolicyInForce& p) { p.published.p = AssessmentPolicy::none; }, false},
      {"sp", [](PolicyInForce& p) { p.published.sp = AssessmentPolicy::none; }, false},
      {"np", [](PolicyInForce& p) { p.published.np = AssessmentPolicy::quarantine; }, false},
      {"adkim", [](PolicyInForce& p) { p.published.adkim = AlignmentMode::strict; }, false},
      {"aspf", [](PolicyInForce& p) { p.published.aspf = AlignmentMode::strict; }, false},
      {"fo", [](PolicyInForce& p) { p.published.fo = "1"; }, false},
      {"t", [](PolicyInForce& p) { p.published.testing = true; }, false},
      {"whom it is sent to", [](PolicyInForce& p) { p.rua.push_back("mailto:b@b.net"); }, false},
      {"what no aggregate report shows: ruf", [](PolicyInForce& p) { p.ruf = {"mailto:f@b.net"}; },
       true},
      {"psd", [](PolicyInForce& p) { p.psd = PsdFlag::y; }, true},
      {"what was wrong with the record", [](PolicyInForce& p) { p.error = "invalid sp"; }, true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    PolicyInForce other = one;
    row.change(other);
    CHECK((configuration_text(other) == configuration_text(one)) == row.same);
  }
}

TEST_CASE("one report for each policy domain and configuration (RFC 9990 section 3.1)") {
  MemoryStore store;
  const PolicyInForce com = policy("example.com", {kAt + "example.com"});
  store.kept = {
      row(com, "192.0.2.1", 3),
      // An author below without a record of its own goes into the same report.
      from_author(row(com, "192.0.2.1", 2), "foo.example.com"),
      row(policy("bar.example.com", {kAt + "example.com"}), "192.0.2.1", 7),
      row(com, "192.0.2.1", 100, kDay - 1),
  };
  const auto lines = plan_of(store, "example.com");
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].starts_with("example.com.20261128."));
  CHECK(lines[0].find("@mx.example.org mx.example.org!example.com!") != std::string::npos);
  const auto below = plan_of(store, "bar.example.com");
  REQUIRE(below.size() == 1);
  CHECK(below[0].starts_with("bar.example.com.20261128."));
  CHECK(lines[0].substr(0, lines[0].find(' ')) != below[0].substr(0, below[0].find(' ')));

  // The same rows in another order give the same plan.
  std::reverse(store.kept.begin(), store.kept.end());
  CHECK(plan_of(store, "example.com") == lines);
}

TEST_CASE("a policy that changes within the day makes two reports") {
  MemoryStore store;
  PolicyInForce before = policy("example.com", {kAt + "example.com"});
  before.published.p = AssessmentPolicy::none;
  store.kept = {
      row(before, "192.0.2.1", 1),
      row(policy("example.com", {kAt + "example.com", kAt + "reader.net"}), "192.0.2.1", 5)};
  const auto lines = plan_of(store, "example.com");
  REQUIRE(lines.size() == 3);
  CHECK(reports_of(lines) == 2);
  // Most messages first, which has the plain name; the other one a unique-id.
  CHECK(std::count(lines[0].begin(), lines[0].end(), '!') == 3);
  CHECK(lines[0].ends_with(" mailto:dmarc@example.com"));
  CHECK(lines[1].ends_with(" mailto:dmarc@reader.net"));
  CHECK(std::count(lines[2].begin(), lines[2].end(), '!') == 4);

  // The owner of a domain can have a new one for each message.
  for (int i = 0; i < 50; ++i) {
    store.kept.push_back(
        row(policy("example.com", {kAt + "x" + std::to_string(i) + ".net"}), "192.0.2.1", 1));
  }
  std::vector<std::string> notes;
  CHECK(reports_of(plan_of(store, "example.com", {}, &notes)) == kConfigurations);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].find("52 policies") != std::string::npos);
}

TEST_CASE("whom a report goes to (RFC 9990 section 3.5)") {
  const struct {
    const char* why;
    std::vector<std::string> rua;
    std::vector<std::string> destinations;
  } rows[] = {
      {"RFC 9989 section 4.7: no rua, no report", {}, {}},
      {"each, in the order given",
       {"mailto:z@example.com", "mailto:a@example.com"},
       {"mailto:z@example.com", "mailto:a@example.com"}},
      {"another scheme is ignored, and what follows is not",
       {"https://example.com/d", "mailto:a@example.com"},
       {"mailto:a@example.com"}},
      {"a malformed one too", {"mailto:", "dmarc@example.com"}, {}},
      {"the obsolete size is taken off", {"mailto:a@example.com!10m"}, {"mailto:a@example.com"}},
      {"the same address once",
       {"mailto:a@example.com", "mailto:a@EXAMPLE.com"},
       {"mailto:a@example.com"}},
      {"whose local part may differ in its case",
       {"mailto:a@example.com", "mailto:A@example.com"},
       {"mailto:a@example.com", "mailto:A@example.com"}},
      {"no more than a limit of ours",
       {"mailto:1@example.com", "https://example.com", "mailto:2@example.com",
        "mailto:3@example.com", "mailto:4@example.com"},
       {"mailto:1@example.com", "mailto:2@example.com", "mailto:3@example.com"}},
  };
  for (const auto& line : rows) {
    CAPTURE(line.why);
    MemoryStore store;
    store.kept = {row(policy("example.com", line.rua), "192.0.2.1", 1)};
    ReportsConfig config;
    config.destinations = 3;
    std::vector<std::string> destinations;
    for (const std::string& entry : plan_of(store, "example.com", config))
      destinations.push_back(entry.substr(entry.rfind(' ') + 1));
    CHECK(destinations == line.destinations);
  }
}

TEST_CASE("our own report mail makes no report") {
  const PolicyInForce ours = policy("example.org", {kAt + "example.org"});
  const struct {
    const char* why;
    std::vector<ReportRow> kept;
    std::size_t reports;
  } rows[] = {
      {"nothing but our own reporting domain's authenticated mail",
       {authenticated(row(ours, "192.0.2.1", 2)), authenticated(row(ours, "192.0.2.2", 1))},
       0},
      {"a forgery of it is worth a report", {row(ours, "192.0.2.1", 1)}, 1},
      {"and then all of the day is in it",
       {authenticated(row(ours, "192.0.2.1", 2)), row(ours, "192.0.2.3", 1)},
       1},
      {"an author of another domain under the same policy",
       {authenticated(row(ours, "192.0.2.1", 2)),
        authenticated(from_author(row(ours, "192.0.2.1", 1), "shop.example.org"))},
       1},
      {"others' mail that authenticates",
       {authenticated(row(policy("example.com", {kAt + "example.com"}), "192.0.2.1", 2))},
       1},
  };
  for (const auto& line : rows) {
    CAPTURE(line.why);
    MemoryStore store;
    store.kept = line.kept;
    std::vector<std::string> notes;
    CHECK(plan_of(store, line.kept.front().policy->published.domain.text(), {}, &notes).size() ==
          line.reports);
    CHECK(notes.size() == (line.reports == 0 ? 1 : 0));
  }
}

TEST_CASE("who reports") {
  Config config;
  config.authserv_id = domain_name("mx.example.org");
  config.reports.store = StoreAddress{StoreEngine::sqlite, "/x.db"};
  config.reports.organization = "Example";
  config.reports.email = "dmarc@example.org";
  const auto submitter = [&] {
    const auto sender = ReportSender::of(config);
    return sender ? sender->submitter.text() : sender.error().message;
  };
  CHECK(submitter() == "mx.example.org");
  CHECK(ReportSender::of(config)->generator.starts_with("authmilter "));
  config.authserv_id = domain_name("mx.example.net");  // says nothing for example.org
  CHECK(submitter() == "example.org");
  config.authserv_id.reset();
  CHECK(submitter() == "example.org");
  // Hosts that share a store send one report.
  config.authserv_id = domain_name("mx.example.org");
  config.reports.store = StoreAddress{StoreEngine::postgresql, "postgresql://db/x"};
  CHECK(submitter() == "example.org");
  config.reports.email = "Example <dmarc@example.org>";
  CHECK(submitter() == "reports.email: \"Example <dmarc@example.org>\" is not a plain address");
  config.reports.email.clear();
  CHECK(submitter() == "reports.email: is not set");
  config.reports.organization.clear();
  CHECK(submitter() == "reports.organization: is not set");
}
