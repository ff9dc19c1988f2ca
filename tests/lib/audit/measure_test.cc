#include <authmilter/audit.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace authmilter;

namespace {

constexpr AuditRule kSpf{"spf.exists", "", "", "", "3.1", "", nullptr};
constexpr AuditRule kAll{"spf.all", "", "", "", "3.1", "", nullptr};
constexpr AuditRule kPostfix{"postfix.tls_in", "", "", "", "1.1 1.2.1", "", nullptr};
constexpr AuditRule kStartTls{"starttls.offered", "", "", "", "1.1", "", nullptr};
constexpr AuditRule kVersion{"tls.version", "", "", "", "1.2.1", "", nullptr};
constexpr AuditRule kChain{"cert.chain", "", "", "", "1.3", "", nullptr};
constexpr AuditRule kName{"cert.name", "", "", "", "1.3", "", nullptr};
constexpr AuditRule kTlsa{"dane.exists", "", "", "", "1.6", "", nullptr};
constexpr AuditRule kKey{"dkim.exists", "", "", "", "3.2", "", nullptr};
constexpr AuditRule kActs{"authmilter.spf", "", "", "", "3.4", "", nullptr};
constexpr AuditRule kResolver{"resolver.validates", "", "", "", "1.5", "", nullptr};

AuditCheck check(const AuditRule& rule, CheckStatus status, const std::string& evidence = "seen") {
  return {&rule, status, {{status, "", evidence, ""}}};
}

PointResult at(const std::string& point, const std::vector<AuditCheck>& checks) {
  for (const PointResult& result : judge_points(checks)) {
    if (result.point->point == point) return result;
  }
  FAIL("there is no such point");
  return {};
}

}  // namespace

TEST_CASE("each point of the measure is there, once, in its order") {
  const std::vector<std::string> want = {
      "1.1", "1.2.1", "1.2.2", "1.2.3", "1.2.4", "1.3",   "1.4",   "1.5", "1.6",
      "1.7", "1.8",   "2.1",   "2.2.1", "2.2.2", "2.2.3", "2.2.4", "2.3", "2.4",
      "2.5", "2.6",   "2.7",   "3.1",   "3.2",   "3.3",   "3.4",   "3.5", "3.6"};
  std::vector<std::string> have;
  for (const MeasurePoint& point : measure_points()) {
    have.emplace_back(point.point);
    CHECK_FALSE(point.title.empty());
    CHECK_FALSE(point.how_to_show.empty());
  }
  CHECK(have == want);
}

TEST_CASE("what checks say of a point") {
  using enum CheckStatus;
  const struct {
    const char* why;
    const char* point;
    std::vector<AuditCheck> checks;
    PointStatus status;
    const char* evidence;
  } rows[] = {
      {"nothing was looked at", "3.1", {}, PointStatus::not_testable, ""},
      {"all is well",
       "3.1",
       {check(kSpf, pass), check(kAll, pass)},
       PointStatus::fulfilled,
       "spf.exists: seen; spf.all: seen"},
      {"a warning is no failure",
       "3.1",
       {check(kSpf, pass), check(kAll, warn)},
       PointStatus::fulfilled,
       "spf.exists: seen; spf.all: seen"},
      {"one failure is enough, and is what is told",
       "3.1",
       {check(kSpf, pass), check(kAll, fail, "+all")},
       PointStatus::not_fulfilled,
       "spf.all: +all"},
      {"a failure is certain whatever else is unknown",
       "3.1",
       {check(kSpf, unknown), check(kAll, fail, "+all")},
       PointStatus::not_fulfilled,
       "spf.all: +all"},
      {"what is unknown is not fulfilled",
       "3.1",
       {check(kSpf, pass), check(kAll, unknown, "timeout")},
       PointStatus::not_testable,
       "spf.all: timeout"},
      {"what stands beside the point is not the point",
       "3.1",
       {check(kAll, pass)},
       PointStatus::not_testable,
       ""},
      {"settings of the host do not show what the servers offer",
       "1.1",
       {check(kPostfix, pass)},
       PointStatus::not_testable,
       ""},
      {"but together they do",
       "1.1",
       {check(kStartTls, pass), check(kPostfix, pass)},
       PointStatus::fulfilled,
       "starttls.offered: seen; postfix.tls_in: seen"},
      {"and each can fail it",
       "1.1",
       {check(kStartTls, pass), check(kPostfix, fail, "none")},
       PointStatus::not_fulfilled,
       "postfix.tls_in: none"},
      {"1.2.1 is not 1.2.2", "1.2.2", {check(kPostfix, fail)}, PointStatus::not_testable, ""},
      {"versions of a server that could not be reached are not known",
       "1.2.1",
       {check(kStartTls, unknown, "mx2: timeout"), check(kVersion, pass, "mx1")},
       PointStatus::not_testable,
       "starttls.offered: mx2: timeout"},
      {"nor is the certificate of one without STARTTLS",
       "1.3",
       {check(kStartTls, fail, "mx2"), check(kChain, pass), check(kName, pass)},
       PointStatus::not_testable,
       "starttls.offered: mx2"},
      {"but what fails at another is certain",
       "1.3",
       {check(kStartTls, unknown, "mx2"), check(kChain, fail, "mx1"), check(kName, pass)},
       PointStatus::not_fulfilled,
       "cert.chain: mx1"},
      {"a TLSA record that was not compared with what is served",
       "1.6",
       {check(kTlsa, pass)},
       PointStatus::not_testable,
       ""},
      {"a key record without a key", "3.2", {check(kKey, pass)}, PointStatus::not_testable, ""},
      {"settings of a filter that may get no mail",
       "3.4",
       {check(kActs, pass)},
       PointStatus::not_testable,
       ""},
      {"a resolver whose place is not known",
       "1.5",
       {check(kResolver, pass)},
       PointStatus::not_testable,
       ""},
      {"what no rule can show",
       "1.8",
       {check(kSpf, pass), check(kStartTls, pass)},
       PointStatus::not_testable,
       ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const PointResult result = at(row.point, row.checks);
    CHECK(to_string(result.status) == to_string(row.status));
    CHECK(result.evidence == row.evidence);
  }
}

TEST_CASE("rules name points that there are") {
  std::set<std::string_view> points;
  for (const MeasurePoint& point : measure_points()) points.insert(point.point);
  for (const AuditRule* rule : audit_rules()) {
    CAPTURE(rule->id);
    std::string_view rest = rule->points;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      CHECK(points.count(rest.substr(0, end)) == 1);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
}
