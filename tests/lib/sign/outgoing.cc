#include "lib/sign/outgoing.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>

#include "support/temporary_folder.h"

using namespace authmilter;

namespace test {

namespace {

namespace fs = std::filesystem;

/// One RSA and one Ed25519 key.
class KeyFolder {
 public:
  KeyFolder() {
    write("rsa.pem", *generate_private_key(KeyType::rsa, 2048));
    write("ed.pem", *generate_private_key(KeyType::ed25519, 0));
  }

  std::string file(const char* name) const { return (folder_.path() / name).string(); }

 private:
  void write(const char* name, const NewPrivateKey& key) {
    fs::permissions(folder_.write(name, key.pem), fs::perms::owner_read | fs::perms::owner_write);
  }
  TemporaryFolder folder_;
};

const KeyFolder& keys() {
  static const KeyFolder folder;
  return folder;
}

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

}  // namespace

Config signing_config(const std::string& signing, const std::string& home) {
  const std::string text = "[identity]\nauthserv_id = \"mx.home.example\"\n[signing]\n" + signing +
                           "[[signing.domain]]\ndomain = \"home.example\"\nsubdomains = true\n" +
                           home +
                           "keys = [\n"
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

SigningOutcome sign(const Input& input, const Config& config) {
  const KeyRing& ring = ring_of(config);
  static const DkimEngine engine;
  Envelope envelope;
  envelope.mail_from = parse_reverse_path(input.mail_from);
  envelope.auth_user = input.auth_user;
  envelope.daemon_name = input.daemon_name;
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

std::string selectors(const SigningOutcome& outcome) {
  std::string found;
  for (const SigningKey& key : outcome.keys) {
    found += (found.empty() ? "" : " ") + key.domain.text() + "/" + key.selector.text();
  }
  return found;
}

std::string edited(const SigningOutcome& outcome) {
  std::string text;
  for (const HeaderEdit& edit : outcome.edits) {
    if (!text.empty()) text += ' ';
    text += edit.action == HeaderEdit::Action::remove ? "-" + std::to_string(edit.index) : "+";
    if (edit.name != "Authentication-Results") text += edit.name;
  }
  return text;
}

std::string edited_header(const std::string& header, const SigningOutcome& outcome) {
  std::vector<HeaderField> fields = parse_message(header + "\r\n").fields;
  for (const HeaderEdit& edit : outcome.edits) {
    if (edit.action == HeaderEdit::Action::insert) {
      std::string value = " ";
      for (const char c : edit.value) value += c == '\n' ? std::string("\r\n") : std::string(1, c);
      fields.insert(fields.begin(), {edit.name, value});
      continue;
    }
    std::size_t left = edit.index;
    const auto found = std::find_if(fields.begin(), fields.end(), [&](const HeaderField& field) {
      return field.name == edit.name && --left == 0;
    });
    REQUIRE(found != fields.end());
    fields.erase(found);
  }
  std::string text;
  for (const HeaderField& field : fields) text += field.name + ":" + field.value + "\r\n";
  return text;
}

}  // namespace test
