#include <authmilter/sign.h>

#include <doctest/doctest.h>

#include <filesystem>
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
};

SigningOutcome sign(const Input& input, const Config& config) {
  const auto ring = KeyRing::load(config.signing);
  REQUIRE_MESSAGE(ring, (ring ? "" : ring.error().message));
  const DkimEngine engine;
  Envelope envelope;
  envelope.mail_from = input.mail_from;
  envelope.auth_user = input.auth_user;
  if (input.client != nullptr) envelope.client = IpAddress::parse(input.client);
  MessageSigner signer(config, engine, **ring, envelope, 1'700'000'000);
  for (const HeaderField& field : parse_message(input.header + "\r\n").fields) signer.header(field);
  signer.end_of_headers();
  if (signer.wants_body()) signer.body("Hello.\r\n");
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
       {.header = "From: <a@home.example>, <b@home.example>\r\n"},
       "",
       "",
       "multiple-author-domains"},
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
      {"A150: the null reverse-path does not make a login everybody's",
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

TEST_CASE("a submission cannot carry results in our name (A127)") {
  const SigningOutcome outcome = sign(
      {.header = "Authentication-Results: mx.home.example; dmarc=pass\r\nFrom: a@home.example\r\n"},
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
  CHECK(set.find("t=1700000000; x=1700172800;") != std::string::npos);
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
  CHECK(value("oversign = []\noversign_present = [\"subject\", \"date\"]\n")
            .find("h=from:from:subject:subject;") != std::string::npos);
