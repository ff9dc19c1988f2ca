#include "options/dns_setup.h"

#include <utility>
#include <vector>

#include <authmilter/unbound_resolver.h>
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

DnsConfig with_options(DnsConfig config, const DnsOptions& options) {
  if (!options.nameservers.empty()) {
    // "For every name": zones that the daemon would ask first are left out.
    config.nameservers = options.nameservers;
    config.zones.clear();
  }
  if (options.no_dnssec) config.dnssec = DnssecMode::off;
  return config;
}

}  // namespace

CommandResolver::CommandResolver(const DnsOptions& options, const DnsConfig& config) {
  const bool zones = !options.zones.empty();
  auto made = zones ? zones_alone(options.zones) : make_resolver(with_options(config, options));
  if (made) {
    set_ = std::move(*made);
    return;
  }
  status_ = zones                         ? ExitStatus::no_input
            : options.nameservers.empty() ? ExitStatus::configuration
                                          : ExitStatus::usage;
  message_ = made.error().message;
}

CommandResolver::~CommandResolver() {
  const std::string notice = set_ ? set_->notice() : "";
  if (!notice.empty()) note(notice);
}

}  // namespace authmilter::tools
