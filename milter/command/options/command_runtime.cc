#include "options/command_runtime.h"

#include <memory>
#include <utility>
#include <vector>

#include <authmilter/resolver_set.h>
#include <authmilter/zone_resolver.h>

namespace authmilter::tools {
namespace {

Result<ResolverSet> zones_alone(const std::vector<std::string>& paths) {
  std::vector<ZoneFile> files;
  for (const auto& path : paths) {
    auto file = read_zone_file(path);
    if (!file) return file.error();
    files.push_back(std::move(*file));
  }
  auto zones = make_zone_resolver(files);
  if (!zones) return zones.error();
  ResolverSet set;
  set.zones = std::move(*zones);
  return set;
}

Result<ResolverSet> configured(DnsConfig config, const DnsOptions& options) {
  const auto servers = name_servers(options);
  if (!servers) return servers.error();
  if (!servers->empty()) {
    // "For every name": zones that the daemon would ask first are left out.
    config.nameservers = *servers;
    config.zones.clear();
  }
  if (options.no_dnssec) config.dnssec = DnssecMode::off;
  return make_resolver(config);
}

/// Null, and a note, where this person may not read the key: all else is shown all the same.
std::shared_ptr<const KeyRing> keys_of_seal(const Config& config) {
  if (!config.arc.seal) return nullptr;
  auto keys = config.arc.source ? load_seal_keys(config) : KeyRing::load(config.signing);
  if (keys) return *keys;
  note("not sealed here, the key cannot be read: " + keys.error().message);
  return nullptr;
}

}  // namespace

CommandRuntime::CommandRuntime(Config config, const DnsOptions& options) {
  const bool zones = !options.zones.empty();
  auto dns = zones ? zones_alone(options.zones) : configured(config.dns, options);
  if (dns) {
    auto seal_keys = keys_of_seal(config);
    runtime_.emplace(std::move(config), nullptr, std::move(*dns),
                     std::make_shared<const DkimEngine>(), std::move(seal_keys));
    return;
  }
  status_ = zones                         ? ExitStatus::no_input
            : options.nameservers.empty() ? ExitStatus::configuration
                                          : ExitStatus::usage;
  message_ = dns.error().message;
}

CommandRuntime::CommandRuntime(Config config) {
  auto keys = KeyRing::load(config.signing);
  if (keys) {
    for (const std::string& fault : (*keys)->faults()) note(fault);
    const auto states = KeyStates::load(config.signing.state_directory);
    if (!states->error().empty()) note(states->error());
    runtime_.emplace(std::move(config), KeyRing::choose(*keys, states), ResolverSet{});
    return;
  }
  status_ = ExitStatus::configuration;
  message_ = keys.error().message;
}

CommandRuntime::~CommandRuntime() {
  const std::string notice = runtime_ ? runtime_->dns_notice() : "";
  if (!notice.empty()) note(notice);
}

}  // namespace authmilter::tools
