#include "runtime.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

namespace authmilter {
namespace {

// A zone of ours is a test fixture or a split horizon, not the whole of a TLD.
constexpr std::uintmax_t kZoneFileOctets = 64 * 1024 * 1024;

bool same_upstream(const DnsConfig& a, const DnsConfig& b) {
  return a.nameservers == b.nameservers && a.dnssec == b.dnssec && a.timeout == b.timeout;
}

Result<ZoneFile> read_zone(const std::filesystem::path& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) return Error{fmt::format("{}: {}", path.string(), error.message())};
  if (size > kZoneFileOctets) return Error{fmt::format("{}: zone file too large", path.string())};
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) return Error{fmt::format("{}: {}", path.string(), std::strerror(errno))};
  return ZoneFile{path.string(), std::move(text)};
}

/// Null when no zones are configured.
Result<std::shared_ptr<Resolver>> load_zones(const DnsConfig& config, Resolver& network) {
  if (config.zones.empty()) return std::shared_ptr<Resolver>();
  std::vector<ZoneFile> files;
  for (const auto& path : config.zones) {
    auto file = read_zone(path);
    if (!file) return file.error();
    files.push_back(std::move(*file));
  }
  auto zones = make_zone_resolver(files, &network);
  if (!zones) return zones.error();
  return std::shared_ptr<Resolver>(std::move(*zones));
}

Result<std::shared_ptr<Resolver>> make_network_resolver(const DnsConfig& config) {
  UnboundOptions options;
  options.nameservers = config.nameservers;
  options.dnssec = config.dnssec;
  options.timeout = config.timeout;
  auto resolver = make_unbound_resolver(options);
  if (!resolver) return resolver.error();
  return std::shared_ptr<Resolver>(std::move(*resolver));
}

}  // namespace

Runtime::Runtime(Config config, std::shared_ptr<const KeyRing> keys,
                 std::shared_ptr<Resolver> resolver, std::shared_ptr<const DkimEngine> engine)
    : config_(std::move(config)),
      keys_(std::move(keys)),
      engine_(std::move(engine)),
      network_(std::move(resolver)) {}

Result<std::shared_ptr<const Runtime>> Runtime::load(const std::filesystem::path& path,
                                                     const std::string& host_name,
                                                     const Runtime* previous) {
  auto config = load_config(path, host_name);
  if (!config) return config.error();
  auto keys = KeyRing::load(config->signing);
  if (!keys) return keys.error();

  std::shared_ptr<Resolver> network;
  if (previous != nullptr && same_upstream(previous->config_.dns, config->dns)) {
    network = previous->network_;
  } else {
    auto made = make_network_resolver(config->dns);
    if (!made) return made.error();
    network = std::move(*made);
  }
  auto zones = load_zones(config->dns, *network);
  if (!zones) return zones.error();

  auto engine = previous != nullptr ? previous->engine_ : std::make_shared<const DkimEngine>();
  auto runtime = std::make_shared<Runtime>(std::move(*config), std::move(*keys), std::move(network),
                                           std::move(engine));
  runtime->zones_ = std::move(*zones);
  return std::shared_ptr<const Runtime>(std::move(runtime));
}

}  // namespace authmilter
