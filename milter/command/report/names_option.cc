#include "report/names_option.h"

namespace authmilter::tools {

void add_names_option(const Command& command, NamesOption& options) {
  command.add_flag("--no-names", options.without, "do not ask the DNS for names of addresses");
  add_dns_options(command, options.dns);
}

NamesResolver::NamesResolver(const NamesOption& options, const Config& config) {
  if (options.without) return;
  // No key is of use here, that of seals neither.
  Config without_keys = config;
  without_keys.arc.seal = false;
  runtime_.emplace(std::move(without_keys), options.dns);
}

}  // namespace authmilter::tools
