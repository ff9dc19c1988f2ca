#include "status/exposition_text.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <system_error>

#include <fmt/format.h>

namespace authmilter::tools {
namespace {

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}
bool is_name_char(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// Reads one line from left to right; every function leaves the place alone when it finds nothing.
class Line {
 public:
  explicit Line(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }

  bool take(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool skip_blanks() { return !take_while(is_blank).empty(); }

  std::string_view take_name() {
    return rest_.empty() || !is_name_start(rest_.front()) ? std::string_view()
                                                          : take_while(is_name_char);
  }

  std::string_view take_word() {
    return take_while([](char c) { return !is_blank(c); });
  }

  /// A label's value between quotes; nothing when they do not end or an escape is none.
  std::optional<std::string> take_quoted() {
    if (!take('"')) return std::nullopt;
    std::string value;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return value;
      if (c != '\\') {
        value += c;
        continue;
      }
      const char escaped = rest_.empty() ? '\0' : rest_.front();
      if (escaped != '\\' && escaped != '"' && escaped != 'n') return std::nullopt;
      value += escaped == 'n' ? '\n' : escaped;
      rest_.remove_prefix(1);
    }
    return std::nullopt;
  }

 private:
  template <class Predicate>
  std::string_view take_while(Predicate predicate) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), predicate);
    const auto size = static_cast<std::size_t>(end - rest_.begin());
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
};

std::optional<double> parse_number(std::string_view word) {
  if (word.starts_with('+')) {
    word.remove_prefix(1);
    if (word.starts_with('-')) return std::nullopt;
  }
  if (word == "Inf") return std::numeric_limits<double>::infinity();
  if (word == "-Inf") return -std::numeric_limits<double>::infinity();
  if (word == "NaN" || word == "Nan") return std::numeric_limits<double>::quiet_NaN();
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || word.empty()) return std::nullopt;
  return value;
}

bool take_labels(Line& line, Sample& sample) {
  if (!line.take('{')) return true;
  for (;;) {
    line.skip_blanks();
    if (line.take('}')) return true;
    const std::string name(line.take_name());
    line.skip_blanks();
    if (name.empty() || !line.take('=')) return false;
    line.skip_blanks();
    auto value = line.take_quoted();
    if (!value || !sample.labels.emplace(name, std::move(*value)).second) return false;
    line.skip_blanks();
    if (line.take(',')) continue;
    return line.take('}');
  }
}

std::optional<Sample> parse_sample(std::string_view text) {
  Line line(text);
  Sample sample;
  sample.name = line.take_name();
  const bool blank = line.skip_blanks();
  if (sample.name.empty() || !take_labels(line, sample)) return std::nullopt;
  if (sample.labels.empty() && !blank && !line.skip_blanks()) return std::nullopt;
  line.skip_blanks();
  const auto value = parse_number(line.take_word());
  if (!value) return std::nullopt;
  sample.value = *value;
  line.skip_blanks();
  if (!line.at_end() && !parse_number(line.take_word())) return std::nullopt;  // its time
  line.skip_blanks();
  return line.at_end() ? std::optional(std::move(sample)) : std::nullopt;
}

}  // namespace

std::string_view Sample::label(std::string_view label_name) const {
  const auto found = labels.find(label_name);
  return found == labels.end() ? std::string_view() : std::string_view(found->second);
}

Result<std::vector<Sample>> parse_exposition(std::string_view text) {
  std::vector<Sample> samples;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    // The last line is ended too, or the text was cut off.
    if (end == std::string_view::npos) return Error{fmt::format("line {}: not ended", number)};
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line.find_first_not_of(" \t") == std::string_view::npos || line.starts_with('#')) continue;
    auto sample = parse_sample(line);
    if (!sample) return Error{fmt::format("line {}: not a sample", number)};
    samples.push_back(std::move(*sample));
  }
  return samples;
}

}  // namespace authmilter::tools
