#pragma once

#include <string>
#include <vector>

#include <authmilter/ip_address.h>
#include <authmilter/result.h>

#include "import/translation.h"

namespace authmilter::importer {

/// What a configuration of OpenDKIM leaves to be known when that of OpenDMARC follows.
struct DkimFacts {
  std::vector<Network> internal;
  bool verifies = true;
  bool tempfails_on_dns_error = false;  // asked for, not by default
};

/// Translates opendkim.conf; see translate_signing() for `keys_directory`. An error is a file that
/// cannot be read, or a data set that is none.
Result<DkimFacts> translate_opendkim(const Settings& settings, const Files& files,
                                     const std::string& keys_directory, Translation& translation);

}  // namespace authmilter::importer
