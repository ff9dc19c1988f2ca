#pragma once

#include "settings_file.h"

namespace authmilter::migration {

/// Every setting of opendkim.conf(5), and the few that OpenDKIM takes besides.
KnownSettings opendkim_settings();

}  // namespace authmilter::migration
