#include <authmilter/sign.h>

#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/temporary_folder.h"

using namespace authmilter;

namespace {

namespace fs = std::filesystem;

/// One RSA and one Ed25519 key.
class KeyFolder {
 public:
  KeyFolder() {
    write("rsa.pem", *PrivateKey::generate(KeyType::rsa, 2048));
    write("ed.pem", *PrivateKey::generate(KeyType::ed25519, 0));
  }

  std::string file(const char* name) const { return (folder_.path() / name).string(); }

 private:
  void write(const char* name, const std::shared_ptr<const PrivateKey>& key) {
    fs::permissions(folder_.write(name, key->pem()),
                    fs::perms::owner_read | fs::perms::owner_write);
  }
  TemporaryFolder folder_;
};

const KeyFolder& keys() {
  static const KeyFolder folder;
  return folder;
}

Config test_config(const std::string& signing = "") {
  const std::string text =
      "[identity]\nauthserv_id = \"mx.home.example\"\n[signing]\n" + signing +
      "[[signing.domain]]\ndomain = \"home.example\"\nsubdomains = true\nkeys = [\n"
      "{selector = \"r\", file = \"" +
      keys().file("rsa.pem") +
      "\"},\n"
      "{selector = \"e\", file = \"" +
      keys().file("ed.pem") +
      "\"}]\n"
      "[[signing.domain]]\ndomain = \"lab.home.example\"\nkeys = [\n"
      "{selector = \"lab\", file = \"" +
      keys().file("ed.pem") +
      "\"}]\n"
      "[[signing.domain]]\ndomain = \"tenant.example\"\nkeys = [\n"
      "{selector = \"t\", file = \"" +
      keys().file("ed.pem") + "\"}]\n";
  const auto config = parse_config(text, "test", "host.example");
  REQUIRE_MESSAGE(config, (config ? "" : config.error().message));
  return *config;
}

struct Input {
  std::string header = "From: a@home.example\r\nSubject: s\r\n";
  std::string mail_from = "<a@home.example>";
  std::string auth_user = "";
  const char* client = nullptr;  // submitted on this host
  Mta mta = Mta::other;
  std::string body = "Hello.\r\n";
  std::size_t cut = 0;  // into two pieces
};

/// The keys of a configuration, read once: that takes longer than to sign.
const KeyRing& ring_of(const Config& config) {
  static std::map<std::string, std::shared_ptr<const KeyRing>> rings;
  auto& ring = rings[print_config(config)];
  if (ring == nullptr) {
    const auto loaded = KeyRing::load(config.signing);
    REQUIRE_MESSAGE(loaded, (loaded ? "" : loaded.error().message));
    ring = *loaded;
  }
  return *ring;
}

SigningOutcome sign(const Input& input, const Config& config) {
  const KeyRing& ring = ring_of(config);
  static const DkimEngine engine;
  Envelope envelope;
  envelope.mail_from = parse_reverse_path(input.mail_from);
  envelope.auth_user = input.auth_user;
  if (input.client != nullptr) envelope.client = IpAddress::parse(input.client);
  envelope.submitted_here = input.client == nullptr;
  envelope.mta = input.mta;
  MessageSigner signer(config, engine, ring, envelope, 1'700'000'000);
  for (const HeaderField& field : parse_message(input.header + "\r\n").fields) signer.header(field);
  signer.end_of_headers();
  if (signer.wants_body()) {
    signer.body(std::string_view(input.body).substr(0, input.cut));
    signer.body(std::string_view(input.body).substr(input.cut));
  }
  return signer.finish();
}

/// The selectors in the order in which their fields will stand in the message.
std::string selectors(const SigningOutcome& outcome) {
  std::string found;
  for (const SigningKey& key : outcome.keys) {
    found += (found.empty() ? "" : " ") + key.domain.text() + "/" + key.selector.text();
  }
  return found;
}

}  // namespace

TEST_CASE("who signs for whom") {
  const struct {
    std::string why;
    Input input;
    const char* signing;
    const char* selectors;  // that signed
    const char* reason;
  } rows[] = {
      {"both algorithms, RSA first as configured (edge case 64)",
       {},
       "",
       "home.example/r home.example/e",
       "signed"},
      {"a subdomain, with subdomains = true",
       {.header = "From: a@news.home.example\r\n", .mail_from = "<a@news.home.example>"},
       "",
       "home.example/r home.example/e",
       "signed"},
      {"the longest match wins",
       {.header = "From: a@lab.home.example\r\n"},
       "",
       "lab.home.example/lab",
       "signed"},
      {"below a domain without subdomains the wider entry holds",
       {.header = "From: a@x.lab.home.example\r\n"},
       "",
       "home.example/r home.example/e",
       "signed"},
      {"no key", {.header = "From: a@away.example\r\n"}, "", "", "no-key"},
      {"a name that only ends like ours",
       {.header = "From: a@ahome.example\r\n"},
       "",
       "",
       "no-key"},
      {"subdomains are off by default",
       {.header = "From: a@x.tenant.example\r\n"},
       "",
       "",
       "no-key"},
      {"A148: two From fields",
       {.header = "From: a@home.example\r\nFrom: b@home.example\r\n"},
       "",
       "",
       "multiple-from-fields"},
      {"A149: an address list",
       {.header = "From: <a@home.example>, <b@tenant.example>\r\n"},
       "",
       "",
       "multiple-author-domains"},
      // RFC 9989 section 5.3.1: one Author Domain.
      {"A149: authors of one domain",
       {.header = "From: <a@home.example>, <b@home.example>\r\n"},
       "",
       "home.example/r home.example/e",
       "signed"},
      {"A153: no From but a Sender",
       {.header = "Sender: a@home.example\r\n"},
       "",
       "",
       "no-author-domain"},
      {"an authenticated user under its own name",
       {.auth_user = "alice"},
       "",
       "home.example/r home.example/e",
       "signed"},
      {"... and of the same owner's other name",
       {.mail_from = "<bounce@bounces.home.example>", .auth_user = "alice"},
       "",
       "home.example/r home.example/e",
       "signed"},
      {"A150: a user who sends as somebody else",
       {.mail_from = "<x@tenant.example>", .auth_user = "x"},
       "",
       "",
       "sender-mismatch"},
      {"A150: a login of another tenant",
       {.auth_user = "x@tenant.example"},
       "",
       "",
       "sender-mismatch"},
      {"... unless it is allowed",
       {.auth_user = "x@tenant.example"},
       "require_sender_match = false\n",
       "home.example/r home.example/e",
       "signed"},
      {"A158: a notification with the null reverse-path",
       {.mail_from = "<>", .auth_user = "alice@home.example"},
       "",
       "home.example/r home.example/e",
       "signed"},
      {"A150: the null reverse-path does not make a login everybody's, with several domains",
       {.mail_from = "<>", .auth_user = "alice"},
       "",
       "",
       "sender-mismatch"},
      {"... but a network's notifications are signed",
       {.mail_from = "<>"},
       "",
       "home.example/r home.example/e",
       "signed"},
      {"a network is trusted with every name",
       {.mail_from = "<x@tenant.example>"},
       "",
       "home.example/r home.example/e",
       "signed"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const SigningOutcome outcome = sign(row.input, test_config(row.signing));
    CHECK(selectors(outcome) == row.selectors);
    CHECK(outcome.reason == row.reason);
    CHECK(outcome.edits.size() == outcome.keys.size());
    CHECK_FALSE(outcome.failed);
  }
}

TEST_CASE("whose a login is (A195)") {
  const struct {
    std::string why;
    std::string login;
    bool signs;  // for an author at home.example, with a reverse-path there
  } rows[] = {
      {"no user: a network", "", true},
      {"a plain name", "mallory", true},
      {"a name with what is no sign", "tenant.example\\mallory%home.example", true},
      {"the author's domain", "a@home.example", true},
      {"another name of the same owner", "a@news.home.example", true},
      {"in capital letters, with a dot at the end", "A@HOME.Example.", true},
      {"another tenant's", "mallory@tenant.example", false},
      {"nobody's", "mallory@away.example", false},
      {"nothing behind the sign", "mallory@", false},
      {"a second sign at the end", "mallory@tenant.example@", false},
      {"... of ours", "mallory@home.example@", false},
      {"two domains", "mallory@tenant.example@home.example", false},
      {"... the other way round", "mallory@home.example@tenant.example", false},
      {"a sign in a quoted local part", "\"x@tenant.example\"@home.example", false},
      {"two signs together", "mallory@@home.example", false},
      {"nothing before the sign", "@home.example", false},
      {"a blank at the end", "mallory@tenant.example ", false},
      {"... of ours", "mallory@home.example ", false},
      {"a tab behind the sign", "mallory@\thome.example", false},
      {"an instance behind the domain", "mallory@tenant.example/phone", false},
      {"... of ours", "mallory@home.example/phone", false},
      {"an address literal", "mallory@[192.0.2.1]", false},
      {"an address", "mallory@192.0.2.1", false},
      {"a port", "mallory@home.example:25", false},
      {"an empty label", "mallory@tenant..example", false},
      {"a dot alone", "mallory@.", false},
      {"a realm", "mallory@REALM", false},
      {"a NUL", std::string("mallory@home.example\0", 21), false},
      {"a name in UTF-8", "j\xc3\xb6rg", true},
      {"... with our domain", "j\xc3\xb6rg@home.example", true},
      {"A212: the fullwidth sign", "mallory\xef\xbc\xa0tenant.example", false},
      {"A212: the small sign", "mallory\xef\xb9\xabtenant.example", false},
      {"A212: behind a real one", "mallory@home.example\xef\xbc\xa0tenant.example", false},
      {"a domain in UTF-8 that is not ours", "mallory@h\xc3\xb6me.example", false},
      {"a letter of another script", "mallory@h\xd0\xbeme.example", false},
      {"octets that are no UTF-8", "mallory@home\xff.example", false},
      {"an invisible character", "mallory@home.example\xe2\x80\x8b", false},
  };
  const Config config = test_config();
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CAPTURE(row.login);
    const SigningOutcome outcome = sign({.auth_user = row.login}, config);
    CHECK(outcome.reason == (row.signs ? "signed" : "sender-mismatch"));
  }
  // An IDN login is its A-label (RFC 5890 section 2.3.2.1).
  Config idn = config;
  idn.signing.domains.front().domain = *DomainName::parse(
      "b\xc3\xbc"
      "cher.example");
  CHECK(sign({.header = "From: a@xn--bcher-kva.example\r\n",
              .mail_from = "<a@xn--bcher-kva.example>",
              .auth_user = "a@b\xc3\xbc"
                           "cher.example"},
             idn)
            .reason == "signed");
}

TEST_CASE("with a single domain a plain login's notifications are its owner's (A158)") {
  Config config = test_config();
  config.signing.domains.erase(config.signing.domains.begin() + 1, config.signing.domains.end());
  const struct {
    std::string why;
    Input input;
    const char* reason;
  } rows[] = {
      {"a read receipt", {.mail_from = "<>", .auth_user = "alice"}, "signed"},
      {"... below the domain",
       {.header = "From: a@news.home.example\r\n", .mail_from = "<>", .auth_user = "alice"},
       "signed"},
      {"... of a domain without a key",
       {.header = "From: a@away.example\r\n", .mail_from = "<>", .auth_user = "alice"},
       "no-key"},
      {"a login that cannot be read",
       {.mail_from = "<>", .auth_user = "alice@"},
       "sender-mismatch"},
      {"a reverse-path that cannot be read",
       {.mail_from = "<(a@home.example>", .auth_user = "alice"},
       "sender-mismatch"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(sign(row.input, config).reason == row.reason);
  }
}

namespace {

/// Names of the removed fields, and of the inserted ones behind "+".
std::string edited(const SigningOutcome& outcome) {
  std::string text;
  for (const HeaderEdit& edit : outcome.edits) {
    if (!text.empty()) text += ' ';
    text += edit.action == HeaderEdit::Action::remove ? "-" + std::to_string(edit.index) : "+";
    if (edit.name != "Authentication-Results") text += edit.name;
  }
  return text;
}

constexpr const char* kTwice = "+DKIM-Signature +DKIM-Signature";

}  // namespace

TEST_CASE("what was judged when it came in is not signed when it comes back (A151)") {
  const std::string failed =
      "mx.home.example; spf=fail; dkim=none; dmarc=fail header.from=home.example";
  const std::string passed = "mx.home.example; spf=pass; dmarc=pass header.from=home.example";
  const struct {
    std::string why;
    std::vector<std::string> results;  // values of Authentication-Results fields, from the top
    bool is_signed;
    std::string edits;  // ordinals of fields that go
  } rows[] = {
      {"a forgery of ours that was let through", {failed}, false, ""},
      {"ours that passed", {passed}, true, "-1"},
      {"passed, for another author",
       {"mx.home.example; dmarc=pass header.from=other.example"},
       false,
       "-1"},
      {"passed, for a domain below",
       {"mx.home.example; dmarc=pass header.from=x.home.example"},
       false,
       "-1"},
      {"passed, nobody says for whom", {"mx.home.example; dmarc=pass"}, false, "-1"},
      {"passed, for two",
       {"mx.home.example; dmarc=pass header.from=home.example header.from=a.example"},
       false,
       "-1"},
      {"passed and failed",
       {"mx.home.example; dmarc=pass header.from=home.example; dmarc=fail"},
       false,
       "-1"},
      {"no policy", {"mx.home.example; dmarc=none header.from=home.example"}, false, ""},
      {"undecided", {"mx.home.example; dmarc=temperror header.from=home.example"}, false, ""},
      {"DMARC was not checked", {"mx.home.example; dkim=pass header.d=home.example"}, false, "-1"},
      {"nothing was checked", {"mx.home.example; none"}, false, "-1"},
      {"capitals and a dot", {"MX.Home.EXAMPLE.; dmarc=fail"}, false, ""},
      {"quoted, with a version", {" \"mx.home.example\" 1; dmarc=fail"}, false, ""},
      {"behind a comment and a fold", {" (x)\r\n\tmx.home.example (y); dmarc=fail"}, false, ""},
      {"pass behind a comment",
       {"mx.home.example; dmarc=(fail)pass header.from=home.example"},
       true,
       "-1"},
      {"folded as we fold",
       {"mx.home.example;\r\n\tspf=fail smtp.mailfrom=home.example;\r\n\tdmarc=fail"},
       false,
       ""},
      {"A214: a line in a comment that reads as ours",
       {"mx.home.example; dmarc=fail (\r\n\tmx.home.example; dmarc=pass)"},
       false,
       "-1"},
      {"A214: ... before the name",
       {"(\r\n\tmx.home.example; dmarc=pass)\r\n\tmx.home.example; dmarc=fail"},
       false,
       "-1"},
      {"A214: ... in a string",
       {"mx.home.example; dmarc=fail reason=\"\r\n MX.home.example; dmarc=pass\""},
       false,
       "-1"},
      {"A214: an encoded word",
       {"mx.home.example; dmarc=fail (=?utf-8?q?=0Amx.home.example;_dmarc=3Dpass?=)"},
       false,
       "-1"},
      {"results that cannot be read", {"mx.home.example; dmarc=fail ;;= pass"}, false, "-1"},
      {"an end that cannot be read", {"mx.home.example/1; dmarc=fail"}, false, "-1"},
      {"quoted, and not ended", {"\"mx.home.example; dmarc=fail"}, false, "-1"},
      {"no name at all, as some large senders write",
       {"dmarc=none header.from=home.example;"},
       true,
       "-1"},
      {"a name that ends like ours", {"amx.home.example; dmarc=fail"}, true, ""},
      {"another host's", {"mx.away.example; dmarc=fail header.from=home.example"}, true, ""},
      {"A210: passed above, failed below", {passed, failed}, false, "-1"},
      {"A210: failed above, passed below", {failed, passed}, false, "-2"},
      {"a border server's", {"border.home.example; dmarc=fail"}, false, ""},
      {"a border server's that vouches",
       {"border.home.example; dmarc=pass (p=none) header.from=home.example"},
       true,
       ""},
      {"... with an address",
       {"border.home.example; dmarc=pass header.from=a@home.example"},
       true,
       ""},
      {"A214: a stranger's in our name, behind a border server's",
       {"border.home.example; dmarc=fail", passed},
       false,
       "-2"},
      {"A214: a stranger's in its name, below ours",
       {failed, "border.home.example; dmarc=pass header.from=home.example"},
       false,
       ""},
  };
  Config config = test_config();
  config.trusted_authserv_ids = {"border.home.example"};
  for (const char* client : {"127.0.0.1", static_cast<const char*>(nullptr)}) {
    for (const auto& row : rows) {
      CAPTURE(row.why);
      Input input{.client = client};
      for (auto value = row.results.rbegin(); value != row.results.rend(); ++value)
        input.header = "Authentication-Results: " + *value + "\r\n" + input.header;
      const SigningOutcome outcome = sign(input, config);
      CHECK(outcome.reason == (row.is_signed ? "signed" : "judged-before"));
      const std::string inserted = row.is_signed ? kTwice : "";
      CHECK(edited(outcome) ==
            row.edits + (row.edits.empty() || inserted.empty() ? "" : " ") + inserted);
      // A person who is logged in may send on what it got, and is asked for it (A127).
      input.auth_user = "alice@home.example";
      CHECK(sign(input, config).reason == "signed");
    }
  }
}

TEST_CASE("a verdict that comes back stays with its results") {
  const std::string verdict = "X-Authmilter-Verdict: suspicious (spf fail for home.example)\r\n";
  const std::string results = "Authentication-Results: mx.home.example; dmarc=fail\r\n";
  const std::string from = "From: a@home.example\r\n";
  CHECK(edited(sign({.header = verdict + results + from}, test_config())) == "");
  CHECK(edited(sign({.header = verdict + results + "From: a@away.example\r\n"}, test_config())) ==
        "");
  CHECK(edited(sign({.header = verdict + from}, test_config())) ==
        "-1X-Authmilter-Verdict " + std::string(kTwice));
  CHECK(edited(sign({.header = verdict + results + from, .auth_user = "alice"}, test_config())) ==
        "-1 -1X-Authmilter-Verdict " + std::string(kTwice));
}

namespace {

/// The header with the outcome's signatures on top.
std::string signed_header(const std::string& header, const SigningOutcome& outcome) {
  std::string signatures;
  for (const HeaderEdit& edit : outcome.edits) {
    std::string text = edit.name + ": ";
    for (const char c : edit.value) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
    signatures = text + "\r\n" + signatures;
  }
  return signatures + header;
}

}  // namespace

TEST_CASE("what bears a signature of ours that holds is not signed again") {
  const Config config = test_config();
  const std::string plain = Input{}.header;
  const std::string once = signed_header(plain, sign({}, config));
  std::string broken_body = once;  // both bh= begin alike
  for (std::size_t at = 0; (at = broken_body.find("bh=", at)) != std::string::npos; ++at)
    broken_body[at + 3] = broken_body[at + 3] == 'A' ? 'B' : 'A';
  Config one_key = config;
  one_key.signing.domains[0].keys.pop_back();
  Config tenant = config;
  tenant.signing.domains = {config.signing.domains[2]};
  tenant.signing.domains[0].domain = *DomainName::parse("home.example");
  const struct {
    std::string why;
    Input input;
    const Config& config;
    const char* reason;
  } rows[] = {
      {"as it was", {.header = once}, config, "signed-before"},
      {"by a user", {.header = once, .auth_user = "alice"}, config, "signed-before"},
      {"one signature of two is enough",
       {.header = signed_header(plain, sign({}, one_key))},
       config,
       "signed-before"},
      {"changed on the way", {.header = once + "Subject: another\r\n"}, config, "signed"},
      {"another body", {.header = broken_body}, config, "signed"},
      {"by a key that is not configured",
       {.header = signed_header(plain, sign({}, tenant))},
       one_key,
       "signed"},
      {"A211: with a field on top that it does not cover",
       {.header = "X-Mood: bad\r\n" + once},
       config,
       "signed-before"},
      {"judged, and vouched for",
       {.header =
            "Authentication-Results: mx.home.example; dmarc=pass header.from=home.example\r\n" +
            once},
       config,
       "signed-before"},
      {"judged, and not vouched for",
       {.header = "Authentication-Results: mx.home.example; dmarc=fail\r\n" + once},
       config,
       "judged-before"},
      {"a field that only looks like a signature of ours",
       {.header = "DKIM-Signature: v=1; d=home.example; s=r\r\n" + plain},
       config,
       "signed"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const SigningOutcome outcome = sign(row.input, row.config);
    CHECK(outcome.reason == row.reason);
    CHECK((outcome.reason == "signed") == !outcome.keys.empty());
  }
}

TEST_CASE("a flood of signatures in our name costs no more than the limit (A91)") {
  std::string header = Input{}.header;
  const std::string once = signed_header("", sign({}, test_config()));
  for (int i = 0; i < 100; ++i)
    header = "DKIM-Signature: v=1; a=rsa-sha256; d=home.example; s=r; h=from; bh=AAAA; b=AAAA\r\n" +
             header;
  CHECK(sign({.header = header + once}, test_config()).reason == "signed");
}

TEST_CASE("a submission cannot carry results in our name (A127)") {
  const SigningOutcome outcome = sign(
      {.header = "Authentication-Results: mx.home.example; dmarc=pass header.from=home.example\r\n"
                 "From: a@home.example\r\n"},
      test_config());
  REQUIRE(outcome.edits.size() == 3);
  CHECK(outcome.edits[0] ==
        HeaderEdit{HeaderEdit::Action::remove, 1, "Authentication-Results", ""});
  CHECK(outcome.edits[1].name == "DKIM-Signature");
}

TEST_CASE("nor can one whose header is over the limits carry what a receiving host adds") {
  std::string header = "From: a@home.example\r\n";
  for (int i = 0; i < 1000; ++i) header += "X: y\r\n";
  for (const std::string name :
       {"Authentication-Results", "X-Authmilter-Verdict", "BIMI-Location", "bimi-indicator"}) {
    CAPTURE(name);
    const SigningOutcome outcome =
        sign({.header = header + name + ": mx.home.example; dmarc=pass\r\n"}, test_config());
    CHECK(outcome.reason == "header-limit-exceeded (more than 1000 fields)");
    REQUIRE(outcome.edits.size() == 1);
    CHECK(outcome.edits[0] == HeaderEdit{HeaderEdit::Action::remove, 1, name, ""});
  }
}

TEST_CASE("what speaks against a message stays in it beyond the limits, too (A151)") {
  // It was below them when it came in; our field and the next hop's Received made it longer.
  std::string header =
      "Received: from localhost\r\n"
      "Authentication-Results: mx.home.example; dmarc=fail header.from=home.example\r\n"
      "From: a@home.example\r\n";
  for (int i = 0; i < 998; ++i) header += "X: y\r\n";
  const Input inputs[] = {
      {.header = header, .client = "127.0.0.1"},
      {.header = header + "X: " + std::string(70'000, 'y') + "\r\n", .client = "127.0.0.1"}};
  for (const Input& input : inputs) {
    const SigningOutcome outcome = sign(input, test_config());
    CHECK(outcome.reason.starts_with("header-limit-exceeded"));
    CHECK(outcome.edits.empty());
    CHECK_FALSE(outcome.failed);
  }
}

TEST_CASE("what a border server says stays in mail from inside, and from nobody else") {
  const std::string header =
      "X-Authmilter-Verdict: suspicious (spf fail for bank.example)\r\n"
      "Authentication-Results: border.home.example; dmarc=fail\r\n"
      "BIMI-Location: v=BIMI1; l=https://bank.example/logo.svg\r\n"
      "From: a@bank.example\r\n";
  const struct {
    std::string why;
    Input input;
    std::vector<std::string> trusted;
    std::size_t removed;
  } rows[] = {
      {"a border server", {.header = header, .client = "127.0.0.1"}, {"border.home.example"}, 0},
      {"none is configured: the verdict and the logo",
       {.header = header, .client = "127.0.0.1"},
       {},
       2},
      {"an authenticated user",
       {.header = header, .auth_user = "alice", .client = "127.0.0.1"},
       {"border.home.example"},
       2},
      {"an authenticated user outside",
       {.header = header, .auth_user = "alice", .client = "192.0.2.1"},
       {"border.home.example"},
       2},
      {"a program on this host", {.header = header}, {"border.home.example"}, 2},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Config config = test_config();
    config.trusted_authserv_ids = row.trusted;
    CHECK(sign(row.input, config).edits.size() == row.removed);
  }
}

TEST_CASE("names to oversign and the lifetime come from the configuration") {
  const auto value = [](const std::string& signing) {
    return sign({}, test_config(signing)).edits.front().value;
  };
  CHECK(value("").find("h=from:from:subject:subject:reply-to:to:cc;") != std::string::npos);
  CHECK(value("").find(" x=") == std::string::npos);
  const std::string set = value("oversign = [\"to\", \"cc\"]\nlifetime = \"2d\"\n");
  CHECK(set.find("h=from:from:subject:to:cc;") != std::string::npos);
  CHECK(value("oversign = []\noversign_present = [\"subject\", \"date\"]\n")
            .find("h=from:from:subject:subject;") != std::string::npos);
  CHECK(set.find("t=1700000000; x=1700172800;") != std::string::npos);
}

TEST_CASE("what MTAs may write anew is named") {
  const std::string from = "From: a@home.example\r\n";
  const auto to_list = [](int members, const char* separator) {
    std::string text = "To: ";
    for (int i = 0; i < members; ++i)
      text += (i == 0 ? "" : separator) + ("recipient" + std::to_string(i) + "@away.example");
    return text + "\r\n";
  };
  const std::string at_998 = std::string(998, 'x') + "\r\n";
  const struct {
    std::string why;
    std::string header;
    std::string body;
    std::string fragile;           // Postfix
    std::string fragile_sendmail;  // Sendmail
  } rows[] = {
      {"nothing", from, "Hello.\r\n", "", ""},
      {"no body", from, "", "", ""},
      {"A154: a line of 990", from, std::string(990, 'x') + "\r\n", "", ""},
      {"A154: a line of 991", from, std::string(991, 'x') + "\r\n", "", "long-line"},
      {"A154: a line of 998", from, at_998, "", "long-line"},
      {"A154: a line of 999", from, "x" + at_998, "long-line", "long-line"},
      {"... of which one is a bare CR", from, "\r" + at_998, "long-line", "long-line"},
      {"... that does not end", from, std::string(999, 'x'), "long-line", "long-line"},
      {"... that ends with LF", from, std::string(999, 'x') + "\n", "long-line", "long-line"},
      {"... and one of 998 that does", from, std::string(998, 'x') + "\n", "", "long-line"},
      {"a long one behind a short one", from, "a\r\n" + std::string(2000, 'x') + "\r\nb\r\n",
       "long-line", "long-line"},
      {"A154: a list on one line", from + to_list(70, ", "), "", "long-line", ""},
      {"... folded", from + to_list(70, ",\r\n\t"), "", "", ""},
      {"a long Subject", from + "Subject: " + std::string(990, 'x') + "\r\n", "", "long-line",
       "long-line"},
      {"a long field that is not signed", from + "X-Mood: " + std::string(2000, 'x') + "\r\n", "",
       "", ""},
      {"A154: 8-bit text", from, "\xc4\x8d\r\n", "8bit", "8bit"},
      {"A154: said to be 8-bit text", from + "Content-Transfer-Encoding: 8BIT\r\n", "x\r\n", "8bit",
       "8bit"},
      {"binary", from + "Content-Transfer-Encoding:\r\n\tbinary\r\n", "x\r\n", "8bit", "8bit"},
      {"said to be 7-bit text", from + "Content-Transfer-Encoding: 7bit\r\n", "x\r\n", "", ""},
      {"two kinds", from, "\xc4\x8d" + at_998, "long-line,8bit", "long-line,8bit"},
      {"an address without a domain", from + "To: alice, bob@away.example\r\n", "", "",
       "unqualified-address"},
      {"a group", from + "To: friends: bob@away.example, carol@away.example;\r\n", "", "", ""},
      {"an empty group", from + "To: undisclosed-recipients:;\r\n", "", "", ""},
      {"a comment with a sign", from + "Cc: alice (a@away.example)\r\n", "", "",
       "unqualified-address"},
      {"a display name with a sign", from + "Cc: \"a@away.example\" <alice>\r\n", "", "",
       "unqualified-address"},
  };
  const Config config = test_config();
  for (const auto& row : rows) {
    CAPTURE(row.why);
    for (const Mta mta : {Mta::other, Mta::sendmail}) {
      for (std::size_t cut = 0; cut <= row.body.size(); cut += 1 + row.body.size() / 2) {
        CAPTURE(cut);
        const SigningOutcome outcome =
            sign({.header = row.header, .mta = mta, .body = row.body, .cut = cut}, config);
        std::string kinds;
        for (const Fragility kind : outcome.fragile)
          kinds += (kinds.empty() ? "" : ",") + std::string(to_string(kind));
        CHECK(outcome.reason == "signed");
        CHECK(kinds == (mta == Mta::sendmail ? row.fragile_sendmail : row.fragile));
      }
    }
  }
}

TEST_CASE("a field that Sendmail will write anew is left out") {
  const std::string header =
      "From: a@home.example\r\nTo: bob, c@away.example\r\nCc: d@away.example\r\n";
  const auto names = [&](Mta mta) {
    const std::string value = sign({.header = header, .mta = mta}, test_config()).edits[0].value;
    const std::size_t at = value.find("h=");
    return value.substr(at, value.find(';', at) - at);
  };
  CHECK(names(Mta::other) == "h=from:from:subject:reply-to:to:to:cc:cc");
  CHECK(names(Mta::sendmail) == "h=from:from:subject:reply-to:cc:cc");
}

TEST_CASE("what is signed here verifies here") {
  const Config config = test_config();
  const SigningOutcome outcome = sign({}, config);
  const auto ring = KeyRing::load(config.signing);
  std::string zone;
  for (const SigningKey& key : (*ring)->all()) {
    zone += key.selector.text() + "._domainkey." + key.domain.text() + " TXT";
    const std::string record = key_record_text(*key.key);
    for (std::size_t at = 0; at < record.size(); at += 200)
      zone += " \"" + record.substr(at, 200) + '"';
    zone += '\n';
  }
  const auto resolver = make_test_resolver(zone);
  const DkimEngine engine;
  DkimVerifier verifier(engine, *resolver, {.now = 1'700'000'000});
  for (auto edit = outcome.edits.rbegin(); edit != outcome.edits.rend(); ++edit) {
    verifier.header(make_header_field(edit->name, " " + edit->value));
  }
  for (const HeaderField& field : parse_message(Input{}.header + "\r\n").fields)
    verifier.header(field);
  verifier.end_of_headers();
  verifier.body("Hello.\r\n");
  const auto verdicts = verifier.finish();
  REQUIRE(verdicts.size() == 2);
  for (const DkimOutcome& verdict : verdicts) {
    CAPTURE(verdict.reason);
    CHECK(verdict.result == DkimResult::pass);
  }
}

TEST_CASE("a key that cannot be read is an error with its place in the configuration") {
  const auto config = parse_config(
      "[[signing.domain]]\ndomain = \"home.example\"\nkeys = [\n"
      "  { selector = \"r\", file = \"/nonexistent/key.pem\" } ]\n",
      "x.toml", "host.example");
  REQUIRE(config);
  const auto ring = KeyRing::load(config->signing);
  REQUIRE_FALSE(ring);
  CHECK_MESSAGE(ring.error().message.starts_with("x.toml:4:"), ring.error().message);
  CHECK(ring.error().message.find("/nonexistent/key.pem") != std::string::npos);
}
