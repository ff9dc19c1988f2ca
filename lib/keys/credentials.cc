#include "keys/credentials.h"

#include <cstdlib>

namespace authmilter {
namespace {

constexpr const char* kOfTheService = "/run/credentials/authmilterd.service";

}  // namespace

std::filesystem::path credential_file(const std::string& name) {
  // Nothing here changes the environment.
  const char* const directory =
      std::getenv("CREDENTIALS_DIRECTORY");  // NOLINT(concurrency-mt-unsafe)
  return std::filesystem::path(directory == nullptr || *directory == '\0' ? kOfTheService
                                                                          : directory) /
         name;
}

}  // namespace authmilter
