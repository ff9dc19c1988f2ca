#pragma once

#include "settings_file.h"

namespace authmilter::migration {

/// Every setting of opendmarc.conf(5), and the few that OpenDMARC takes besides.
KnownSettings opendmarc_settings();

}  // namespace authmilter::migration
