#include <algorithm>

#include "base/ascii.h"
#include "config/options.h"

namespace authmilter {

std::string literal(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (octet < ' ' || c == '\x7f') {
      out += fmt::format("\\u{:04X}", octet);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string literal_list(const std::vector<std::string>& members) {
  std::string out = "[";
  for (const auto& member : members) {
    if (out.size() > 1) out += ", ";
    out += literal(member);
  }
  return out + "]";
}

std::string print_config(const Config& config) {
  std::string text;
  for (const Section& section : sections()) {
    text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", section.name);
    text += print_table(section.options, config);
    for (const auto& option : section.options) {
      if (option.print_tables != nullptr)
        text += option.print_tables(config, fmt::format("{}.{}", section.name, option.key));
    }
  }
  return text;
}

}  // namespace authmilter
