#include <algorithm>

#include <doctest/doctest.h>

#include "command/import/import_fixture.h"

using namespace authmilter;
using namespace authmilter::importer;

namespace {

/// "example.com+ s1=/a.pem s2=/b.pem; ...", "+" with subdomains.
std::string plan_of(const Config& config) {
  std::string out;
  for (const auto& domain : config.signing.domains) {
    if (!out.empty()) out += "; ";
    out += domain.domain.text() + (domain.subdomains ? "+" : "");
    for (const auto& key : domain.keys)
      out += fmt::format(" {}={}", key.selector.text(), key.source.text);
  }
  return out;
}

const char* const kKeys =
    "a example.com:sa:/a.pem\n"
    "b example.com:sb:/b.pem\n"
    "n example.net:sn:/n.pem\n"
    "any %:s:/any.pem\n"
    "each %:s:/keys/%/s.pem\n"
    "inline example.com:si:MIIEogIBAAKCAQ\n"
    "short example.com:sx\n";

FileTexts tables(const std::string& kind, const std::string& table, const std::string& more = "") {
  return {
      {"k", "KeyTable /kt\nSigningTable " + kind + "/st\n" + more}, {"/kt", kKeys}, {"/st", table}};
}

}  // namespace

TEST_CASE("Domain, Selector and KeyFile") {
  const struct {
    const char* why;
    const char* text;
    const char* plan;
    const char* warning;
  } rows[] = {
      {"one domain", "Domain Example.COM\nSelector S\nKeyFile /k.pem", "example.com s=/k.pem", ""},
      {"with those below", "Domain example.com\nSubDomains yes\nSelector s\nKeyFile /k.pem",
       "example.com+ s=/k.pem", ""},
      {"several with one key", "Domain example.com, example.net\nSelector s\nKeyFile /k.pem",
       "example.com s=/k.pem; example.net s=/k.pem", ""},
      {"one domain twice", "Domain a.org,A.org,a.org.\nSelector s\nKeyFile /k", "a.org s=/k", ""},
      {"no selector's name", "Domain a.org\nSelector a..b\nKeyFile /k", "",
       "k:1 Domain: \"a..b\" is not a selector"},
      {"no file's name", "Domain a.org\nSelector s\nKeyFile /k\x01", "",
       "k:1 Domain: \"s\" is not a selector, or its file has no usable name"},
      {"nor in Latin-1", "Domain a.org\nSelector s\nKeyFile /k\xff", "",
       "k:1 Domain: \"s\" is not a selector, or its file has no usable name"},
      {"but in UTF-8", "Domain a.org\nSelector s\nKeyFile /\xc3\xbc", "a.org s=/\xc3\xbc", ""},
      {"a relative file", "Domain a.org\nSelector s\nKeyFile k.pem", "a.org s=/k.pem", ""},
      {"below the base", "Domain a.org\nSelector s\nKeyFile ./k.pem\nBaseDirectory /etc/dkim",
       "a.org s=/etc/dkim/k.pem", ""},
      {"a verifier", "Mode v\nDomain a.org\nSelector s\nKeyFile /k.pem", "", ""},
      {"a signer only", "Mode s\nDomain a.org\nSelector s\nKeyFile /k.pem", "a.org s=/k.pem",
       "k:1 Mode: mail from outside is always examined"},
      {"no selector", "Domain a.org\nKeyFile /k.pem", "",
       "k:1 Domain: Domain, Selector and KeyFile"},
      {"no key", "Selector s", "", "k:1 Selector: Domain, Selector and KeyFile"},
      {"no domain name", "Domain a..org\nSelector s\nKeyFile /k", "",
       "k:1 Domain: \"a..org\" is no"},
      {"a wildcard", "Domain *\nSelector s\nKeyFile /k", "",
       "k:1 Domain: \"*\" is not a domain name"},
      {"domains in SQL", "Domain dsn:x\nSelector s\nKeyFile /k", "", "k:1 Domain: data sets of"},
      {"a table alone", "KeyTable /kt", "", "k:1 KeyTable: KeyTable and SigningTable"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto imported = import_texts({{"k", row.text}, {"/kt", ""}});
    CHECK(imported.error.empty());
    CHECK(plan_of(imported.config) == row.plan);
    const std::string wanted = row.warning;
    CHECK(imported.warnings.substr(0, wanted.size()) == wanted);
    CHECK(imported.warnings.empty() == wanted.empty());
  }
}

TEST_CASE("KeyTable and SigningTable (opendkim.conf(5), SigningTable)") {
  const std::string re = "refile:";
  const std::string file;
  const std::string all = "MultipleSignatures yes\n";
  const struct {
    const char* why;
    FileTexts files;
    const char* plan;
    const char* warning;  // the first one, empty for none
  } rows[] = {
      {"a domain", tables(re, "*@example.com a"), "example.com sa=/a.pem", ""},
      {"and those below", tables(re, "*@example.com a\n*@*.example.com a"),
       "example.com+ sa=/a.pem", ""},
      {"comments and case", tables(re, "# x\n*@EXAMPLE.com  A # y\n"), "example.com sa=/a.pem", ""},
      {"the same in a file", tables(file, "example.com a\n.example.com a"),
       "example.com+ sa=/a.pem", ""},
      {"the file by its name", tables("file:", "example.com a"), "example.com sa=/a.pem", ""},
      {"one key for several domains", tables(re, "*@a.org any\n*@b.org any"),
       "a.org s=/any.pem; b.org s=/any.pem", ""},
      {"a file for each domain", tables(re, "*@a.org each"), "a.org s=/keys/a.org/s.pem", ""},
      {"two keys", tables(re, "*@example.com a\n*@example.com b", all),
       "example.com sa=/a.pem sb=/b.pem", ""},
      {"only the first match counts", tables(re, "*@example.com a\n*@example.com b"),
       "example.com sa=/a.pem", ""},
      {"a user with the domain's key is nothing new",
       tables(re, "joe@example.com a\n*@example.com a"), "example.com sa=/a.pem", ""},
      {"a user with a key of its own", tables(re, "joe@example.com b\n*@example.com a"),
       "example.com sa=/a.pem", "/st:1 SigningTable: \"joe@example.com\" had a key of its own"},
      {"in a file, too", tables(file, "example.com a\njoe@example.com b"), "example.com sa=/a.pem",
       "/st:2 SigningTable: \"joe@example.com\" had a key of its own"},
      {"a user alone does not make its domain sign", tables(re, "joe@example.com a"), "",
       "/st:1 SigningTable: only \"joe@example.com\" was signed for"},
      {"a user of every domain", tables(re, "joe@* a"), "",
       "/st:1 SigningTable: only \"joe@*\" was signed for"},
      {"users by a pattern", tables(re, "info*@example.com a"), "",
       "/st:1 SigningTable: only \"info*@example.com\" was signed for"},
      {"only below: the domain itself is signed too", tables(re, "*@*.example.com a"),
       "example.com+ sa=/a.pem", "/st:1 SigningTable: mail of example.com is signed too"},
      {"one name below: all of them are", tables(re, "*@mail.example.com a\n*@example.com a"),
       "example.com+ sa=/a.pem",
       "/st:2 SigningTable: mail of domains below example.com is signed too"},
      {"another key below", tables(re, "*@example.com a\n*@*.example.com b"),
       "example.com+ sa=/a.pem",
       "/st:2 SigningTable: mail of domains below example.com was signed with d=example.com s=sb"},
      {"in another's name", tables(re, "*@example.org n"), "",
       "/st:1 SigningTable: mail of example.org was signed with d=example.net"},
      {"each name below in its own name", tables(re, "*@*.a.org any"), "",
       "/st:1 SigningTable: each domain below a.org signed with its own name"},
      {"everybody with one key: its own domain is kept", tables(re, "* n"),
       "example.net+ sn=/n.pem", "/st:1 SigningTable: \"*\" signed for any domain"},
      {"with more stars than needed", tables(re, "**@* n"), "example.net+ sn=/n.pem",
       "/st:1 SigningTable: \"**@*\" signed for any domain"},
      {"everybody in his own name", tables(re, "*@* any"), "",
       "/st:1 SigningTable: \"*@*\" signed"},
      {"a star without a dot", tables(re, "*@*example.com a"), "example.com+ sa=/a.pem",
       "/st:1 SigningTable: \"*@*example.com\" matched every domain that ends so"},
      {"a star in the middle", tables(re, "*@mail.*.example.com a"), "",
       "/st:1 SigningTable: \"*@mail.*.example.com\" cannot be expressed"},
      {"no wildcards outside of refile:", tables(file, "*@example.com a"), "",
       "/st:1 SigningTable: \"*@example.com\" has never matched"},
      {"refile: compares whole addresses", tables(re, "example.com a"), "",
       "/st:1 SigningTable: \"example.com\" has never matched"},
      {"a signer for i=", tables(re, "*@example.com a:joe@example.com"), "example.com sa=/a.pem",
       "/st:1 SigningTable: no i= tag is written"},
      {"a key that is not there", tables(re, "*@example.com zzz"), "",
       "/st:1 SigningTable: key \"zzz\" is not in the KeyTable"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto imported = import_texts(row.files);
    CHECK(imported.error.empty());
    CHECK(plan_of(imported.config) == row.plan);
    // These two are in every table here.
    CHECK(has(imported.warnings, "/kt:6 KeyTable: \"inline\" is a key in place of a file"));
    CHECK(has(imported.warnings,
              "/kt:7 KeyTable: \"short\" is not of the form DOMAIN:SELECTOR:FILE"));
    std::string rest;
    for (std::size_t at = 0; at < imported.warnings.size();) {
      const std::size_t end = imported.warnings.find('\n', at) + 1;
      if (!imported.warnings.substr(at).starts_with("/kt:"))
        rest += imported.warnings.substr(at, end - at);
      at = end;
    }
    const std::string wanted = row.warning;
    CHECK(rest.substr(0, wanted.size()) == wanted);
    CHECK(rest.empty() == wanted.empty());
  }
}

TEST_CASE("what a line loses is said once") {
  for (const char* kind : {"refile:", ""}) {
    const auto imported = import_texts(tables(kind, "joe@* a"));
    CHECK(has(imported.warnings, "only \"joe@*\" was signed for"));
    CHECK_FALSE(has(imported.warnings, "signed for any domain"));
  }
}

TEST_CASE("keys by the names of domains") {
  const struct {
    const char* why;
    FileTexts files;
    const char* plan;
    const char* warning;
  } rows[] = {
      {"each domain's key has its name",
       {{"k", "KeyTable /kt\nSigningTable refile:/st\n"},
        {"/kt", "a.org a.org:s:/a.pem\nb.org b.org:s:/b.pem\n"},
        {"/st", "* %\n"}},
       "a.org s=/a.pem; b.org s=/b.pem",
       ""},
      {"but only where the pattern matches",
       {{"k", "KeyTable /kt\nSigningTable refile:/st\n"},
        {"/kt", "a.org a.org:s:/a.pem\nb.org b.org:s:/b.pem\n"},
        {"/st", "*@b.org %\n"}},
       "b.org s=/b.pem",
       ""},
      {"with a wildcard",
       {{"k", "KeyTable refile:/kt\nSigningTable refile:/st\n"},
        {"/kt", "k1 a.org:1:/1.pem\nk* a.org:2:/2.pem\n"},
        {"/st", "*@a.org k9\n"}},
       "a.org 2=/2.pem",
       ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto imported = import_texts(row.files);
    CHECK(imported.error.empty());
    CHECK(plan_of(imported.config) == row.plan);
    const std::string wanted = row.warning;
    CHECK(imported.warnings.substr(0, wanted.size()) == wanted);
    CHECK(imported.warnings.empty() == wanted.empty());
  }
}

TEST_CASE("how mail is signed") {
  const std::string domain = "Domain a.org\nSelector s\nKeyFile /k.pem\n";
  const auto by_default = import_texts({{"k", domain}});
  CHECK(by_default.config.signing.profile.header_canonicalization == Canonicalization::simple);
  CHECK(by_default.config.signing.profile.body_canonicalization == Canonicalization::simple);
  CHECK_FALSE(by_default.config.signing.require_sender_match);
  CHECK(by_default.config.signing.profile.headers.size() == 20);
  CHECK(by_default.config.signing.profile.oversign == std::vector<std::string>{"from"});
  CHECK(by_default.config.signing.profile.oversign_present.empty());
  CHECK(by_default.config.signing.profile.lifetime == std::chrono::seconds(0));

  const auto more =
      import_texts({{"k", domain + "OversignHeaders To,FROM,Reply-To,to\nSignatureTTL 864000\n"}});
  CHECK(more.warnings.empty());
  CHECK(more.config.signing.profile.oversign == std::vector<std::string>{"from", "to", "reply-to"});
  CHECK(more.config.signing.profile.oversign_present.empty());
  CHECK(more.config.signing.profile.lifetime == std::chrono::hours(240));

  const auto relaxed = import_texts({{"k", domain + "Canonicalization relaxed\n"}});
  CHECK(relaxed.config.signing.profile.header_canonicalization == Canonicalization::relaxed);
  CHECK(relaxed.config.signing.profile.body_canonicalization == Canonicalization::simple);

  const struct {
    const char* why;
    const char* line;
    const char* has;
    const char* has_not;
    const char* warning;
  } rows[] = {
      {"a change of the default", "SignHeaders *,+X-Foo,-Date", "x-foo", "date", ""},
      {"a list of one's own", "SignHeaders From,Subject,To", "to", "date", ""},
      {"Subject is always signed", "SignHeaders From,To", "to", "date",
       "k:4 SignHeaders: Subject is always signed"},
      {"Subject left out", "OmitHeaders *,Subject", "to", "subject",
       "k:4 OmitHeaders: Subject is always signed"},
      {"not in the list, whatever is left out", "OmitHeaders *,+Date\nSignHeaders From,To", "to",
       "date", "k:5 SignHeaders: Subject is always signed"},
      {"in the list, but left out", "OmitHeaders Subject\nSignHeaders From,To,Subject", "to",
       "subject", "k:4 OmitHeaders: Subject is always signed"},
      {"left out", "OmitHeaders *,+List-Id", "list-post", "list-id", ""},
      {"what cannot be signed", "SignHeaders *,+Return-Path,+X-*", "to", "x-*",
       "k:4 SignHeaders: \"x-*\" cannot be signed"},
      {"SHA-1", "SignatureAlgorithm rsa-sha1", "to", "x",
       "k:4 SignatureAlgorithm: has no equal: signatures are by rsa-sha256"},
      {"SHA-256", "SignatureAlgorithm rsa-sha256", "to", "x", ""},
      {"no field's name", "OversignHeaders X-*", "to", "x",
       "k:4 OversignHeaders: \"x-*\" cannot be signed"},
      {"longer than a year", "SignatureTTL 31536001", "to", "x", "k:4 SignatureTTL: has no equal"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto imported = import_texts({{"k", domain + row.line + "\n"}});
    CHECK(imported.error.empty());
    const auto& names = imported.config.signing.profile.headers;
    CHECK(std::find(names.begin(), names.end(), row.has) != names.end());
    CHECK(std::find(names.begin(), names.end(), row.has_not) == names.end());
    const std::string wanted = row.warning;
    CHECK(imported.warnings.substr(0, wanted.size()) == wanted);
    CHECK(imported.warnings.empty() == wanted.empty());
  }
}

TEST_CASE("both lists of fields are named") {
  const auto imported = import_texts({{"k",
                                       "Domain a.org\nSelector s\nKeyFile /k.pem\n"
                                       "SignHeaders From,Subject,To\nOmitHeaders *,+To\n"}});
  CHECK(has(imported.configuration,
            "# k:4: SignHeaders: without those of k:5: OmitHeaders\nheaders = "));
}

TEST_CASE("keys that are copied") {
  const auto imported = import_texts(tables("refile:", "*@a.org any\n*@b.org any"), "/new");
  CHECK(plan_of(imported.config) == "a.org s=/new/a.org.s.pem; b.org s=/new/b.org.s.pem");
  CHECK(has(imported.notes, "install -o root -g authmilter -m 0640 /any.pem /new/b.org.s.pem\n"));
}

TEST_CASE("a command to copy is one command, whatever a path holds") {
  const auto imported =
      import_texts({{"k", "Domain a.org\nSelector s\nKeyFile /k;touch${IFS}x/$(id)'.pem\n"},
                    {"/k;touch${IFS}x/$(id)'.pem", ""}},
                   "/new");
  CHECK(has(
      imported.notes,
      "install -o root -g authmilter -m 0640 '/k;touch${IFS}x/$(id)'\\''.pem' /new/a.org.s.pem\n"));
}

TEST_CASE("a key file that is not there") {
  const struct {
    const char* why;
    FileTexts files;
    const char* warnings;
  } rows[] = {
      {"of one key, once for all domains",
       {{"k", "Domain a.org,b.org\nSelector s\nKeyFile /missing/k.pem\n"}},
       "k:3 KeyFile: /missing/k.pem is not there: authmilterd will not start with it\n"},
      {"below the base",
       {{"k", "Domain a.org\nSelector s\nKeyFile k.pem\nBaseDirectory /missing\n"}},
       "k:3 KeyFile: /missing/k.pem is not there: authmilterd will not start with it\n"},
      {"of a table",
       {{"k", "KeyTable /kt\nSigningTable refile:/st\n"},
        {"/kt", "a a.org:s:/a.pem\nb b.org:s:/missing/b.pem\n"},
        {"/st", "*@a.org a\n*@b.org b\n"}},
       "/kt:2 KeyTable: /missing/b.pem is not there: authmilterd will not start with it\n"},
      {"that no author needs",
       {{"k", "KeyTable /kt\nSigningTable refile:/st\n"},
        {"/kt", "a a.org:s:/a.pem\nb b.org:s:/missing/b.pem\n"},
        {"/st", "*@a.org a\n"}},
       ""},
      {"of a verifier", {{"k", "Mode v\nDomain a.org\nSelector s\nKeyFile /missing/k.pem\n"}}, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    for (const char* keys_directory : {"", "/new"}) {
      const auto imported = import_texts(row.files, keys_directory);
      CHECK(imported.error.empty());
      CHECK(imported.warnings == row.warnings);
      CHECK_FALSE(has(imported.notes, "install -o root -g authmilter -m 0640 /missing/"));
    }
  }
}

TEST_CASE("in the directory form each domain has a text of its own") {
  const FileTexts files = tables("refile:", "*@example.com a\n*@example.net n\n");
  Sources sources{"k", "", "", "domains.d"};
  const auto imported = import_configurations(sources, files_of(files));
  REQUIRE_MESSAGE(imported, (imported ? "" : imported.error().message));
  const auto main = parse_config(imported->configuration, "import", "host.example");
  REQUIRE_MESSAGE(main, (main ? "" : main.error().message));
  CHECK(main->signing.directory == "domains.d");
  CHECK(main->signing.domains.empty());
  REQUIRE(imported->domains.size() == 2);
  CHECK(imported->domains[0].value == "\"example.com\"");
  CHECK(imported->domains[1].value == "\"example.net\"");
  for (const auto& domain : imported->domains) {
    const auto alone = parse_config(domain.text, "drop-in", "host.example");
    REQUIRE_MESSAGE(alone, (alone ? "" : alone.error().message));
    CHECK(alone->signing.domains.size() == 1);
  }
}
