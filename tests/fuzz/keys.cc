#include "keys.h"

#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "input.h"

namespace authmilter::fuzz {
namespace {

// The keys differ from run to run. Nothing that a target promises depends on which they are.
void make_key(SigningDomainConfig& domain, const std::filesystem::path& folder,
              const char* selector, KeyType type) {
  const auto key = generate_private_key(type, 1024);
  const auto file = folder / selector;
  std::ofstream(file) << key->pem;
  std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  domain.keys.push_back({*DomainName::parse(selector), KeySource::of_file(file), {}});
}

std::unique_ptr<SigningSetup> make_setup() {
  std::string name = (std::filesystem::temp_directory_path() / "authmilter-fuzz-XXXXXX").string();
  require(mkdtemp(name.data()) != nullptr, "a folder for keys");
  auto setup = std::make_unique<SigningSetup>();
  setup->config.minimum_rsa_bits = 1024;
  SigningDomainConfig domain{*DomainName::parse("example.org"), true, {}, {}};
  make_key(domain, name, "r", KeyType::rsa);
  make_key(domain, name, "e", KeyType::ed25519);
  setup->config.domains.push_back(std::move(domain));
  const auto ring = KeyRing::load(setup->config);
  std::filesystem::remove_all(name);
  require(static_cast<bool>(ring), ring ? "" : ring.error().message);
  setup->ring = *ring;
  return setup;
}

}  // namespace

const SigningSetup& signing_setup() {
  static const std::unique_ptr<SigningSetup> setup = make_setup();
  return *setup;
}

std::string key_record_name(const SigningKey& key) {
  return key.selector.text() + "._domainkey." + key.domain.text();
}

}  // namespace authmilter::fuzz
