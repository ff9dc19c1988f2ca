#include "audit/postfix_services.h"

#include <algorithm>
#include <string_view>

#include "base/ascii.h"

namespace authmilter {
namespace {

/// Words of a line of `postconf -M`; what stands in braces is one word, "{ name = value }".
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  int depth = 0;
  for (const char c : line) {
    if (c == '{') ++depth;
    if (c == '}') --depth;
    if (is_fws(c) && depth <= 0) {
      if (!word.empty()) words.push_back(std::move(word));
      word.clear();
    } else {
      word += c;
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

unsigned port_of(std::string_view name) {
  // "host:port", "[::1]:smtp"
  const std::size_t colon = name.rfind(':');
  if (colon != std::string_view::npos) name.remove_prefix(colon + 1);
  if (name == "smtp" || name == "25") return 25;
  if (name == "smtps" || name == "submissions" || name == "465") return 465;
  if (name == "submission" || name == "587") return 587;
  return 0;
}

void add_override(PostfixService& service, std::string_view text) {
  if (text.starts_with('{') && text.ends_with('}')) text = text.substr(1, text.size() - 2);
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return;
  service.overrides[std::string(trim_fws(text.substr(0, equals)))] =
      trim_fws(text.substr(equals + 1));
}

}  // namespace

std::string postfix_setting(const HostFacts& host, const std::string& name) {
  const auto found = host.postfix.find(name);
  return found == host.postfix.end() ? std::string() : found->second;
}

std::string PostfixService::setting(const HostFacts& host, const std::string& wanted) const {
  const auto found = overrides.find(wanted);
  return found == overrides.end() ? postfix_setting(host, wanted) : found->second;
}

std::vector<PostfixService> postfix_services(const HostFacts& host) {
  constexpr std::size_t kCommand = 7;  // of a line's fields
  std::vector<PostfixService> services;
  for (const std::string& line : host.postfix_services) {
    const auto words = words_of(line);
    if (words.size() <= kCommand || words[1] != "inet") continue;
    // postscreen(8) hands on to an smtpd that has main.cf's settings.
    if (words[kCommand] != "smtpd" && words[kCommand] != "postscreen") continue;
    PostfixService service{words[0], port_of(words[0]), {}};
    if (service.port == 0) continue;
    for (std::size_t i = kCommand + 1; i < words.size(); ++i) {
      if (words[i] == "-o" && i + 1 < words.size()) {
        add_override(service, words[++i]);
      } else if (words[i].starts_with("-o")) {
        add_override(service, std::string_view(words[i]).substr(2));
      }
    }
    services.push_back(std::move(service));
  }
  return services;
}

}  // namespace authmilter
