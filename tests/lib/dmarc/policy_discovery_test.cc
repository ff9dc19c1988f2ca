#include "dmarc/policy_discovery.h"

#include <authmilter/recording_resolver.h>
#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace authmilter;

namespace {

DomainName name(std::string_view text) { return DomainName::parse(text).value(); }

/// "example.com sp=reject", or why there is none. `applies` is added where it differs, and
/// "undecided" where it is not known to apply.
std::string policy(const char* author, Resolver& resolver) {
  DomainDiscovery discovery(resolver);
  const TreeWalk walk = discovery.walk(name(author));
  const auto found = discover_policy(walk, select_organizational_domain(walk), resolver);
  switch (found.state) {
    case DiscoveredPolicy::State::no_record:
      return "no record";
    case DiscoveredPolicy::State::no_usable_policy:
      return "no usable policy";
    case DiscoveredPolicy::State::temperror:
      return "temperror " + std::string(to_string(found.failed->fault));
    case DiscoveredPolicy::State::found:
      break;
  }
  std::string text = found.source->name.text() + " " + std::string(to_string(*found.tag)) + "=" +
                     std::string(to_string(found.published));
  if (found.applies != found.published)
    text += ", applies " + std::string(to_string(found.applies));
  if (found.undecided) text += ", undecided";
  return text;
}

struct Row {
  std::string why;
  const char* author;
  const char* zone;
  const char* policy;
};

template <class Rows>
void check(const Rows& rows) {
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto resolver = make_test_resolver(row.zone);
    CHECK(policy(row.author, *resolver) == row.policy);
  }
}

}  // namespace

TEST_CASE("Author Domain, Organizational Domain, public suffix (RFC 9989 section 4.10.1)") {
  const Row rows[] = {
      {"no record: DMARC does not apply", "a.example.com", "", "no record"},
      {"the Author Domain's own", "a.example.com",
       "_dmarc.a.example.com. TXT \"v=DMARC1; p=reject\"\n"
       "_dmarc.example.com. TXT \"v=DMARC1; p=none\"",
       "a.example.com p=reject"},
      {"its sp and np are for others (A108)", "example.com",
       "_dmarc.example.com. TXT \"v=DMARC1; p=reject; sp=none; np=none\"", "example.com p=reject"},
      {"the Organizational Domain's", "a.example.com",
       "_dmarc.example.com. TXT \"v=DMARC1; p=reject\"", "example.com p=reject"},
      {"a record on the way is not used", "a.b.example.com",
       "_dmarc.b.example.com. TXT \"v=DMARC1; p=reject\"\n"
       "_dmarc.example.com. TXT \"v=DMARC1; p=none; sp=quarantine\"",
       "example.com sp=quarantine"},
      {"psd=n makes the one on the way the Organizational Domain's", "a.b.example.com",
       "_dmarc.b.example.com. TXT \"v=DMARC1; p=reject; psd=n\"\n"
       "_dmarc.example.com. TXT \"v=DMARC1; p=none\"",
       "b.example.com p=reject"},
      {"the public suffix stands in for both", "a.example.com",
       "_dmarc.com. TXT \"v=DMARC1; p=none; sp=reject; psd=y\"", "com sp=reject"},
      {"not over the Organizational Domain", "a.example.com",
       "_dmarc.example.com. TXT \"v=DMARC1; p=none\"\n"
       "_dmarc.com. TXT \"v=DMARC1; p=reject; psd=y\"",
       "example.com p=none"},
      {"not over the Author Domain", "example.com",
       "_dmarc.example.com. TXT \"v=DMARC1; p=none\"\n"
       "_dmarc.com. TXT \"v=DMARC1; p=reject; psd=y\"",
       "example.com p=none"},
      {"a record between the author and its silent organization is not used", "a.b.example.com",
       "_dmarc.b.example.com. TXT \"v=DMARC1; p=reject\"\n"
       "_dmarc.com. TXT \"v=DMARC1; p=none; psd=y\"",
       "com p=none"},
      {"the public suffix as Author Domain uses p", "co.uk",
       "_dmarc.co.uk. TXT \"v=DMARC1; p=reject; sp=none; psd=y\"", "co.uk p=reject"},
      {"several records at the author: go on (A112)", "a.example.com",
       "_dmarc.a.example.com. TXT \"v=DMARC1; p=none\"\n"
       "_dmarc.a.example.com. TXT \"v=DMARC1; p=none;\"\n"
       "_dmarc.example.com. TXT \"v=DMARC1; p=reject\"",
       "example.com p=reject"},
      {"several records and nothing above", "example.com",
       "_dmarc.example.com. TXT \"v=DMARC1; p=reject\"\n"
       "_dmarc.example.com. TXT \"v=DMARC1; p=none\"",
       "no record"},
      {"beyond eight labels the walk goes on at seven", "mail.a.b.c.d.e.f.example.com",
       "_dmarc.a.b.c.d.e.f.example.com. TXT \"v=DMARC1; p=none; psd=n\"\n"
       "_dmarc.example.com. TXT \"v=DMARC1; p=reject\"",
       "example.com p=reject"},
      {"a U-label author finds its A-label record (section 5.3.1)",
       "b\xc3\xbc"
       "cher.example",
       "_dmarc.xn--bcher-kva.example. TXT \"v=DMARC1; p=reject\"",
       "xn--bcher-kva.example p=reject"},
  };
  check(rows);
}

TEST_CASE("np is for names that do not exist (RFC 9989 section 4.7, RFC 8020)") {
  const Row rows[] = {
      {"np (A109)", "nx.example.com",
       "_dmarc.example.com. TXT \"v=DMARC1; p=none; sp=quarantine; np=reject\"",
       "example.com np=reject"},
      {"np may be milder", "nx.example.com",
       "_dmarc.example.com. TXT \"v=DMARC1; p=reject; np=none\"", "example.com np=none"},
      {"without np, sp", "nx.example.com",
       "_dmarc.example.com. TXT \"v=DMARC1; p=none; sp=quarantine\"", "example.com sp=quarantine"},
      {"without both, p", "nx.example.com", "_dmarc.example.com. TXT \"v=DMARC1; p=reject\"",
       "example.com p=reject"},
      {"an existing name has sp", "a.example.com",
       "a.example.com. A 192.0.2.1\n"
       "_dmarc.example.com. TXT \"v=DMARC1; p=none; sp=quarantine; np=reject\"",
       "example.com sp=quarantine"},
      {"and p without it", "a.example.com",
       "a.example.com. A 192.0.2.1\n"
       "_dmarc.example.com. TXT \"v=DMARC1; p=none; np=reject\"",
       "example.com p=none"},
      {"a name without A exists (NODATA)", "a.example.com",
       "a.example.com. MX 10 mx.example.net.\n"
       "_dmarc.example.com. TXT \"v=DMARC1; p=none; sp=quarantine; np=reject\"",
       "example.com sp=quarantine"},
      {"an empty non-terminal exists", "a.example.com",
       "b.a.example.com. A 192.0.2.1\n"
       "_dmarc.example.com. TXT \"v=DMARC1; p=none; np=reject\"",
       "example.com p=none"},
      {"a wildcard makes every name exist (edge case 92)", "nx.example.com",
       "*.example.com. A 192.0.2.1\n"
       "_dmarc.example.com. TXT \"v=DMARC1; p=none; np=reject\"",
       "example.com p=none"},
      {"np of the public suffix", "nx.example.com",
       "_dmarc.com. TXT \"v=DMARC1; p=none; np=reject; psd=y\"", "com np=reject"},
      {"the domain itself is not below itself", "example.com",
       "_dmarc.example.com. TXT \"v=DMARC1; p=none; np=reject\"", "example.com p=none"},
  };
  check(rows);
}

TEST_CASE("whether a name exists is asked only where it matters") {
  const struct {
    std::string why;
    const char* zone;
    bool asked;
  } rows[] = {
      {"own record", "_dmarc.a.example.com. TXT \"v=DMARC1; p=none; np=reject\"", false},
      {"no np", "_dmarc.example.com. TXT \"v=DMARC1; p=none; sp=reject\"", false},
      {"np", "_dmarc.example.com. TXT \"v=DMARC1; p=none; np=reject\"", true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto zone = make_test_resolver(row.zone);
    RecordingResolver resolver(*zone);
    policy("a.example.com", resolver);
    // By the type that SPF asks for too, so that the answer is at hand.
    const DnsQuestion question{*DnsName::parse("a.example.com"), RrType::txt};
    CHECK((resolver.entries().back().question == question) == row.asked);
  }
}

TEST_CASE("an unknown existence leaves the policy open where it matters (A193)") {
  const struct {
    std::string why;
    const char* tags;
    const char* policy;
  } rows[] = {
      {"np is stricter", "p=none; sp=quarantine; np=reject", "example.com np=reject, undecided"},
      {"np is stricter than p", "p=none; np=quarantine", "example.com np=quarantine, undecided"},
      {"np is milder", "p=reject; np=none", "example.com p=reject, undecided"},
      {"both ask for the same", "p=none; sp=reject; np=reject", "example.com sp=reject"},
      {"both ask for nothing", "p=reject; sp=none; np=none", "example.com sp=none"},
      {"both apply the same (t=y)", "p=none; np=quarantine; t=y",
       "example.com np=quarantine, applies none"},
      {"and not the same", "p=none; np=reject; t=y",
       "example.com np=reject, applies quarantine, undecided"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto resolver =
        make_test_resolver("_dmarc.example.com. TXT \"v=DMARC1; " + std::string(row.tags) + "\"",
                           {{"nx.example.com", DnsFault::timeout}});
    CHECK(policy("nx.example.com", *resolver) == row.policy);
  }
}

TEST_CASE("a policy that is not valid (RFC 9989 section 4.10.1)") {
  const Row rows[] = {
      {"p missing, rua: p=none", "example.com",
       "_dmarc.example.com. TXT \"v=DMARC1; rua=mailto:d@example.com\"", "example.com p=none"},
      {"p missing, no rua: no DMARC", "example.com", "_dmarc.example.com. TXT \"v=DMARC1\"",
       "no usable policy"},
      {"p not valid, rua (A111)", "example.com",
       "_dmarc.example.com. TXT \"v=DMARC1; p=bogus; rua=mailto:a@b.example\"",
       "example.com p=none"},
      {"p not valid, no rua", "example.com", "_dmarc.example.com. TXT \"v=DMARC1; p=bogus\"",
       "no usable policy"},
      {"rua without one valid URI", "example.com",
       "_dmarc.example.com. TXT \"v=DMARC1; p=bogus; rua=d@example.com\"", "no usable policy"},
      {"ruf does not count", "example.com",
       "_dmarc.example.com. TXT \"v=DMARC1; ruf=mailto:d@example.com\"", "no usable policy"},
      {"sp not valid takes p=reject with it", "example.com",
       "_dmarc.example.com. TXT \"v=DMARC1; p=reject; sp=bogus; rua=mailto:d@example.com\"",
       "example.com p=none"},
      {"np not valid takes sp=reject with it", "a.example.com",
       "_dmarc.example.com. TXT \"v=DMARC1; p=none; sp=reject; np=x; rua=mailto:d@example.com\"",
       "example.com p=none"},
      {"sp not valid, no rua", "example.com",
       "_dmarc.example.com. TXT \"v=DMARC1; p=reject; sp=bogus\"", "no usable policy"},
      {"nothing above stands in for it", "a.example.com",
       "_dmarc.a.example.com. TXT \"v=DMARC1; p=bogus\"\n"
       "_dmarc.example.com. TXT \"v=DMARC1; p=reject\"",
       "no usable policy"},
      {"other bad tags change nothing", "example.com",
       "_dmarc.example.com. TXT \"v=DMARC1; p=reject; adkim=x; fo=x; rf=iodef; pct=0\"",
       "example.com p=reject"},
  };
  check(rows);
}

TEST_CASE("t=y applies one step less (RFC 9989 section 4.7)") {
  const Row rows[] = {
      {"reject", "example.com", "_dmarc.example.com. TXT \"v=DMARC1; p=reject; t=y\"",
       "example.com p=reject, applies quarantine"},
      {"quarantine", "example.com", "_dmarc.example.com. TXT \"v=DMARC1; p=quarantine; t=y\"",
       "example.com p=quarantine, applies none"},
      {"none", "example.com", "_dmarc.example.com. TXT \"v=DMARC1; p=none; t=y\"",
       "example.com p=none"},
      {"t=n", "example.com", "_dmarc.example.com. TXT \"v=DMARC1; p=reject; t=n\"",
       "example.com p=reject"},
      {"sp", "a.example.com", "_dmarc.example.com. TXT \"v=DMARC1; p=none; sp=reject; t=y\"",
       "example.com sp=reject, applies quarantine"},
      {"np", "nx.example.com", "_dmarc.example.com. TXT \"v=DMARC1; p=none; np=quarantine; t=y\"",
       "example.com np=quarantine, applies none"},
      {"pct=0 does nothing of the kind (A181)", "example.com",
       "_dmarc.example.com. TXT \"v=DMARC1; p=reject; pct=0\"", "example.com p=reject"},
  };
  check(rows);
}

TEST_CASE("an unanswered query on the way is a temperror (RFC 9989 section 5.3.6)") {
  const struct {
    std::string why;
    const char* zone;
    ZoneFault fault;
    const char* policy;
  } rows[] = {
      {"the author's own name: no falling back (A115)",
       "_dmarc.example.com. TXT \"v=DMARC1; p=reject\"",
       {"_dmarc.a.example.com", DnsFault::servfail},
       "temperror servfail"},
      {"the organization's", "", {"_dmarc.example.com", DnsFault::bogus}, "temperror bogus"},
      {"one above a record on the way",
       "_dmarc.example.com. TXT \"v=DMARC1; p=reject\"",
       {"_dmarc.com", DnsFault::timeout},
       "temperror timeout"},
      {"none above psd=n is asked",
       "_dmarc.example.com. TXT \"v=DMARC1; p=reject; psd=n\"",
       {"_dmarc.com", DnsFault::timeout},
       "example.com p=reject"},
      {"above the author's own record it does not matter",
       "_dmarc.a.example.com. TXT \"v=DMARC1; p=reject\"",
       {"_dmarc.example.com", DnsFault::timeout},
       "a.example.com p=reject"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto resolver = make_test_resolver(row.zone, {row.fault});
    CHECK(policy("a.example.com", *resolver) == row.policy);
  }
}
