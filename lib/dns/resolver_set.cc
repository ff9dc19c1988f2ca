#include <authmilter/resolver_set.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "base/file.h"

namespace authmilter {
namespace {

constexpr std::size_t kMaximumZoneFile = 64UL * 1024 * 1024;

/// The unquoted words of one line of a master file, without its comment.
std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> found;
  std::size_t at = 0;
  while (at < line.size() && line[at] != ';') {
    if (is_fws(line[at]) || line[at] == '(' || line[at] == ')') {
      ++at;
      continue;
    }
    if (line[at] == '"') {
      const std::size_t end = line.find('"', at + 1);
      if (end == std::string_view::npos) return found;
      at = end + 1;
      continue;
    }
    const std::size_t end = std::min(line.find_first_of(" \t\r;()\"", at), line.size());
    found.push_back(line.substr(at, end - at));
    at = end;
  }
  return found;
}

bool is_class(std::string_view word) {
  return equals_ignoring_case(word, "IN") || equals_ignoring_case(word, "CH") ||
         equals_ignoring_case(word, "HS");
}

/// RFC 1035 section 5.1: [owner] [TTL] [class] type. The zone's parser says whether the record is
/// sound; here it only matters that there is one.
bool is_soa_record(std::string_view line) {
  auto rest = words(line);
  if (!line.empty() && !is_wsp(line.front()) && !rest.empty()) rest.erase(rest.begin());
  const auto type = std::find_if_not(rest.begin(), rest.end(), [](std::string_view word) {
    return is_class(word) || is_digit(word.front());
  });
  return type != rest.end() && equals_ignoring_case(*type, "SOA");
}

bool has_soa(const ZoneFile& file) {
  const auto lines = split(file.text, '\n');
  return std::any_of(lines.begin(), lines.end(), is_soa_record);
}

/// A mistake in or about one of the files, with the place in the configuration that names it.
Error in_list(const DnsConfig& config, const Error& error) {
  return config.zones_where.empty() ? error : Error{config.zones_where + ": " + error.message};
}

}  // namespace

Result<ZoneFile> read_zone_file(const std::filesystem::path& path) {
  auto text = read_file(path, kMaximumZoneFile);
  if (!text) return Error{path.string() + ": " + text.error().message};
  return ZoneFile{path.string(), std::move(*text)};
}

Result<ResolverSet> make_resolver(const DnsConfig& config, std::shared_ptr<Resolver> running,
                                  DnsObserver* observer) {
  std::vector<ZoneFile> files;
  for (const auto& path : config.zones) {
    auto file = read_zone_file(path);
    if (!file) return in_list(config, file.error());
    files.push_back(std::move(*file));
  }
  ResolverSet set;
  const bool zones_only = !files.empty() && config.nameservers.empty() &&
                          std::none_of(files.begin(), files.end(), has_soa);
  if (!zones_only && running) {
    const auto renewed = renew_upstream(*running);
    if (!renewed) return renewed.error();
    set.upstream = std::move(running);
  } else if (!zones_only) {
    auto upstream = make_unbound_resolver({.nameservers = config.nameservers,
                                           .dnssec = config.dnssec,
                                           .timeout = config.timeout,
                                           .cache_octets = config.cache_octets,
                                           .trust_anchor_file = config.trust_anchor.string(),
                                           .observer = observer});
    if (!upstream) return upstream.error();
    set.upstream = std::move(*upstream);
  }
  if (!files.empty()) {
    auto zones = make_zone_resolver(files, set.upstream.get());
    if (!zones) return in_list(config, zones.error());
    set.zones = std::move(*zones);
  }
  return set;
}

}  // namespace authmilter
