#include <authmilter/reports_config.h>

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>

#include "base/ascii.h"

namespace authmilter {
namespace {

constexpr std::string_view kSqlite = "sqlite:";
constexpr std::string_view kPostgresql[] = {"postgresql://", "postgres://"};
constexpr std::string_view kMasked = "***";

bool is_plain(std::string_view text) { return std::all_of(text.begin(), text.end(), is_visible); }

/// The secret between `begin` and `end` becomes stars.
void mask(std::string& text, std::size_t begin, std::size_t end) {
  text.replace(begin, std::min(end, text.size()) - begin, kMasked);
}

}  // namespace

Result<StoreAddress> StoreAddress::parse(std::string_view text) {
  if (text.starts_with(kSqlite)) {
    const std::string_view path = text.substr(kSqlite.size());
    if (!path.starts_with('/') || path.ends_with('/') || path.find('\0') != std::string_view::npos)
      return Error{"needs the whole path of a file: \"sqlite:/var/lib/authmilter/reports.db\""};
    return StoreAddress{StoreEngine::sqlite, std::string(path)};
  }
  for (const std::string_view scheme : kPostgresql) {
    if (!text.starts_with(scheme)) continue;
    if (!is_plain(text)) return Error{"holds what a URI writes as %XX"};
    return StoreAddress{StoreEngine::postgresql, std::string(text)};
  }
  return Error{fmt::format("\"{}\" is neither \"sqlite:/PATH\" nor \"postgresql://...\"",
                           authmilter::printable(text))};
}

std::string StoreAddress::text() const {
  return engine == StoreEngine::sqlite ? std::string(kSqlite) + target : target;
}

std::string StoreAddress::printable() const {
  std::string shown = text();
  if (engine == StoreEngine::sqlite) return shown;
  const std::size_t begin = shown.find("://") + 3;
  const std::size_t at = shown.substr(0, shown.find_first_of("/?", begin)).rfind('@');
  if (at != std::string::npos && at >= begin) {
    const std::size_t colon = shown.find(':', begin);
    if (colon < at) mask(shown, colon + 1, at);
  }
  for (const std::string_view name :
       {"?password=", "&password=", "?sslpassword=", "&sslpassword="}) {
    const std::size_t value = shown.find(name);
    if (value == std::string::npos) continue;
    mask(shown, value + name.size(), shown.find('&', value + name.size()));
  }
  return shown;
}

Result<ReportDelivery> ReportDelivery::parse(std::string_view text) {
  if (text.starts_with('/') && text.find('\0') == std::string_view::npos)
    return ReportDelivery{Way::sendmail, std::string(text)};
  for (const std::string_view scheme : {"smtp://", "smtps://"}) {
    if (text.starts_with(scheme) && text.size() > scheme.size() && is_plain(text))
      return ReportDelivery{Way::smtp, std::string(text)};
  }
  return Error{fmt::format(
      "\"{}\" is neither a program's whole path nor \"smtp://HOST[:PORT]\" nor \"smtps://...\"",
      printable(text))};
}

}  // namespace authmilter
