#include <authmilter/audit.h>
#include <authmilter/audit_profile.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "support/temporary_folder.h"

using namespace authmilter;

TEST_CASE("the profiles that are built in") {
  const AuditProfile* usual = built_in_profile("default");
  REQUIRE(usual != nullptr);
  CHECK(usual->name == "default");
  CHECK_FALSE(usual->prints_measure);
  CHECK(usual->dkim_rsa_bits == 2048);
  CHECK(usual->certificate_warn_days == 30);
  // RFC 8624 section 3.1: RSASHA1 is not to be signed with.
  CHECK(std::count(usual->weak_dnssec_algorithms.begin(), usual->weak_dnssec_algorithms.end(),
                   5U) == 1);
  const AuditProfile* measure = built_in_profile("nukib");
  REQUIRE(measure != nullptr);
  CHECK(measure->prints_measure);
  CHECK(measure->dkim_rsa_bits == 2048);
  CHECK(measure->dkim_rsa_bits_warn == 3072);
  CHECK_FALSE(measure->old_tls_fails);
  // Point 3.3: by RFC 9989 section 4.7 p=quarantine with t=y asks for nothing.
  CHECK(std::count(measure->failing_rules.begin(), measure->failing_rules.end(), "dmarc.testing") ==
        1);
  // What it does not name is as in the default.
  CHECK(measure->spf_lookups_warn == usual->spf_lookups_warn);
  const AuditProfile* strict = built_in_profile("strict");
  REQUIRE(strict != nullptr);
  CHECK(strict->old_tls_fails);
  CHECK_FALSE(strict->prints_measure);
  CHECK(built_in_profile("other") == nullptr);
}

TEST_CASE("rules that a profile names are there") {
  if (audit_rules().empty()) return;
  for (const char* name : {"default", "strict", "nukib"}) {
    for (const std::string& id : built_in_profile(name)->failing_rules) {
      CAPTURE(id);
      CHECK(find_audit_rule(id) != nullptr);
    }
  }
}

TEST_CASE("a profile of one's own") {
  const TemporaryFolder folder;
  const auto path = folder.write("ours.toml",
                                 "title = \"Ours\"\n"
                                 "[dkim]\nrsa_bits = 4096\n"
                                 "[tls]\noldest = \"TLS 1.3\"\nold_fails = true\n"
                                 "failing_ciphers = [\"cbc-sha1\"]\n"
                                 "[dnssec]\nweak_algorithms = [8]\n");
  const auto profile = read_audit_profile(path.string());
  REQUIRE(profile);
  CHECK(profile->name == "ours");
  CHECK(profile->title == "Ours");
  CHECK(profile->dkim_rsa_bits == 4096);
  CHECK(profile->oldest_tls == TlsVersion::tls_1_3);
  CHECK(profile->old_tls_fails);
  CHECK(profile->failing_ciphers == std::vector{CipherKind::cbc_sha1});
  CHECK(profile->weak_dnssec_algorithms == std::vector{8U});
  CHECK(profile->certificate_rsa_bits == 2048);
}

TEST_CASE("what is wrong in a profile is an error with its place") {
  const struct {
    const char* why;
    const char* text;
    const char* error;
  } rows[] = {
      {"a key that is misspelt would leave the floor at the default", "[dkim]\nrsa_bit = 4096\n",
       ":2:1: unknown key \"dkim.rsa_bit\""},
      {"an unknown table", "[spamassassin]\nx = 1\n", "unknown key \"spamassassin\""},
      {"an unknown key at the top", "prints = true\n", ":1:1: unknown key \"prints\""},
      {"a wrong type", "[dkim]\nrsa_bits = \"2048\"\n", "must be an integer"},
      {"a floor that is none", "[dkim]\nrsa_bits = 512\n", "512 is outside 1024 to"},
      {"a version that is none", "[tls]\noldest = \"1.2\"\n", "\"1.2\" is none of"},
      {"a cipher that is none", "[tls]\nfailing_ciphers = [\"des\"]\n", "\"des\" is none of"},
      {"a rule that is none", "failing_rules = [\"spf.nothing\"]\n",
       "\"spf.nothing\" is the id of no rule"},
      {"no TOML", "title = \n", ":1:"},
      {"a table where a value is meant", "[title]\nx = 1\n", "must be a string, not a table"},
  };
  const TemporaryFolder folder;
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto profile = read_audit_profile(folder.write("p.toml", row.text).string());
    REQUIRE_FALSE(profile);
    CAPTURE(profile.error().message);
    CHECK(profile.error().message.find(row.error) != std::string::npos);
    CHECK(profile.error().message.starts_with(folder.path().string()));
  }
  CHECK_FALSE(read_audit_profile((folder.path() / "none.toml").string()));
}
