#include <authmilter/audit_simulation.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <authmilter/zone_resolver.h>

using namespace authmilter;

namespace {

// The key called "short" is RSA of 512 bits.
constexpr const char* kZone = R"(
example.org TXT "v=spf1 ip4:192.0.2.0/24 include:news.example -all"
_dmarc.example.org TXT "v=DMARC1; p=reject; sp=quarantine"
good._domainkey.example.org TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
revoked._domainkey.example.org TXT "v=DKIM1; p="
short._domainkey.example.org TXT "v=DKIM1; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAMRSA7/spCx8gBRZD8AEuvW3tSR/+iO2TKxVoN8HfDD42aJB7bdGHtoJKPHb/llOdUNCpMgKOVn8oKzqPipUKs0CAwEAAQ=="
news.example TXT "v=spf1 ip4:198.51.100.0/24 -all"
none.example TXT "v=spf1 -all"
trial.example TXT "v=spf1 -all"
_dmarc.trial.example TXT "v=DMARC1; p=reject; t=y"
watch.example TXT "v=spf1 -all"
_dmarc.watch.example TXT "v=DMARC1; p=none"
mx.example.org TXT "v=spf1 ip4:192.0.2.0/24 -all"
)";

const DomainName kDomain = DomainName::parse("example.org").value();

Result<std::vector<SimulatedSender>> parsed_cases(const std::string& text) {
  return parse_simulated_senders(text, "cases", kDomain);
}

SimulatedMessage simulated(const std::string& members, SimulatedSender& sender) {
  const auto senders = parsed_cases("[[case]]\n" + members);
  REQUIRE_MESSAGE(senders, (senders ? "" : senders.error().message));
  REQUIRE(senders->size() == 1);
  sender = senders->front();
  const auto dns = make_test_resolver(kZone, {{"slow._domainkey.example.org", DnsFault::timeout},
                                              {"slow.example", DnsFault::timeout}});
  return simulate(sender, *dns, 0);
}

}  // namespace

TEST_CASE("what would become of a sender") {
  const struct {
    const char* why;
    std::string members;
    const char* spf;
    bool signed_well;
    const char* outcome;
  } rows[] = {
      {"our own server", "client = \"192.0.2.1\"\nmail_from = \"a@example.org\"", "pass", false,
       "pass"},
      {"an included one", "client = \"198.51.100.1\"\nmail_from = \"a@example.org\"", "pass", false,
       "pass"},
      {"its own return address does not align",
       "client = \"198.51.100.1\"\nmail_from = \"b@news.example\"", "pass", false, "reject"},
      {"which a signature of ours heals",
       "client = \"198.51.100.1\"\nmail_from = \"b@news.example\"\n"
       "dkim = \"good._domainkey.example.org\"",
       "pass", true, "pass"},
      {"one of theirs does not", "mail_from = \"b@news.example\"\ndkim = [\"news.example\"]", "",
       true, "reject"},
      {"without a client SPF says nothing", "mail_from = \"a@example.org\"", "", false, "reject"},
      {"a stranger", "client = \"203.0.113.1\"\nmail_from = \"a@example.org\"", "fail", false,
       "reject"},
      {"below the domain sp counts",
       "client = \"203.0.113.1\"\nmail_from = \"a@example.org\"\nfrom = \"a@mx.example.org\"",
       "fail", false, "quarantine"},
      {"of a bounce HELO counts (RFC 7208 section 2.4)",
       "client = \"192.0.2.1\"\nmail_from = \"<>\"\nhelo = \"mx.example.org\"", "pass", false,
       "pass"},
      {"a signature whose key is missing", "dkim = [\"other._domainkey.example.org\"]", "", false,
       "reject"},
      {"revoked", "dkim = [\"revoked._domainkey.example.org\"]", "", false, "reject"},
      {"too short (RFC 8301 section 3.2)", "dkim = [\"short._domainkey.example.org\"]", "", false,
       "reject"},
      {"a key that is not answered for", "dkim = [\"slow._domainkey.example.org\"]", "", false,
       "temperror"},
      {"one good signature of two is enough",
       "dkim = [\"other._domainkey.example.org\", \"good._domainkey.example.org\"]", "", true,
       "pass"},
      {"no policy", "from = \"none.example\"\ndkim = \"example.org\"", "", true, "none"},
      {"t=y is one step lower (RFC 9989 section 4.7)", "from = \"trial.example\"", "", false,
       "quarantine"},
      {"p=none fails and is left alone", "from = \"watch.example\"", "", false, "fail"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    SimulatedSender sender{"", {}, {}, {}, kDomain, {}, {}, {}};
    const SimulatedMessage message = simulated(row.members, sender);
    CHECK((message.spf ? to_string(message.spf->result) : "") == row.spf);
    CHECK(message.signed_well() == row.signed_well);
    CHECK(message.outcome() == row.outcome);
    CHECK(message.undecided() == (std::string(row.outcome) == "temperror"));
  }
}

TEST_CASE("what is expected of a sender") {
  const struct {
    const char* why;
    const char* expect;
    bool fits;
  } rows[] = {
      {"nothing", "", true},
      {"the policy", "expect = \"reject\"", true},
      {"a failure, whatever the policy", "expect = \"fail\"", true},
      {"another policy", "expect = \"quarantine\"", false},
      {"a pass", "expect = \"pass\"", false},
      {"SPF too", "expect = \"reject\"\nexpect_spf = \"fail\"", true},
      {"SPF alone", "expect_spf = \"softfail\"", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    SimulatedSender sender{"", {}, {}, {}, kDomain, {}, {}, {}};
    const SimulatedMessage message = simulated(
        "client = \"203.0.113.1\"\nmail_from = \"a@example.org\"\n" + std::string(row.expect),
        sender);
    CHECK(is_as_expected(sender, message) == row.fits);
  }
}

TEST_CASE("faults of a file of cases are named with their place") {
  const struct {
    const char* text;
    const char* error;
  } rows[] = {
      {"", "cases: has no [[case]]"},
      {"case = 1", "cases:1:8: \"case\" must be written [[case]]"},
      {"[[cases]]\n", "cases:1:1: unknown key \"cases\""},
      {"[[case]]\nclients = \"192.0.2.1\"", "cases:2:11: unknown key \"clients\""},
      {"[[case]]\nclient = \"192.0.2\"", "cases:2:10: \"192.0.2\" is not an IP address"},
      {"[[case]]\nclient = 1", "cases:2:10: \"client\" must be a string"},
      {"[[case]]\nmail_from = \"a b@c d\"", "cases:2:13: \"a b@c d\" is not a mailbox or <>"},
      {"[[case]]\nfrom = \"a@\"", "cases:2:8: \"a@\" is not a domain or a mailbox"},
      {"[[case]]\nexpect_spf = \"good\"",
       "cases:2:14: \"good\" is not a result of SPF (RFC 7208 section 2.6)"},
      {"[[case]]\nexpect = \"good\"",
       "cases:2:10: \"good\" is not pass, fail, none, temperror, permerror, quarantine or reject"},
      {"[[case]]\ndkim = \"-._domainkey.example.org\"",
       "cases:2:8: \"dkim\" lists domains that sign, or names of keys "
       "(\"SELECTOR._domainkey.DOMAIN\")"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto senders = parsed_cases(row.text);
    REQUIRE_FALSE(senders);
    CHECK(senders.error().message == row.error);
  }
}

TEST_CASE("a case without a name has its number") {
  const auto senders =
      parsed_cases("[[case]]\nname = \"ours\"\n[[case]]\nfrom = \"x@Other.example\"");
  REQUIRE(senders);
  CHECK((*senders)[0].name == "ours");
  CHECK((*senders)[0].author_domain == kDomain);
  CHECK((*senders)[1].name == "case 2");
  CHECK((*senders)[1].author_domain.text() == "other.example");
}
