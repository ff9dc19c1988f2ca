#include "import/settings_file.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "import/text.h"

namespace authmilter::importer {
namespace {

constexpr int kIncludeDepth = 5;  // opendkim.conf(5)
constexpr std::string_view kInclude = "Include";

/// What a setting that is not in the table may be: it is reported and otherwise ignored.
constexpr KnownSetting kUnknown = {"", ValueKind::text, Treatment::translated, "", ""};

std::string_view without_comment(std::string_view line) {
  return line.substr(0, line.find_first_of("#\r"));
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

/// Why the program would not take the value; empty when it would.
std::string complaint(const KnownSetting& known, std::string_view value) {
  if (value.empty()) return "has no value";
  if (known.kind == ValueKind::boolean && !parse_boolean(value))
    return fmt::format("\"{}\" is neither yes nor no", value);
  if (known.kind == ValueKind::integer && !parse_integer(value))
    return fmt::format("\"{}\" is not a number", value);
  return "";
}

class Reader {
 public:
  Reader(KnownSettings known, const ReadFile& read_file) : known_(known), read_file_(read_file) {}

  Status read(const std::string& path, int depth) {
    const auto text = read_file_(path);
    if (!text) return text.error();
    Place place{path, 0};
    for (const std::string_view line : lines_of(*text)) {
      ++place.line;
      const auto [name, value] = first_word(without_comment(line));
      if (name.empty()) continue;
      if (auto taken = take(name, value, place, depth); !taken) return taken;
    }
    return Done{};
  }

  std::vector<Setting> settings;

 private:
  Status take(std::string_view name, std::string_view value, const Place& place, int depth) {
    const KnownSetting* found = find_known(known_, name);
    const KnownSetting& known = found == nullptr ? kUnknown : *found;
    const std::string wrong = complaint(known, value);
    if (!wrong.empty()) return Error{fmt::format("{}: {}: {}", place.text(), name, wrong)};
    if (known.kind == ValueKind::file && same_word(name, kInclude)) {
      if (depth == kIncludeDepth)
        return Error{fmt::format("{}: more than {} files deep", place.text(), kIncludeDepth)};
      return read(std::string(value), depth + 1);
    }
    settings.push_back(
        {std::string(found == nullptr ? name : found->name), std::string(value), place});
    return Done{};
  }

  KnownSettings known_;
  const ReadFile& read_file_;
};

bool has_no_effect(const KnownSetting& known, std::string_view value) {
  if (known.without_effect.empty()) return false;
  if (known.kind == ValueKind::boolean)
    return parse_boolean(value) == parse_boolean(known.without_effect);
  if (known.kind == ValueKind::integer)
    return parse_integer(value) == parse_integer(known.without_effect);
  return same_word(value, known.without_effect);
}

}  // namespace

const KnownSetting* find_known(KnownSettings known, std::string_view name) {
  const auto found = std::find_if(known.begin(), known.end(), [&](const KnownSetting& setting) {
    return same_word(setting.name, name);
  });
  return found == known.end() ? nullptr : &*found;
}

Result<Settings> Settings::read(const std::string& path, KnownSettings known,
                                const ReadFile& read_file) {
  Reader reader(known, read_file);
  if (const auto done = reader.read(path, 0); !done) return done.error();
  Settings settings;
  settings.file_ = path;
  settings.settings_ = std::move(reader.settings);
  return settings;
}

const Setting* Settings::find(std::string_view name) const {
  const auto found =
      std::find_if(settings_.rbegin(), settings_.rend(),
                   [&](const Setting& setting) { return same_word(setting.name, name); });
  return found == settings_.rend() ? nullptr : &*found;
}

std::optional<std::string> Settings::text(std::string_view name) const {
  const Setting* setting = find(name);
  return setting == nullptr ? std::nullopt : std::optional(setting->value);
}

bool Settings::boolean(std::string_view name, bool otherwise) const {
  const Setting* setting = find(name);
  return setting == nullptr ? otherwise : parse_boolean(setting->value).value_or(otherwise);
}

long Settings::integer(std::string_view name, long otherwise) const {
  const Setting* setting = find(name);
  return setting == nullptr ? otherwise : parse_integer(setting->value).value_or(otherwise);
}

Place Settings::place(std::string_view name) const {
  const Setting* setting = find(name);
  return setting == nullptr ? Place{file_, 0} : setting->place;
}

void remark_on_losses(const Settings& settings, KnownSettings known, Remarks& remarks) {
  // Of a setting that is written several times the last one counts.
  std::unordered_map<std::string, const Setting*> in_force;
  for (const Setting& setting : settings.all()) in_force[lower(setting.name)] = &setting;
  for (const Setting& setting : settings.all()) {
    if (in_force[lower(setting.name)] != &setting) continue;
    const KnownSetting* found = find_known(known, setting.name);
    if (found == nullptr) {
      remarks.push_back({Weight::warning, setting.place, setting.name,
                         "unknown setting: nothing was made of it"});
    } else if (found->treatment == Treatment::lost && !has_no_effect(*found, setting.value)) {
      remarks.push_back({Weight::warning, setting.place, setting.name,
                         fmt::format("has no equal: {}", found->loss)});
    }
  }
}

}  // namespace authmilter::importer
