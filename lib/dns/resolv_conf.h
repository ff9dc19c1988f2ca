#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <authmilter/name_server.h>

#include "dns/file_text.h"

namespace authmilter {

/// The name servers of a resolv.conf(5), and what in it could not be used.
struct SystemNameServers {
  FileText::Status file = FileText::Status::read;
  std::vector<NameServer> servers;       // never empty: without any, the one on this host
  std::vector<std::string> passed_over;  // printable, each a phrase for a notice
  bool operator==(const SystemNameServers&) const = default;
};

/// As glibc reads it: lines that cannot be read are passed over, of the servers the first three
/// count (MAXNS), and where none is left the server on this host is asked.
SystemNameServers parse_resolv_conf(std::string_view text);

/// The same for a file. One that is missing, or cannot be read, is an empty one; the latter is
/// among what was passed over.
SystemNameServers read_resolv_conf(const std::string& path);

/// Notices when the file has changed. Cheap: looks seldom, and at the file's dates.
class ResolvConfWatch {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kPause{5};

  explicit ResolvConfWatch(std::string path) : path_(std::move(path)) {}

  /// Reads the file, changed or not.
  SystemNameServers read(Clock::time_point now);
  /// Reads it when it may have changed since read(), at most once in kPause.
  std::optional<SystemNameServers> read_if_changed(Clock::time_point now);

 private:
  /// Device, inode, size, and the times of the last change of content and of inode.
  using Identity = std::tuple<std::uint64_t, std::uint64_t, std::int64_t, std::int64_t,
                              std::int64_t, std::int64_t, std::int64_t>;
  Identity identity() const;

  const std::string path_;
  Identity seen_{};
  Clock::time_point next_{};
};

}  // namespace authmilter
