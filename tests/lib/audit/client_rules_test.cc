#include <doctest/doctest.h>

#include "audit/transport_security.h"
#include "judged_servers.h"

using namespace authmilter;
using namespace authmilter::servers;

namespace {

constexpr ServerProtocol kDevicePorts[] = {ServerProtocol::submissions, ServerProtocol::imaps,
                                           ServerProtocol::pop3s,       ServerProtocol::submission,
                                           ServerProtocol::imap,        ServerProtocol::pop3};

ServerFacts closed(ServerProtocol protocol) {
  ServerFacts facts;
  facts.protocol = protocol;
  facts.host = "mx.example.org";
  facts.address = IpAddress::parse("192.0.2.1");
  facts.port = usual_port(protocol);
  facts.trouble = "cannot connect: Connection refused";
  return facts;
}

/// Ports with TLS first; the others are closed.
DomainFacts good_services() {
  DomainFacts facts = domain_with({});
  for (const ServerProtocol protocol : kDevicePorts)
    facts.servers.push_back(begins_with_tls(protocol) ? good(protocol) : closed(protocol));
  return facts;
}

ServerFacts& at(DomainFacts& facts, ServerProtocol protocol) {
  for (ServerFacts& server : facts.servers) {
    if (server.protocol == protocol) return server;
  }
  throw std::invalid_argument("no such server");
}

}  // namespace

TEST_CASE("services for people's devices, each broken in one way") {
  using enum ServerProtocol;
  const made::Chain other({"other.example", {"other.example"}});
  const made::Chain expired({"mx.example.org", {"mx.example.org"}, kNow - 90 * kDay, kNow - kDay});
  const struct {
    const char* why;
    std::function<void(DomainFacts&)> change;
    const char* complaints;
  } rows[] = {
      {"good", [](DomainFacts&) {}, ""},
      {"nothing of a second host was reached",
       [](DomainFacts& f) {
         for (const ServerProtocol protocol : kDevicePorts) {
           f.servers.push_back(closed(protocol));
           f.servers.back().host = "mail2.example.org";
         }
       },
       "client.submissions=unknown client.imaps=unknown client.pop3s=unknown client.plain=unknown "
       "client.tls=unknown client.old=unknown client.cipher=unknown "
       "client.cert=unknown"},
      {"nothing of its IPv6 address was",
       [](DomainFacts& f) {
         f.servers.push_back(closed(imaps));
         f.servers.back().address = IpAddress::parse("2001:db8::1");
       },
       "client.submissions=unknown client.imaps=unknown client.pop3s=unknown client.plain=unknown "
       "client.tls=unknown client.old=unknown client.cipher=unknown "
       "client.cert=unknown"},
      {"no POP3 at all is fine", [](DomainFacts& f) { at(f, pop3s) = closed(pop3s); }, ""},
      {"IMAP in plain text only",
       [](DomainFacts& f) {
         at(f, imaps) = closed(imaps);
         at(f, imap) = good(imap);
       },
       "client.imaps=fail"},
      {"POP3 in plain text only",
       [](DomainFacts& f) {
         at(f, pop3s) = closed(pop3s);
         at(f, pop3) = good(pop3);
       },
       "client.pop3s=fail"},
      {"port 587 only",
       [](DomainFacts& f) {
         at(f, submissions) = closed(submissions);
         at(f, submission) = good(submission);
       },
       "client.submissions=fail"},
      {"port 143 beside 993, without logins before TLS",
       [](DomainFacts& f) { at(f, imap) = good(imap); }, ""},
      {"with logins",
       [](DomainFacts& f) {
         at(f, imap) = good(imap);
         at(f, imap).plain_logins = {"PLAIN"};
       },
       "client.plain=fail"},
      {"Dovecot that is asked from its own host names logins in any case",
       [](DomainFacts& f) {
         at(f, imap) = good(imap);
         at(f, imap).plain_logins = {"PLAIN"};
         at(f, imap).greeting = "* OK Dovecot (Debian) ready.";
         at(f, imap).same_host = true;
       },
       "client.plain=unknown"},
      {"another server does not",
       [](DomainFacts& f) {
         at(f, imap) = good(imap);
         at(f, imap).plain_logins = {"PLAIN"};
         at(f, imap).same_host = true;
       },
       "client.plain=fail"},
      {"port 993 is open, without TLS",
       [](DomainFacts& f) {
         at(f, imaps).versions.clear();
         at(f, imaps).chain.clear();
         at(f, imaps).trouble = "no handshake ended well: the server hung up";
       },
       "client.imaps=fail"},
      {"logins at port 25",
       [](DomainFacts& f) {
         f.servers.push_back(good(submission));
         f.servers.back().port = 25;
         f.servers.back().plain_logins = {"LOGIN"};
       },
       "client.plain=fail"},
      {"logins at port 25 of an MX host",
       [](DomainFacts& f) {
         f.servers.push_back(good(smtp));
         f.servers.back().plain_logins = {"LOGIN"};
       },
       "client.plain=fail"},
      {"TLS 1.0 too",
       [](DomainFacts& f) {
         version_of(at(f, imaps), TlsVersion::tls_1_0).state = OfferState::offered;
       },
       "client.old=warn"},
      {"nothing newer",
       [](DomainFacts& f) {
         version_of(at(f, imaps), TlsVersion::tls_1_1).state = OfferState::offered;
         version_of(at(f, imaps), TlsVersion::tls_1_2).state = OfferState::refused;
         version_of(at(f, imaps), TlsVersion::tls_1_3).state = OfferState::refused;
       },
       "client.tls=fail client.old=warn"},
      {"a cipher without certificates",
       [](DomainFacts& f) {
         kind_of(at(f, pop3s), CipherKind::anonymous).state = OfferState::offered;
       },
       "client.cipher=fail"},
      {"nobody's authority", [](DomainFacts& f) { at(f, imaps).trust = ChainTrust::untrusted; },
       "client.cert=fail"},
      {"another name", [&](DomainFacts& f) { at(f, submissions).chain = other.served(); },
       "client.cert=fail"},
      {"expired", [&](DomainFacts& f) { at(f, pop3s).chain = expired.served(); },
       "client.cert=fail"},
      {"not a certificate", [](DomainFacts& f) { at(f, pop3s).chain = {"MZ"}; },
       "client.cert=fail"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    DomainFacts facts = good_services();
    row.change(facts);
    std::string found = complaints(facts, client_rules());
    // SSLv3 cannot be tried with Debian's library, which each row has.
    const std::size_t at_ssl3 = found.find("client.ssl3=unknown");
    REQUIRE(at_ssl3 != std::string::npos);
    found.erase(at_ssl3, std::string_view("client.ssl3=unknown ").size());
    if (!found.empty() && found.back() == ' ') found.pop_back();
    CHECK(found == row.complaints);
  }
}

TEST_CASE("the measure wants TLS first, and no other way (points 2.3 to 2.5)") {
  using enum ServerProtocol;
  AuditProfile measure = profile();
  measure.prints_measure = true;
  const struct {
    ServerProtocol protocol;
    const char* id;
  } rows[] = {{submission, "client.submissions"}, {imap, "client.imaps"}, {pop3, "client.pop3s"}};
  for (const auto& row : rows) {
    CAPTURE(row.id);
    DomainFacts facts = good_services();
    CHECK(verdicts_of(facts, row.id, measure).at(0).status == CheckStatus::pass);
    at(facts, row.protocol) = good(row.protocol);
    CHECK(verdicts_of(facts, row.id, measure).at(0).status == CheckStatus::fail);
    CHECK(verdicts_of(facts, row.id).at(0).status == CheckStatus::pass);
    // Port 25 is the mail exchanger's.
    at(facts, row.protocol).port = 25;
    CHECK(verdicts_of(facts, row.id, measure).at(0).status == CheckStatus::pass);
  }
}

TEST_CASE("where nobody named a host for devices, these rules say nothing") {
  CHECK(complaints(domain_with({good()}), client_rules()).empty());
  CHECK(verdicts_of(domain_with({good()}), "client.plain").empty());
}

TEST_CASE("webmail by HTTPS alone, and for long") {
  const std::string clear = "http://mail.example.org/";
  const std::string secure = "https://mail.example.org/";
  const FetchFacts redirect{clear, 301, "", true, "", secure, {}, ""};
  const FetchFacts page{secure, 200, "", true, "text/html", "", {"max-age=31536000"}, "mail"};
  const auto with = [](FetchFacts facts, const std::function<void(FetchFacts&)>& change) {
    change(facts);
    return facts;
  };
  const struct {
    const char* why;
    std::vector<FetchFacts> webmail;
    const char* complaints;
  } rows[] = {
      {"good", {redirect, page}, ""},
      {"no webmail", {}, ""},
      {"port 80 is closed",
       {with(redirect,
             [](FetchFacts& f) {
               f.status = 0;
               f.location.clear();
               f.trouble = "Connection refused";
             }),
        page},
       ""},
      {"the page in plain text",
       {with(redirect,
             [](FetchFacts& f) {
               f.status = 200;
               f.location.clear();
             }),
        page},
       "webmail.https=fail"},
      {"a redirection to plain text",
       {with(redirect, [&](FetchFacts& f) { f.location = "http://other.example/"; }), page},
       "webmail.https=fail"},
      {"away from TLS",
       {redirect, with(page,
                       [&](FetchFacts& f) {
                         f.status = 302;
                         f.location = clear;
                       })},
       "webmail.https=fail"},
      {"an error shows nothing",
       {with(redirect,
             [](FetchFacts& f) {
               f.status = 404;
               f.location.clear();
             }),
        page},
       ""},
      {"a certificate that is not good",
       {redirect, with(page,
                       [](FetchFacts& f) {
                         f.certificate_good = false;
                         f.status = 0;
                         f.strict_transport_security.clear();
                       })},
       "webmail.https=fail"},
      {"no answer",
       {redirect, with(page, [](FetchFacts& f) { f.status = 0; })},
       "webmail.https=unknown"},
      {"no HSTS",
       {redirect, with(page, [](FetchFacts& f) { f.strict_transport_security.clear(); })},
       "webmail.hsts=fail"},
      {"max-age=0",
       {redirect, with(page, [](FetchFacts& f) { f.strict_transport_security = {"max-age=0"}; })},
       "webmail.hsts=fail"},
      // RFC 6797 section 8.1.
      {"of two fields the first counts",
       {redirect, with(page,
                       [](FetchFacts& f) {
                         f.strict_transport_security = {"max-age=0", "max-age=9"};
                       })},
       "webmail.hsts=fail"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    DomainFacts facts = domain_with({});
    facts.webmail = row.webmail;
    CHECK(complaints(facts, client_rules()) == row.complaints);
  }
}

TEST_CASE("max-age of Strict-Transport-Security (RFC 6797 section 6.1)") {
  const struct {
    const char* field;
    std::optional<std::uint64_t> age;
  } rows[] = {
      {"max-age=31536000", 31'536'000},
      {"max-age=31536000; includeSubDomains; preload", 31'536'000},
      {"includeSubDomains ; Max-Age = \"9\" ;", 9},
      {"max-age=0", 0},
      {"max-age=99999999999999999999999", UINT64_MAX},
      {"", std::nullopt},
      {"includeSubDomains", std::nullopt},
      {"max-age", std::nullopt},
      {"max-age=", std::nullopt},
      {"max-age=-1", std::nullopt},
      {"max-age=1y", std::nullopt},
      {"max-age=1; max-age=2", std::nullopt},
  };
  for (const auto& row : rows) {
    CAPTURE(row.field);
    CHECK(transport_security_age(row.field) == row.age);
  }
}
