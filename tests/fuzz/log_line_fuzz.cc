#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "input.h"
#include "log/log.h"

// Log lines of values that strangers choose: nobody adds a line, a field or a control character,
// and what is written can be read again.
//
//     text
//     value of the first field
//     %%
//     value of the second field

using namespace authmilter;
using fuzz::require;

namespace {

/// One value as format_text() writes it, taken off the line; as a reader understands it.
std::string take_value(std::string_view& line) {
  std::string value;
  const bool quoted = line.starts_with('"');
  if (quoted) line.remove_prefix(1);
  for (;;) {
    if (line.empty() || line.front() == (quoted ? '"' : ' ')) break;
    const bool escape = line.front() == '\\';
    require(!escape || (quoted && line.size() > 1), "an escape is whole and stands in quotes");
    if (escape) {
      line.remove_prefix(1);
      // \xHH stays as it is.
      if (line.front() == 'x') value += '\\';
    }
    value += line.front();
    line.remove_prefix(1);
  }
  require(!quoted || line.starts_with('"'), "quotes are closed");
  if (quoted) line.remove_prefix(1);
  require(line.empty() || line.starts_with(' '), "a blank ends a value");
  return value;
}

/// What a reader may find: the value with its odd octets marked, cut where it is long.
bool says(const std::string& read, const std::string& value) {
  std::string marked;
  for (const char c : value) {
    if (is_printable(c)) {
      marked += c;
      continue;
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto octet = static_cast<unsigned char>(c);
    marked += std::string("\\x") + kDigits[octet / 16] + kDigits[octet % 16];
  }
  if (read == marked) return true;
  return value.size() > 50 && read.ends_with("...") &&
         marked.starts_with(read.substr(0, read.size() - 3));
}

void check_text(const std::string& text, const LogFields& fields) {
  const std::string all = format_text(text, fields);
  require(fuzz::printable_ascii(all), "a line is one line");
  const std::string head = format_text(text, {});
  require(all.starts_with(head), "the text comes first");
  std::string_view line = std::string_view(all).substr(head.size());
  for (const LogField& field : fields) {
    if (line.starts_with(' ')) line.remove_prefix(1);
    const std::string key = std::string(field.key) + '=';
    require(line.starts_with(key), "every field has its key");
    line.remove_prefix(key.size());
    require(says(take_value(line), std::get<std::string>(field.value)), "and its value");
  }
  require(line.empty(), "and nothing follows");
}

void check_json(const std::string& text, const LogFields& fields) {
  const std::string line =
      format_json(LogLevel::info, text, fields,
                  std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000)));
  require(fuzz::printable_ascii(line), "a line is one line");
  const auto object = nlohmann::json::parse(line, nullptr, false);
  require(object.is_object(), "it is an object");
  require(object.size() == 2 + (text.empty() ? 0 : 1) + fields.size(), "of these members");
  require(text.empty() || says(object.at("message"), text), "with the text");
  for (const LogField& field : fields) {
    require(says(object.at(std::string(field.key)), std::get<std::string>(field.value)),
            "and the values");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::string text(input.line());
  const std::string first(input.part());
  const std::string second(input.rest());
  const LogFields fields = {{"first", first}, {"second", second}};
  check_text(text, fields);
  check_json(text, fields);
  check_text("", {{"only", first}});
  return 0;
}
