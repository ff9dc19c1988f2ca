#include "keys/pin.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "base/file.h"
#include "base/file_version.h"
#include "keys/credentials.h"
#include "keys/key_permissions.h"

namespace authmilter {
namespace {

constexpr std::size_t kMostOctets = 255;  // tokens take less

/// What was read, and is wiped.
struct Buffer {
  std::array<char, kMostOctets + 2> octets{};
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { ::explicit_bzero(octets.data(), octets.size()); }
};

std::string_view without_line_end(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

Result<Pin> read_pin(const PinSource& source) {
  const bool in_file = source.store == PinStore::file;
  const auto path = in_file ? std::filesystem::path(source.name) : credential_file(source.name);
  const std::string name = in_file ? source.name : "credential:" + source.name;
  const Keeper keeper = in_file ? Keeper::administrator : Keeper::service_manager;
  const auto directory = check_way_to(path, name, keeper);
  if (!directory) return directory.error();
  const auto opened = open_key_file((*directory / path.filename()).string(), name, keeper);
  if (!opened) return opened.error();
  const Descriptor file(opened->descriptor);
  Buffer buffer;
  // A file of this size comes in one piece.
  const ssize_t got = ::read(file.get(), buffer.octets.data(), buffer.octets.size());
  if (got < 0) return Error{name + ": " + error_text(errno)};
  const auto pin = without_line_end({buffer.octets.data(), static_cast<std::size_t>(got)});
  if (pin.empty()) return Error{name + ": empty"};
  if (pin.size() > kMostOctets || pin.find('\n') != std::string_view::npos)
    return Error{name + ": not one line of at most 255 octets"};
  const FileVersion version = version_of(opened->status).version;
  return Pin{SecretText(pin), fmt::format("{}:{}:{}:{}:{}", version.device, version.inode,
                                          version.octets, version.modified, version.changed)};
}

}  // namespace authmilter
