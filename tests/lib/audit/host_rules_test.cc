#include <authmilter/audit.h>
#include <authmilter/audit_host.h>

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "audit/postfix_services.h"
#include "audit/tls_protocols.h"
#include "support/temporary_folder.h"

using namespace authmilter;

namespace {

using Settings = std::map<std::string, std::string>;

/// A mail server as contrib/postfix/nukib/ sets it up.
HostFacts good_host() {
  HostFacts host;
  host.name = "mx.example.org";
  host.postfix = {{"mail_version", "3.7.11"},
                  {"queue_directory", "/var/spool/postfix"},
                  {"smtpd_tls_security_level", "may"},
                  {"smtpd_tls_chain_files", "/etc/postfix/mx.pem"},
                  {"smtp_tls_security_level", "dane"},
                  {"smtp_dns_support_level", "dnssec"},
                  {"smtp_host_lookup", "dns"},
                  {"smtpd_tls_protocols", ">=TLSv1.2"},
                  {"smtpd_tls_mandatory_protocols", ">=TLSv1.2"},
                  {"smtp_tls_protocols", ">=TLSv1.2"},
                  {"smtp_tls_mandatory_protocols", ">=TLSv1.2"},
                  {"smtpd_tls_auth_only", "yes"},
                  {"smtpd_sasl_auth_enable", "no"},
                  {"smtpd_milters", "unix:/run/authmilter/authmilter.sock"},
                  {"non_smtpd_milters", "$smtpd_milters, unix:/run/authmilter/authmilter.sock"},
                  {"milter_default_action", "tempfail"},
                  {"smtpd_forbid_bare_newline", "normalize"}};
  host.postfix_version = "3.7.11";
  host.postfix_services = {"smtp inet n - y - - smtpd",
                           "submissions inet n - y - - smtpd -o syslog_name=postfix/submissions -o "
                           "smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes",
                           "smtp unix - - y - - smtp"};
  host.name_servers = {"127.0.0.1"};
  host.signed_name = "iana.org";
  host.signed_name_fault = DnsFault::none;
  host.signed_name_secure = true;
  host.bogus_name = "dnssec-failed.org";
  host.bogus_name_fault = DnsFault::servfail;
  host.authmilter = {{"milter.socket", "unix:/run/authmilter/authmilter.sock"},
                     {"network.internal", "[\"127.0.0.0/8\", \"::1/128\"]"},
                     {"verify.mode", "enforce"},
                     {"verify.minimum_rsa_bits", "1024"},
                     {"policy.spf_fail", "tag"},
                     {"policy.dmarc_reject", "reject"},
                     {"policy.dmarc_quarantine", "quarantine"},
                     {"policy.dmarc_temperror", "tempfail"},
                     {"signing.minimum_rsa_bits", "2048"},
                     {"signing.signing_table", ""},
                     {"signing.domains", "example.net, example.org"}};
  return host;
}

std::vector<Verdict> verdicts(const char* id, const HostFacts* host,
                              const AuditProfile& profile = {}) {
  const AuditRule* rule = find_audit_rule(id);
  REQUIRE(rule != nullptr);
  const DomainFacts facts{DomainName::parse("example.org").value()};
  FactsResolver dns(facts.dns);
  return rule->judge({facts, dns, host, profile, 0});
}

/// The worst of the rule's verdicts, and its words; "none" where the rule does not apply.
std::string worst(const char* id, const HostFacts* host, const AuditProfile& profile = {}) {
  const auto all = verdicts(id, host, profile);
  if (all.empty()) return "none";
  CheckStatus status = CheckStatus::pass;
  for (const Verdict& verdict : all) status = worse(status, verdict.status);
  for (const Verdict& verdict : all) {
    CHECK_FALSE(verdict.evidence.empty());
    CHECK(verdict.remedy.empty() == (verdict.status == CheckStatus::pass));
  }
  return std::string(to_string(status));
}

}  // namespace

TEST_CASE("a good mail server passes all that is looked at on it") {
  const HostFacts host = good_host();
  for (const AuditRule& rule : host_rules()) {
    const std::string id(rule.id);
    CAPTURE(id);
    CHECK(worst(id.c_str(), &host) == "pass");
  }
}

TEST_CASE("elsewhere no rule of the host applies") {
  for (const AuditRule& rule : host_rules()) {
    const std::string id(rule.id);
    CAPTURE(id);
    CHECK(worst(id.c_str(), nullptr) == "none");
  }
}

TEST_CASE("a Postfix that cannot be asked is not known") {
  HostFacts host;
  host.postfix_trouble = "/usr/sbin/postconf: failed";
  CHECK(worst("postfix.dane", &host) == "unknown");
  CHECK(verdicts("postfix.dane", &host)[0].evidence == "/usr/sbin/postconf: failed");
}

TEST_CASE("settings of Postfix that are not as they should be") {
  const struct {
    const char* why;
    const char* id;
    Settings changes;
    const char* status;
  } rows[] = {
      {"TLS is not offered", "postfix.tls_in", {{"smtpd_tls_security_level", ""}}, "fail"},
      {"nor with none", "postfix.tls_in", {{"smtpd_tls_security_level", "none"}}, "fail"},
      {"the old setting will do",
       "postfix.tls_in",
       {{"smtpd_tls_security_level", ""}, {"smtpd_use_tls", "yes"}},
       "pass"},
      {"RFC 3207 section 4: a public server must not require it",
       "postfix.tls_in",
       {{"smtpd_tls_security_level", "encrypt"}},
       "warn"},
      {"without a certificate it is not offered",
       "postfix.tls_in",
       {{"smtpd_tls_chain_files", ""}, {"smtpd_tls_cert_file", "none"}},
       "fail"},
      {"a certificate by the older setting",
       "postfix.tls_in",
       {{"smtpd_tls_chain_files", ""}, {"smtpd_tls_cert_file", "/etc/x.pem"}},
       "pass"},
      {"mail goes in the clear", "postfix.tls_out", {{"smtp_tls_security_level", ""}}, "fail"},
      {"opportunistic TLS", "postfix.tls_out", {{"smtp_tls_security_level", "may"}}, "pass"},
      {"the default of Postfix 3.6 allows TLS 1.0",
       "postfix.protocols",
       {{"smtpd_tls_protocols", ">=TLSv1"}},
       "warn"},
      {"the default before",
       "postfix.protocols",
       {{"smtp_tls_protocols", "!SSLv2, !SSLv3"}},
       "warn"},
      {"SSLv3", "postfix.ssl3", {{"smtp_tls_protocols", "!SSLv2"}}, "fail"},
      {"all that there is", "postfix.ssl3", {{"smtp_tls_protocols", ""}}, "fail"},
      {"nothing that is current",
       "postfix.tls12",
       {{"smtpd_tls_protocols", "TLSv1 TLSv1.1"}},
       "fail"},
      {"TLS 1.3 alone is enough",
       "postfix.tls12",
       {{"smtpd_tls_mandatory_protocols", "TLSv1.3"}},
       "pass"},
      {"no DANE", "postfix.dane", {{"smtp_tls_security_level", "may"}}, "fail"},
      {"DANE that takes no answer for validated",
       "postfix.dane",
       {{"smtp_dns_support_level", "enabled"}},
       "fail"},
      {"hosts of /etc/hosts alone", "postfix.dane", {{"smtp_host_lookup", "native"}}, "fail"},
      {"both", "postfix.dane", {{"smtp_host_lookup", "native, dns"}}, "pass"},
      {"nothing but DANE", "postfix.dane", {{"smtp_tls_security_level", "dane-only"}}, "pass"},
      {"authmilter is not asked", "postfix.milter", {{"smtpd_milters", ""}}, "fail"},
      {"another milter is", "postfix.milter", {{"smtpd_milters", "inet:127.0.0.1:8891"}}, "fail"},
      {"of this host's programs' mail it is not",
       "postfix.milter",
       {{"non_smtpd_milters", ""}},
       "warn"},
      {"forgeries come in while it is away",
       "postfix.milter",
       {{"milter_default_action", "accept"}},
       "warn"},
      {"a milter with settings of its own",
       "postfix.milter",
       {{"smtpd_milters",
         "{ unix:/run/authmilter/authmilter.sock, default_action=tempfail }, inet:127.0.0.1:1"}},
       "pass"},
      {"CVE-2023-51764", "postfix.bare_newline", {{"smtpd_forbid_bare_newline", "no"}}, "fail"},
      {"it is only written down",
       "postfix.bare_newline",
       {{"smtpd_forbid_bare_newline", "note"}},
       "fail"},
      {"as 3.8.4 had it", "postfix.bare_newline", {{"smtpd_forbid_bare_newline", "yes"}}, "pass"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    HostFacts host = good_host();
    for (const auto& [name, value] : row.changes) host.postfix[name] = value;
    CHECK(worst(row.id, &host) == row.status);
  }
  HostFacts old = good_host();
  old.postfix.erase("smtpd_forbid_bare_newline");
  CHECK(worst("postfix.bare_newline", &old) == "fail");
}

TEST_CASE("old TLS that is allowed fails where the profile says so") {
  HostFacts host = good_host();
  host.postfix["smtpd_tls_protocols"] = ">=TLSv1.1";
  AuditProfile profile;
  CHECK(worst("postfix.protocols", &host, profile) == "warn");
  profile.old_tls_fails = true;
  CHECK(worst("postfix.protocols", &host, profile) == "fail");
  profile.oldest_tls = TlsVersion::tls_1_1;
  CHECK(worst("postfix.protocols", &host, profile) == "pass");
}

TEST_CASE("sockets are the same in whatever notation") {
  const struct {
    const char* ours;
    const char* theirs;
    const char* status;
  } rows[] = {
      {"unix:/var/spool/postfix/authmilter/a.sock", "unix:authmilter/a.sock", "pass"},
      {"local:/run/a.sock", "unix:/run/a.sock", "pass"},
      {"inet:8891@127.0.0.1", "inet:127.0.0.1:8891", "pass"},
      {"inet:8891@127.0.0.1", "inet:localhost:8891", "pass"},
      {"inet6:8891@[::1]", "inet:[::1]:8891", "pass"},
      {"inet:8891@127.0.0.1", "inet:127.0.0.1:8892", "fail"},
      {"[\"unix:/run/a.sock\", \"inet:8891@127.0.0.1\"]", "inet:127.0.0.1:8891", "pass"},
      {"unix:/run/a.sock", "unix:/run/b.sock", "fail"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.ours);
    CAPTURE(row.theirs);
    HostFacts host = good_host();
    host.authmilter["milter.socket"] = row.ours;
    host.postfix["smtpd_milters"] = host.postfix["non_smtpd_milters"] = row.theirs;
    CHECK(worst("postfix.milter", &host) == row.status);
  }
  HostFacts without = good_host();
  without.authmilter.clear();
  CHECK(worst("postfix.milter", &without) == "none");
}

TEST_CASE("services by which people send (2.3)") {
  const std::string smtps = "smtps inet n - y - - smtpd -o smtpd_tls_wrappermode=yes";
  const struct {
    const char* why;
    std::vector<std::string> services;
    Settings changes;
    const char* status;
  } rows[] = {
      {"no users here", {"smtp inet n - y - - smtpd"}, {}, "pass"},
      {"465 does not begin with TLS", {"465 inet n - y - - smtpd"}, {}, "fail"},
      {"by its old name", {smtps}, {}, "pass"},
      {"on one address",
       {"192.0.2.1:465 inet n - y - - smtpd -o { smtpd_tls_wrappermode = yes }"},
       {},
       "pass"},
      {"587 with STARTTLS beside it",
       {smtps,
        "submission inet n - y - - smtpd -o smtpd_tls_security_level=encrypt -o "
        "smtpd_sasl_auth_enable=yes"},
       {},
       "warn"},
      {"587 alone",
       {"submission inet n - y - - smtpd -o smtpd_tls_security_level=encrypt -o "
        "smtpd_sasl_auth_enable=yes"},
       {},
       "fail"},
      {"passwords in the clear",
       {smtps, "submission inet n - y - - smtpd -o smtpd_sasl_auth_enable=yes"},
       {{"smtpd_tls_auth_only", "no"}},
       "fail"},
      {"people on port 25",
       {smtps, "smtp inet n - y - - smtpd"},
       {{"smtpd_sasl_auth_enable", "yes"}},
       "warn"},
      {"people on port 25, in the clear",
       {smtps, "smtp inet n - y - 1 postscreen"},
       {{"smtpd_sasl_auth_enable", "yes"}, {"smtpd_tls_auth_only", "no"}},
       "fail"},
      {"a port that is none of these", {"2525 inet n - y - - smtpd"}, {}, "none"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    HostFacts host = good_host();
    host.postfix_services = row.services;
    for (const auto& [name, value] : row.changes) host.postfix[name] = value;
    CHECK(worst("postfix.submission", &host) == row.status);
  }
}

TEST_CASE("the resolver of this host (1.5)") {
  using enum DnsFault;
  const struct {
    const char* why;
    DnsFault signed_fault;
    bool secure;
    DnsFault bogus_fault;
    const char* status;
  } rows[] = {
      {"it validates", none, true, servfail, "pass"},
      {"it says nothing of that", none, false, servfail, "fail"},
      {"it lets a wrong signature through", none, true, none, "fail"},
      {"it does neither", none, false, none, "fail"},
      {"it is silent", timeout, false, timeout, "unknown"},
      {"it is silent about the bogus name alone", none, true, timeout, "unknown"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    HostFacts host = good_host();
    host.signed_name_fault = row.signed_fault;
    host.signed_name_secure = row.secure;
    host.bogus_name_fault = row.bogus_fault;
    CHECK(worst("resolver.validates", &host) == row.status);
  }
  HostFacts not_asked = good_host();
  not_asked.signed_name_fault = not_asked.bogus_name_fault = std::nullopt;
  CHECK(worst("resolver.validates", &not_asked) == "none");
}

TEST_CASE("where the resolver is (1.5)") {
  const struct {
    const char* server;
    const char* status;
  } rows[] = {
      {"127.0.0.1", "pass"},    {"127.0.0.53", "pass"},    {"::1", "pass"},
      {"192.168.1.1", "pass"},  {"10.0.0.1@5353", "pass"}, {"fd00::1", "pass"},
      {"fe80::1%eth0", "pass"}, {"8.8.8.8", "warn"},       {"2001:4860:4860::8888", "warn"}};
  AuditProfile measure;
  measure.prints_measure = true;
  for (const auto& row : rows) {
    CAPTURE(row.server);
    HostFacts host = good_host();
    host.name_servers = {"127.0.0.1", row.server};
    CHECK(worst("resolver.local", &host) == row.status);
    // Whether a tunnel protects the way cannot be seen: the point stays open.
    const bool warns = row.status == std::string_view("warn");
    CHECK(worst("resolver.local", &host, measure) == (warns ? "unknown" : row.status));
  }
}

TEST_CASE("settings of authmilter that are not as they should be (3.2, 3.4 to 3.6)") {
  const struct {
    const char* why;
    const char* id;
    Settings changes;
    const char* status;
  } rows[] = {
      {"SPF that fails comes in unmarked",
       "authmilter.spf",
       {{"policy.spf_fail", "accept"}},
       "fail"},
      {"it is refused", "authmilter.spf", {{"policy.spf_fail", "reject"}}, "pass"},
      {"nothing is done", "authmilter.spf", {{"verify.mode", "monitor"}}, "fail"},
      {"everybody is ours", "authmilter.spf", {{"network.internal", "[\"0.0.0.0/0\"]"}}, "fail"},
      {"everybody is ours by IPv6",
       "authmilter.dmarc",
       {{"network.internal", "[\"::/0\"]"}},
       "fail"},
      {"DKIM is verified all the same", "authmilter.dkim", {{"verify.mode", "monitor"}}, "pass"},
      {"forgeries come in", "authmilter.dmarc", {{"policy.dmarc_reject", "accept"}}, "fail"},
      {"those to be quarantined do",
       "authmilter.dmarc",
       {{"policy.dmarc_quarantine", "accept"}},
       "fail"},
      {"they are marked", "authmilter.dmarc", {{"policy.dmarc_quarantine", "tag"}}, "pass"},
      {"they come in while the DNS is away",
       "authmilter.dmarc",
       {{"policy.dmarc_temperror", "accept"}},
       "warn"},
      {"another host may sign", "authmilter.signing", {{"signing.domains", "example.net"}}, "warn"},
      {"no domain is signed", "authmilter.signing", {{"signing.domains", ""}}, "warn"},
      {"a domain above, with those below it",
       "authmilter.signing",
       {{"signing.domains", ".org"}},
       "pass"},
      {"a domain above, alone", "authmilter.signing", {{"signing.domains", "org"}}, "warn"},
      {"a table decides",
       "authmilter.signing",
       {{"signing.domains", ""}, {"signing.signing_table", "/etc/t"}},
       "unknown"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    HostFacts host = good_host();
    for (const auto& [name, value] : row.changes) host.authmilter[name] = value;
    CHECK(worst(row.id, &host) == row.status);
  }
  HostFacts without = good_host();
  without.authmilter.clear();
  for (const char* id :
       {"authmilter.spf", "authmilter.dkim", "authmilter.dmarc", "authmilter.signing"})
    CHECK(worst(id, &without) == "none");
}

TEST_CASE("a domain that a table has a key for is signed here") {
  HostFacts host = good_host();
  host.authmilter["signing.domains"] = "";
  host.authmilter["signing.signing_table"] = "/etc/t";
  DomainFacts facts{DomainName::parse("example.org").value()};
  facts.selectors = {{"a", SelectorOrigin::given, ""}, {"b", SelectorOrigin::configured, "p"}};
  FactsResolver dns(facts.dns);
  const AuditProfile profile;
  const auto verdicts =
      find_audit_rule("authmilter.signing")->judge({facts, dns, &host, profile, 0});
  REQUIRE(verdicts.size() == 1);
  CHECK(verdicts[0].status == CheckStatus::pass);
}

TEST_CASE("versions of TLS as Postfix lists them") {
  using enum TlsVersion;
  using Versions = std::set<TlsVersion>;
  const struct {
    const char* list;
    Versions allowed;
  } rows[] = {
      {"", {ssl_3, tls_1_0, tls_1_1, tls_1_2, tls_1_3}},
      {">=TLSv1.2", {tls_1_2, tls_1_3}},
      {">=tlsv1.2, <=TLSv1.2", {tls_1_2}},
      {">=0303", {tls_1_2, tls_1_3}},
      {"!SSLv2, !SSLv3", {tls_1_0, tls_1_1, tls_1_2, tls_1_3}},
      {"!SSLv2:!SSLv3:!TLSv1 !TLSv1.1", {tls_1_2, tls_1_3}},
      {"TLSv1.2 TLSv1.3", {tls_1_2, tls_1_3}},
      {"TLSv1.2, !TLSv1.2", {}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.list);
    CHECK(postfix_tls_versions(row.list) == row.allowed);
  }
}

TEST_CASE("settings are read as postconf and --print-config print them") {
  const auto postfix =
      parse_postconf("smtp_tls_security_level = dane\nrelayhost =\n# x = y\nbroken\n");
  CHECK(postfix == Settings{{"smtp_tls_security_level", "dane"}, {"relayhost", ""}});
  const auto ours = configuration_settings(
      "[verify]\nmode = \"enforce\"\nminimum_rsa_bits = 1024\n\n[[signing.domain]]\ndomain = "
      "\"example.org\"\n\n[policy]\nspf_fail = \"tag\"\n");
  CHECK(ours == Settings{{"verify.mode", "enforce"},
                         {"verify.minimum_rsa_bits", "1024"},
                         {"policy.spf_fail", "tag"}});
}

TEST_CASE("postconf is started, and what it prints is read") {
  const TemporaryFolder folder;
  const auto program =
      folder.write("postconf",
                   "#!/bin/sh\ncase $1 in\n-x) echo 'mail_version = 3.9.0'; echo 'relayhost =';;\n"
                   "-M) echo 'smtp inet n - y - - smtpd';;\nesac\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  HostQuestions questions;
  questions.postconf = program.string();
  questions.resolv_conf = folder.write("resolv.conf", "nameserver 192.0.2.53\n").string();
  const HostFacts facts = gather_host(questions);
  CHECK(facts.postfix_version == "3.9.0");
  CHECK(facts.postfix_services == std::vector<std::string>{"smtp inet n - y - - smtpd"});
  CHECK(facts.postfix_trouble.empty());
  CHECK(facts.name_servers == std::vector<std::string>{"192.0.2.53"});
  CHECK_FALSE(facts.signed_name_fault);
  questions.postconf = (folder.path() / "none").string();
  const HostFacts nothing = gather_host(questions);
  CHECK(nothing.postfix.empty());
  CHECK(nothing.postfix_trouble.empty());
  CHECK(nothing.name_servers.empty());
}
