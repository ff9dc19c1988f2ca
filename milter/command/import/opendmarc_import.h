#pragma once

#include <optional>

#include <authmilter/result.h>

#include "import/opendkim_import.h"
#include "import/translation.h"

namespace authmilter::importer {

/// Translates opendmarc.conf; with `dkim`, behind an opendkim.conf that the same translation has
/// begun with. An error is a file that cannot be read.
Status translate_opendmarc(const Settings& settings, const Files& files,
                           const std::optional<DkimFacts>& dkim, Translation& translation);

/// The policy of an OpenDKIM that stands alone: nothing is refused for what SPF or DMARC say.
void judge_nothing(Draft& draft, std::string origin);

}  // namespace authmilter::importer
