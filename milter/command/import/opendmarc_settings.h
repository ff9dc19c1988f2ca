#pragma once

#include "import/settings_file.h"

namespace authmilter::importer {

/// Every setting of opendmarc.conf(5), and the few that OpenDMARC takes besides.
KnownSettings opendmarc_settings();

}  // namespace authmilter::importer
