#pragma once

#include <string>
#include <string_view>

#include <authmilter/result.h>

namespace authmilter::tools {

/// Keeps what could not be read, for somebody to look at: `FOLDER/HASH.report` as it came, and
/// beside it `HASH.reason` with the reason and where it came from. The same octets are kept once.
/// The folder is made, for its owner alone, when the first comes.
class KeptAside {
 public:
  /// An empty folder: nothing is kept.
  explicit KeptAside(std::string folder) : folder_(std::move(folder)) {}
  bool wanted() const { return !folder_.empty(); }
  Status keep(std::string_view octets, std::string_view name, std::string_view reason) const;

 private:
  std::string folder_;
};

}  // namespace authmilter::tools
