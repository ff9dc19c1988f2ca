#include <doctest/doctest.h>

#include "command/import/import_fixture.h"

using namespace authmilter;
using namespace authmilter::importer;

namespace {

const char* const kOwnSocket = "unix:/var/spool/postfix/authmilter/authmilter.sock";

std::string word(std::optional<Disposition> disposition) {
  return disposition ? std::string(to_string(*disposition)) : "";
}

/// Mode, and what happens for reject, quarantine, temperror, permerror and an SPF failure.
std::string policy_of(const Config& config) {
  const PolicyActions& actions = config.policy.actions;
  if (config.verify.mode == VerifyMode::monitor) return "monitor";
  return fmt::format("{} {} {} {} {}", word(actions.dmarc_reject), word(actions.dmarc_quarantine),
                     word(actions.dmarc_temperror), word(actions.dmarc_permerror),
                     word(actions.spf_fail));
}

}  // namespace

TEST_CASE("sockets") {
  const struct {
    const char* socket;
    const char* umask;
    const char* made;  // empty: the default
    unsigned mode;
    bool warned;
  } rows[] = {
      {"local:/run/opendkim/opendkim.sock", "007", "unix:/run/opendkim/opendkim.sock", 0660, false},
      {"unix:/run/dkim/o.sock", "002", "unix:/run/dkim/o.sock", 0660, false},
      {"/run/dkim/o.sock", "000", "unix:/run/dkim/o.sock", 0666, false},
      {"local:/run/dkim/o.sock", "022", "unix:/run/dkim/o.sock", 0600, false},
      {"local:/run/o.sock", "022", kOwnSocket, 0600, true},
      {"inet:8891@localhost", "007", "inet:8891@localhost", 0660, false},
      {"inet:8891@127.0.0.1", "007", "inet:8891@127.0.0.1", 0660, false},
      {"inet:8891@[127.0.0.1]", "007", "inet:8891@127.0.0.1", 0660, false},
      {"inet6:8891@[::1]", "007", "inet6:8891@[::1]", 0660, false},
      {"inet:8891", "007", "inet:8891@0.0.0.0", 0660, true},
      {"inet6:8891", "007", "inet6:8891@[::]", 0660, true},
      {"inet:8891@mail.example.org", "007", "", 0660, true},
      {"inet:abc@localhost", "007", "", 0660, true},
      {"inet:99999@localhost", "007", "", 0660, true},
      {"local:/run/opendkim/", "007", "", 0660, true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.socket);
    const auto imported =
        import_texts({{"k", fmt::format("Socket {}\nUMask {}\n", row.socket, row.umask)}});
    CHECK(imported.error.empty());
    const auto& made = imported.config.milter;
    CHECK(made.sockets.front().text() ==
          (*row.made == '\0' ? MilterConfig{}.sockets.front().text() : std::string(row.made)));
    CHECK(made.socket_mode == row.mode);
    CHECK(imported.warnings.empty() != row.warned);
  }
}

TEST_CASE("only a directory of the filter's own is given away") {
  const struct {
    const char* socket;
    const char* folder;    // that authmilterd is to own; empty: the socket changes
    bool kept_by_systemd;  // so a tmpfiles.d entry makes it again
  } rows[] = {
      {"local:/run/opendkim/opendkim.sock", "/run/opendkim", true},
      {"local:/var/run/opendkim/opendkim.sock", "/var/run/opendkim", true},
      {"local:/var/spool/postfix/opendkim/opendkim.sock", "/var/spool/postfix/opendkim", false},
      {"local:/var/spool/postfix/dkim/s", "/var/spool/postfix/dkim", false},
      {"local:/run/opendkim.sock", "", false},
      {"local:/var/spool/postfix/opendkim.sock", "", false},
      {"local:/var/spool/postfix/private/opendkim", "", false},
      {"local:/opendkim.sock", "", false},
      {"local:opendkim.sock", "", false},
      {"local:/run/opendkim/../o.sock", "", false},
      {"local:/run/my opendkim/o.sock", "", false},
      {"local:/run/opendkim;reboot/o.sock", "", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.socket);
    const auto imported = import_texts({{"k", fmt::format("Socket {}\n", row.socket)}});
    CHECK(imported.error.empty());
    const std::string folder = row.folder;
    CHECK(has(imported.notes, "chown") != folder.empty());
    CHECK(has(imported.notes, "tmpfiles.d") == row.kept_by_systemd);
    CHECK(imported.warnings.empty() != folder.empty());
    if (folder.empty()) continue;
    CHECK(has(imported.notes,
              fmt::format("\"chown authmilter:postfix {0} && chmod 2750 {0}\"", folder)));
    CHECK(
        has(imported.notes, fmt::format("ReadWritePaths={}\" below a line \"[Service]\"", folder)));
  }
}

TEST_CASE("a socket in a shared directory moves") {
  const auto imported = import_texts({{"k", "Socket local:/var/spool/postfix/opendkim.sock\n"}});
  CHECK(imported.config.milter.sockets.front().text() == kOwnSocket);
  CHECK(imported.warnings.starts_with("k:1 Socket: /var/spool/postfix is not the filter's own"));
  CHECK(has(imported.warnings, "unix:authmilter/authmilter.sock in smtpd_milters"));
}

TEST_CASE("what becomes of a message") {
  const struct {
    const char* why;
    FileTexts files;
    const char* policy;
  } rows[] = {
      {"OpenDKIM alone refuses nothing", {{"k", ""}}, "monitor"},
      {"neither do both by default", {{"k", ""}, {"m", ""}}, "monitor"},
      {"nor OpenDMARC alone", {{"m", "RejectFailures no\n"}}, "monitor"},
      {"holding needs rejecting", {{"m", "HoldQuarantinedMessages yes\n"}}, "monitor"},
      {"rejecting", {{"m", "RejectFailures yes\n"}}, "reject accept tempfail accept accept"},
      {"rejecting and holding",
       {{"m", "RejectFailures yes\nHoldQuarantinedMessages yes\n"}},
       "reject quarantine tempfail accept accept"},
      {"required fields", {{"m", "RequiredHeaders yes\n"}}, "accept accept accept reject accept"},
      {"several authors",
       {{"m", "RejectMultiValueFrom 1\n"}},
       "accept accept accept reject accept"},
      {"a missing key is a temporary failure",
       {{"k", "On-DNSError t\n"}, {"m", "RequiredHeaders yes\n"}},
       "accept accept tempfail reject accept"},
      {"by the default of all",
       {{"k", "On-Default tempfail\n"}, {"m", "RequiredHeaders yes\n"}},
       "accept accept tempfail reject accept"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto imported = import_texts(row.files);
    CHECK(imported.error.empty());
    CHECK(policy_of(imported.config) == row.policy);
  }
}

TEST_CASE("exceptions of OpenDMARC") {
  const auto imported =
      import_texts({{"k", "InternalHosts 127.0.0.1,203.0.113.0/24\n"},
                    {"m", "IgnoreHosts /h\nIgnoreMailFrom Example.COM, .example.org\n"},
                    {"/h", "127.0.0.1\n203.0.113.128/25\n192.0.2.0/24\nmx.example.net\n"}});
  REQUIRE(imported.error.empty());
  const auto& overrides = imported.config.policy.overrides;
  REQUIRE(overrides.size() == 2);
  // What is internal anyway needs no exception.
  CHECK(overrides[0].client == std::vector{*Network::parse("192.0.2.0/24")});
  CHECK(word(overrides[0].actions.dmarc_reject) == "accept");
  CHECK(overrides[1].author_domain == std::vector{*DomainPattern::parse("example.com")});
  CHECK(has(imported.warnings, "/h:4 IgnoreHosts: \"mx.example.net\" is a host's name"));
  CHECK(has(imported.warnings, "m:2 IgnoreMailFrom: \".example.org\" is not a domain name"));
  CHECK(has(imported.notes, "OpenDMARC judged mail from 203.0.113.0/25 too"));
}

TEST_CASE("a widespread installation") {
  const auto imported = import_texts(
      {{"k",
        "AutoRestart Yes\nAutoRestartRate 10/1h\nUMask 002\nSyslog yes\nSyslogSuccess Yes\n"
        "LogWhy Yes\nCanonicalization relaxed/simple\nExternalIgnoreList refile:/TrustedHosts\n"
        "InternalHosts refile:/TrustedHosts\nKeyTable refile:/KeyTable\n"
        "SigningTable refile:/SigningTable\nMode sv\nPidFile /run/opendkim/opendkim.pid\n"
        "SignatureAlgorithm rsa-sha256\nUserID opendkim:opendkim\nSocket inet:12301@localhost\n"
        "OversignHeaders From\n"},
       {"/TrustedHosts", "127.0.0.1\nlocalhost\n192.168.0.1/24\n\n*.example.com\n"},
       {"/KeyTable",
        "mail._domainkey.example.com example.com:mail:/keys/example.com/mail.private\n"},
       {"/SigningTable", "*@example.com mail._domainkey.example.com\n"},
       {"m",
        "AuthservID OpenDMARC\nTrustedAuthservIDs mail.example.com\nRejectFailures true\n"
        "IgnoreAuthenticatedClients true\nRequiredHeaders true\nSPFSelfValidate true\n"
        "Socket local:/var/spool/postfix/opendmarc/opendmarc.sock\nSyslog true\n"}});
  CHECK(imported.error.empty());
  CHECK(imported.config.milter.sockets.front().text() == "inet:12301@localhost");
  CHECK(imported.config.authserv_id == DomainName::parse("host.example"));
  CHECK(imported.config.signing.domains.size() == 1);
  CHECK(policy_of(imported.config) == "reject accept tempfail reject accept");
  std::string settings;
  for (std::size_t at = 0; at < imported.warnings.size();) {
    settings += imported.warnings.substr(at, imported.warnings.find(": ", at) - at) + "; ";
    at = imported.warnings.find('\n', at) + 1;
  }
  CHECK(settings ==
        "/TrustedHosts:3 InternalHosts; /TrustedHosts:5 InternalHosts; m:1 AuthservID; "
        "m:2 TrustedAuthservIDs; m:5 RequiredHeaders; ");
}

TEST_CASE("OpenDMARC alone") {
  const auto imported = import_texts({{"m", "Socket local:/run/opendmarc/m.sock\n"}});
  CHECK(imported.config.internal == std::vector{*Network::parse("127.0.0.1")});
  CHECK(imported.config.milter.sockets.front().text() == "unix:/run/opendmarc/m.sock");
}

TEST_CASE("one name in one results field") {
  const struct {
    const char* why;
    FileTexts files;
    const char* id;
    const char* warning;
  } rows[] = {
      {"the host's", {{"k", "AuthservID HOSTNAME\n"}}, "host.example", ""},
      {"OpenDKIM's", {{"k", "AuthservID mx.a.org\n"}, {"m", ""}}, "mx.a.org", ""},
      {"the same of both",
       {{"k", "AuthservID MX.a.org\n"}, {"m", "AuthservID mx.a.org\n"}},
       "mx.a.org",
       ""},
      {"OpenDMARC's, where OpenDKIM has none",
       {{"k", ""}, {"m", "AuthservID mx.a.org\n"}},
       "mx.a.org",
       ""},
      {"two names",
       {{"k", "AuthservID mx.a.org\n"}, {"m", "AuthservID mx.b.org\n"}},
       "mx.a.org",
       "m:1 AuthservID: there is one results field"},
      {"no name",
       {{"k", "AuthservID mail server\n"}},
       "host.example",
       "k:1 AuthservID: \"mail server\" is not a domain name"},
      {"trusting ourselves",
       {{"k", "AuthservID mx.a.org\n"}, {"m", "TrustedAuthservIDs HOSTNAME, mx.A.org\n"}},
       "mx.a.org",
       ""},
      {"trusting another",
       {{"k", ""}, {"m", "TrustedAuthservIDs HOSTNAME,mx1.a.org\n"}},
       "host.example",
       "m:1 TrustedAuthservIDs: results that mx1.a.org wrote no longer count"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto imported = import_texts(row.files);
    CHECK(imported.error.empty());
    CHECK(imported.config.authserv_id == DomainName::parse(row.id));
    const std::string wanted = row.warning;
    CHECK(imported.warnings.substr(0, wanted.size()) == wanted);
    CHECK(imported.warnings.empty() == wanted.empty());
  }
}

TEST_CASE("defaults of OpenDKIM that are not authmilter's, and limits") {
  const auto by_default = import_texts({{"k", ""}}).config;
  CHECK(by_default.verify.maximum_signatures == 10);
  CHECK(by_default.verify.limits.total_octets == 262144);
  CHECK(by_default.dns.dnssec == DnssecMode::off);
  CHECK(by_default.dns.timeout == std::chrono::seconds(5));

  const auto set =
      import_texts({{"k",
                     "MaximumSignaturesToVerify 15\nMaximumHeaders 0\nMinimumKeyBits 2048\n"
                     "TrustAnchorFile /usr/share/dns/root.key\nDNSTimeout 30\n"
                     "Nameservers 192.0.2.53, ::1\nSyslog yes\n"}});
  CHECK(set.config.verify.maximum_signatures == 15);
  CHECK(set.config.verify.limits.total_octets == 16777216);
  CHECK(set.config.verify.minimum_rsa_bits == 2048);
  CHECK(set.config.dns.dnssec == DnssecMode::automatic);
  CHECK(set.config.dns.trust_anchor.empty());
  CHECK(import_texts({{"k", "TrustAnchorFile /etc/k.anchor\n"}}).config.dns.trust_anchor ==
        "/etc/k.anchor");
  CHECK(set.config.dns.timeout == std::chrono::seconds(30));
  CHECK(set.config.dns.message_timeout == std::chrono::seconds(30));
  CHECK(set.config.dns.nameservers ==
        std::vector{NameServer::parse("192.0.2.53").value(), NameServer::parse("::1").value()});
  CHECK(set.config.log.target == LogTarget::journal);
  CHECK(has(set.configuration, "Syslog: the journal passes the lines on to a syslog daemon"));
  CHECK(has(set.warnings, "k:2 MaximumHeaders: there is always a limit"));
}

TEST_CASE("limits of OpenDKIM that are narrower than authmilter's are left out, and named") {
  const auto imported =
      import_texts({{"k", "MaximumSignaturesToVerify 3\nMaximumHeaders 65536\nDNSTimeout 2\n"}});
  CHECK(imported.config.verify.maximum_signatures == 10);
  CHECK(imported.config.verify.limits.total_octets == 262144);
  CHECK(imported.config.dns.timeout == std::chrono::seconds(5));
  for (const char* name :
       {"k:1 MaximumSignaturesToVerify: 3 would be less than authmilter's default",
        "k:2 MaximumHeaders: 65536 would be less than authmilter's default",
        "k:3 DNSTimeout: 2 would be less than authmilter's default"}) {
    CAPTURE(name);
    CHECK(has(imported.notes, name));
  }
}

TEST_CASE("the text says where it comes from, and hostile names cannot leave their quotes") {
  const auto imported = import_texts({{"k", "Domain a.org\nSelector s\nKeyFile /k\"\\].pem\n"}});
  CHECK(has(imported.configuration, "# k:1\n[[signing.domain]]\ndomain = \"a.org\"\n"));
  CHECK(has(imported.configuration, "file = \"/k\\\"\\\\].pem\""));
}
