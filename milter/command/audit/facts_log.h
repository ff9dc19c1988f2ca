#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <authmilter/result.h>

namespace authmilter::tools {

/// A file of facts that grows by a line a domain. What is there is read first, a line at a time; a
/// last line without an end, as a run that was killed leaves it, is cut off. One process has the
/// file at a time. Errors begin with the path.
class FactsLog {
 public:
  enum class Access : std::uint8_t { reading, growing };
  /// A file that grows is made where it is not there.
  static Result<FactsLog> open(const std::string& path, Access access);

  /// The next whole line of before, without its end; nothing behind the last one.
  Result<std::optional<std::string>> next_line();
  std::size_t line_number() const { return lines_; }
  /// Once all lines of before were read: `line` and its end, in one piece.
  Status append(std::string_view line);

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  FactsLog(std::string path, Access access, std::FILE* file)
      : path_(std::move(path)), access_(access), file_(file) {}

  std::string path_;
  Access access_;
  std::unique_ptr<std::FILE, Close> file_;
  std::size_t lines_ = 0;
  std::int64_t end_ = 0;  // of the last whole line
};

}  // namespace authmilter::tools
