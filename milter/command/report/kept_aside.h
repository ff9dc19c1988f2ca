#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <authmilter/result.h>

namespace authmilter::tools {

/// Keeps what could not be read, for somebody to look at: `FOLDER/HASH.report` as it came, and
/// beside it `HASH.reason` with the reason and where it came from. The same octets are kept once.
/// The folder is made, for its owner alone, when the first comes. When it is full nothing more is
/// kept, and that is an error: nothing is removed but by whoever looks at it.
class KeptAside {
 public:
  /// An empty folder: nothing is kept.
  explicit KeptAside(std::string folder) : folder_(std::move(folder)) {}
  bool wanted() const { return !folder_.empty(); }
  Status keep(std::string_view octets, std::string_view name, std::string_view reason);

 private:
  /// What is in the folder, as far as it was kept aside.
  struct Use {
    std::size_t reports = 0;
    std::uint64_t octets = 0;
  };
  Use count() const;

  std::string folder_;
  std::optional<Use> use_;  // once it was counted
};

}  // namespace authmilter::tools
