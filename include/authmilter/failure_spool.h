#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <authmilter/failure_note.h>
#include <authmilter/result.h>

namespace authmilter {

struct ReportsConfig;

/// Where the failures of a configuration wait; empty where it has no spool.
std::string failures_folder(const ReportsConfig& config);

/// Failures of messages on their way from the daemon, which sees them, to `authmilter report send`,
/// which tells of them: a folder with one file for each kind, redacted (RFC 6590), and how many
/// there were. Several processes may use it at the same time; each call blocks for as long as
/// another one takes.
class FailureSpool {
 public:
  // A file has some kilobytes. Whoever makes more kinds than this wants to.
  static constexpr std::size_t kMostKinds = 1000;

  /// Below `[reports] spool`; made when it is first needed.
  explicit FailureSpool(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// One more failure. Where there is no room for its kind it is dropped.
  Status add(const FailureNote& note);

  /// A kind of failure that waits. `report.incidents` says how often it came.
  struct Waiting {
    std::string name;        // of the kind
    std::int64_t first = 0;  // when it first came, in seconds since 1970
    FailureNote note;
  };
  /// The oldest first. Files that cannot be read are removed.
  Result<std::vector<Waiting>> waiting();
  /// Only these destinations are left of it; with none it is gone. What has come meanwhile stays.
  Status keep(const Waiting& kind, const std::vector<std::string>& ruf);

 private:
  class Lock;
  Result<std::string> key() const;

  std::filesystem::path folder_;
};

}  // namespace authmilter
