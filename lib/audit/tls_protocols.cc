#include "audit/tls_protocols.h"

#include <algorithm>
#include <optional>

#include "base/ascii.h"

namespace authmilter {
namespace {

constexpr TlsVersion kAll[] = {TlsVersion::ssl_3, TlsVersion::tls_1_0, TlsVersion::tls_1_1,
                               TlsVersion::tls_1_2, TlsVersion::tls_1_3};

std::optional<TlsVersion> version_of(std::string_view name) {
  // Postfix takes the numbers of the protocol too.
  constexpr struct {
    std::string_view name, number;
    TlsVersion version;
  } kNames[] = {
      {"SSLv3", "0300", TlsVersion::ssl_3},     {"TLSv1", "0301", TlsVersion::tls_1_0},
      {"TLSv1.1", "0302", TlsVersion::tls_1_1}, {"TLSv1.2", "0303", TlsVersion::tls_1_2},
      {"TLSv1.3", "0304", TlsVersion::tls_1_3},
  };
  for (const auto& known : kNames) {
    if (equals_ignoring_case(name, known.name) || name == known.number) return known.version;
  }
  return std::nullopt;
}

}  // namespace

std::set<TlsVersion> postfix_tls_versions(std::string_view list) {
  std::set<TlsVersion> named, excluded;
  TlsVersion least = TlsVersion::ssl_3;
  TlsVersion most = TlsVersion::tls_1_3;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find_first_of(" \t,:"), list.size());
    std::string_view word = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    const bool from = word.starts_with(">=");
    const bool up_to = word.starts_with("<=");
    const bool without = word.starts_with("!");
    if (from || up_to) word.remove_prefix(2);
    if (without) word.remove_prefix(1);
    const auto version = version_of(word);
    if (!version) continue;
    if (from) {
      least = *version;
    } else if (up_to) {
      most = *version;
    } else {
      (without ? excluded : named).insert(*version);
    }
  }
  std::set<TlsVersion> allowed;
  for (const TlsVersion version : kAll) {
    const bool taken = named.empty() || named.count(version) > 0;
    if (taken && excluded.count(version) == 0 && version >= least && version <= most)
      allowed.insert(version);
  }
  return allowed;
}

}  // namespace authmilter
