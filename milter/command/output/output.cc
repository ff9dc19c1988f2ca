#include "output/output.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

namespace authmilter::tools {
namespace {

constexpr std::size_t kLabelWidth = 16;

bool colour_wanted() {
  // https://no-color.org: any value but the empty one.
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  return ::isatty(STDOUT_FILENO) == 1;
}

const char* colour_of(std::string_view word) {
  constexpr std::array<std::string_view, 3> good = {"pass", "accept", "match"};
  constexpr std::array<std::string_view, 7> bad = {"fail",   "permerror", "reject", "discard",
                                                   "policy", "mismatch",  "revoked"};
  if (std::find(good.begin(), good.end(), word) != good.end()) return "\x1b[32m";
  if (std::find(bad.begin(), bad.end(), word) != bad.end()) return "\x1b[31m";
  return "\x1b[33m";
}

}  // namespace

ExitStatus fail(ExitStatus status, const std::string& message) {
  fmt::print(stderr, "authmilter: {}\n", message);
  return status;
}

void note(const std::string& message) { fmt::print(stderr, "authmilter: note: {}\n", message); }

ExitStatus write_out(std::string_view text, ExitStatus status) {
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? status : fail(ExitStatus::output, "standard output: cannot be written");
}

ExitStatus write_json(const Json& json, ExitStatus status) {
  return write_out(json.text() + "\n", status);
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c >= ' ' && c < '\x7f' && c != '\\') {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

Report::Report() : colour_(colour_wanted()) {}

void Report::heading(std::string_view text) {
  if (!text_.empty()) text_ += '\n';
  text_ += colour_ ? fmt::format("\x1b[1m{}\x1b[0m\n", text) : fmt::format("{}\n", text);
}

void Report::line(std::string_view label, std::string_view text) {
  text_ += fmt::format("  {:<{}}{}\n", label, kLabelWidth, text);
}

std::string Report::result(std::string_view word) const {
  return colour_ ? fmt::format("{}{}\x1b[0m", colour_of(word), word) : std::string(word);
}

}  // namespace authmilter::tools
