#include "dns/unbound/validation_probe.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace authmilter;
using namespace std::chrono_literals;

namespace {

using Clock = ValidationPolicy::Clock;
using Verdict = ValidationProbe::Verdict;
using Kind = ValidationProbe::Kind;

std::string word(std::optional<Verdict> verdict) {
  if (!verdict) return "open";
  switch (*verdict) {
    case Verdict::works:
      return "works";
    case Verdict::stripped:
      return "stripped";
    case Verdict::cut_off:
      return "cut off";
    case Verdict::unknown:
      return "unknown";
  }
  return "?";
}

/// s: secure, o: proved off, b: bogus, f: failed; anything else: no answer yet.
void tell(ValidationProbe& probe, const ValidationProbe::Question& question, char outcome) {
  switch (outcome) {
    case 's':
      return probe.answered(question, ProbeOutcome::secure);
    case 'o':
      return probe.answered(question, ProbeOutcome::proved_off);
    case 'b':
      return probe.answered(question, ProbeOutcome::bogus);
    case 'f':
      return probe.answered(question, ProbeOutcome::failed);
    default:
      return;
  }
}

DnsAnswer good(bool secure) {
  DnsAnswer answer;
  answer.status = DnsStatus::success;
  answer.secure = secure;
  return answer;
}

DnsName name(const char* text) { return DnsName::parse(text).value(); }

ValidationPolicy validating(Clock::time_point now) {
  ValidationPolicy policy(Validation::undecided);
  policy.began(now);
  policy.ended(Verdict::works, now);
  return policy;
}

}  // namespace

TEST_CASE("A197: a probe looks below the root (RFC 4035 section 5)") {
  const struct {
    const char* why;
    char root;
    const char* keys;      // of the domains
    const char* controls;  // the same without validation
    const char* verdict;   // as soon as these are there
    const char* in_the_end;
  } rows[] = {
      {"nothing yet", '-', "---", "---", "open", "unknown"},
      {"all is well", 's', "sss", "ooo", "works", "works"},
      {"one signed domain is enough, at once", '-', "s--", "---", "works", "works"},
      {"and beside domains that fail", 's', "bsf", "ooo", "works", "works"},
      {"the root's signatures are stripped", 'b', "---", "---", "stripped", "stripped"},
      {"a root that is not the anchor's", 'o', "---", "---", "stripped", "stripped"},
      {"the root alone is not enough", 's', "---", "---", "open", "unknown"},
      {"DS and DNSKEY are refused below the root", 's', "bbb", "ooo", "cut off", "cut off"},
      {"they are refused, and that is a failure", 's', "fff", "ooo", "cut off", "cut off"},
      {"one refused, the rest unanswered", 's', "b--", "---", "open", "cut off"},
      {"large answers do not come through", 's', "---", "ooo", "open", "cut off"},
      {"the upstream is without a network", 's', "fff", "fff", "unknown", "unknown"},
      {"a failure waits for its control", 's', "fff", "ff-", "open", "unknown"},
      {"the root's keys fail too", 'f', "fff", "ooo", "unknown", "unknown"},
      {"silence", '-', "---", "---", "open", "unknown"},
      {"a private tree without these domains", 's', "ooo", "ooo", "works", "works"},
      {"a private tree, not all answers yet", 's', "o--", "o--", "open", "unknown"},
      {"a private tree that cannot prove it", 's', "bbb", "ooo", "cut off", "cut off"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    ValidationProbe probe;
    tell(probe, {Kind::root_key, 0}, row.root);
    for (std::size_t i = 0; i < 3; ++i) {
      tell(probe, {Kind::domain_key, i}, row.keys[i]);
      tell(probe, {Kind::control, i}, row.controls[i]);
    }
    CHECK(word(probe.verdict()) == row.verdict);
    CHECK(word(probe.verdict_now()) == row.in_the_end);
  }
  CHECK(ValidationProbe::questions().size() == 7);
}

TEST_CASE("what follows from a probe") {
  const struct {
    const char* why;
    Validation before;
    Verdict verdict;
    ValidationPolicy::Upstream upstream;
    Validation after;
    std::chrono::seconds again;  // when the next one may run; 0: not by itself
  } rows[] = {
      {"it works", Validation::undecided, Verdict::works, ValidationPolicy::Upstream::answers,
       Validation::validating, 0s},
      {"stripped", Validation::undecided, Verdict::stripped, ValidationPolicy::Upstream::answers,
       Validation::plain, 300s},
      {"cut off", Validation::undecided, Verdict::cut_off, ValidationPolicy::Upstream::answers,
       Validation::plain, 300s},
      {"no name server answers", Validation::undecided, Verdict::unknown,
       ValidationPolicy::Upstream::unknown, Validation::undecided, 5s},
      {"they answer all but the probe", Validation::undecided, Verdict::unknown,
       ValidationPolicy::Upstream::answers, Validation::plain, 30s},
      {"it has worked and is silent", Validation::validating, Verdict::unknown,
       ValidationPolicy::Upstream::answers, Validation::validating, 0s},
      {"it has worked and is stripped now", Validation::validating, Verdict::stripped,
       ValidationPolicy::Upstream::unknown, Validation::plain, 300s},
      {"it works again", Validation::plain, Verdict::works, ValidationPolicy::Upstream::unknown,
       Validation::validating, 0s},
      {"off, and silent", Validation::plain, Verdict::unknown, ValidationPolicy::Upstream::unknown,
       Validation::plain, 30s},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    auto now = Clock::time_point(1000h);
    ValidationPolicy policy(Validation::undecided);
    if (row.before != Validation::undecided) {
      policy.began(now);
      policy.ended(row.before == Validation::plain ? Verdict::stripped : Verdict::works, now);
      now += 1h;
    }
    policy.probe_again();
    CHECK(policy.is_due(now));
    policy.began(now);
    CHECK(policy.probing());
    CHECK_FALSE(policy.is_due(now));
    CHECK(policy.decide_by() == now + 2s);
    policy.ended(row.verdict, now, row.upstream);
    CHECK_FALSE(policy.probing());
    CHECK(policy.state() == row.after);
    const auto soon = row.again == 0s ? 1h : std::chrono::hours(0) + row.again - 1s;
    CHECK_FALSE(policy.is_due(now + soon));
    CHECK(policy.is_due(now + row.again) == (row.again != 0s));
  }
}

TEST_CASE("A197: bogus answers in a row make a probe due, and nothing else") {
  struct Answer {
    const char* name;
    char what;  // b: bogus, s: secure, i: proved insecure, f: servfail
  };
  const struct {
    const char* why;
    std::vector<Answer> answers;
    bool due;
  } rows[] = {
      {"none", {}, false},
      {"one zone", {{"a.example.com", 'b'}, {"b.example.com", 'b'}, {"c.example.com", 'b'}}, false},
      {"zones of one top-level domain", {{"a.com", 'b'}, {"b.com", 'b'}, {"c.com", 'b'}}, false},
      {"two top-level domains", {{"a.com", 'b'}, {"b.net", 'b'}, {"c.com", 'b'}}, false},
      {"three", {{"a.com", 'b'}, {"b.net", 'b'}, {"c.org", 'b'}}, true},
      {"failures beside them",
       {{"a.com", 'b'}, {"x.se", 'f'}, {"b.net", 'b'}, {"c.org", 'b'}},
       true},
      {"one that validates between",
       {{"a.com", 'b'}, {"b.net", 'b'}, {"x.se", 's'}, {"c.org", 'b'}},
       false},
      {"one that is proved unsigned between",
       {{"a.com", 'b'}, {"b.net", 'b'}, {"x.se", 'i'}, {"c.org", 'b'}},
       false},
      {"names that nobody can sign prove nothing",
       {{"a.com", 'b'}, {"b.net", 'b'}, {"x.test", 'i'}, {"x.home.arpa", 'i'}, {"c.org", 'b'}},
       true},
      {"a private tree with one domain", std::vector<Answer>(20, {"a.corp", 'b'}), true},
      {"not so many", std::vector<Answer>(19, {"a.corp", 'b'}), false},
  };
  const auto start = Clock::time_point(1000h);
  const auto now = start + 1h;
  for (const auto& row : rows) {
    CAPTURE(row.why);
    ValidationPolicy automatic = validating(start);
    ValidationPolicy demanded(Validation::validating);
    for (const Answer& answer : row.answers) {
      const DnsAnswer what = answer.what == 'b'   ? DnsAnswer::failed(DnsFault::bogus)
                             : answer.what == 'f' ? DnsAnswer::failed(DnsFault::servfail)
                                                  : good(answer.what == 's');
      automatic.validated(name(answer.name), what);
      demanded.validated(name(answer.name), what);
      CHECK(automatic.state() == Validation::validating);
    }
    CHECK(automatic.is_due(now) == row.due);
    // Where validation is demanded nothing ever leaves it.
    CHECK_FALSE(demanded.is_due(now));
    CHECK(demanded.state() == Validation::validating);
  }
}

TEST_CASE("however many bogus answers there are, probes are seldom and decide by themselves") {
  auto now = Clock::time_point(1000h);
  ValidationPolicy policy = validating(now);
  int probes = 0;
  for (int second = 0; second < 300; ++second) {
    now += 1s;
    for (const char* zone : {"a.com", "a.net", "a.org", "a.se"})
      policy.validated(name(zone), DnsAnswer::failed(DnsFault::bogus));
    if (!policy.is_due(now)) continue;
    ++probes;
    policy.began(now);
    policy.ended(Verdict::works, now);
    CHECK(policy.state() == Validation::validating);
  }
  CHECK(probes == 10);
}

TEST_CASE("a reload probes at once, other name servers begin anew") {
  const auto now = Clock::time_point(1000h);
  ValidationPolicy policy = validating(now);
  CHECK_FALSE(policy.is_due(now + 24h));
  policy.probe_again();
  CHECK(policy.is_due(now));
  CHECK(policy.state() == Validation::validating);
  policy.began(now);
  policy.upstream_changed();
  CHECK(policy.state() == Validation::undecided);
  CHECK_FALSE(policy.probing());
  CHECK(policy.is_due(now));

  ValidationPolicy demanded(Validation::validating);
  demanded.upstream_changed();
  demanded.probe_again();
  CHECK(demanded.state() == Validation::validating);
  CHECK_FALSE(demanded.is_due(now));
  ValidationPolicy off(Validation::plain);
  off.upstream_changed();
  off.probe_again();
  CHECK(off.state() == Validation::plain);
  CHECK_FALSE(off.is_due(now));
}
