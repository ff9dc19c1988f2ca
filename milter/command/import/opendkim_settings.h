#pragma once

#include "import/settings_file.h"

namespace authmilter::importer {

/// Every setting of opendkim.conf(5), and the few that OpenDKIM takes besides.
KnownSettings opendkim_settings();

}  // namespace authmilter::importer
