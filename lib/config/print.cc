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
    if (section.name == "network") {
      for (const auto& requirement : config.require_tls)
        text += "\n[[network.require_tls]]\n" + print_table(tls_requirement_options(), requirement);
    }
    if (section.name == "policy") {
      for (const auto& rule : config.policy.overrides)
        text += "\n[[policy.override]]\n" + print_table(override_options(), rule);
    }
    if (section.name == "signing") {
      for (const auto& domain : config.signing.domains)
        text += "\n[[signing.domain]]\n" + print_table(signing_domain_options(), domain);
    }
  }
  return text;
}

}  // namespace authmilter
