#include "config/paths.h"

namespace authmilter {
namespace {

/// One among many, which mostly is absolute already.
void make_absolute(std::string& path, const std::filesystem::path& directory) {
  const bool plain = path.starts_with('/') && path.find("/.") == std::string::npos &&
                     path.find("//") == std::string::npos;
  if (!plain) path = (directory / path).lexically_normal().string();
}

}  // namespace

void make_absolute(std::filesystem::path& path, const std::filesystem::path& directory) {
  path = (directory / path).lexically_normal();
}

void make_absolute(SigningDomainConfig& domain, const std::filesystem::path& directory) {
  for (SigningKeyConfig& key : domain.keys) {
    if (key.source.store == KeyStore::file) make_absolute(key.source.text, directory);
  }
}

}  // namespace authmilter
