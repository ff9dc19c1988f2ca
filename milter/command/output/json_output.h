#pragma once

#include <authmilter/dmarc.h>
#include <authmilter/spf.h>
#include <authmilter/verify.h>

#include "output/json.h"

namespace authmilter::tools {

// The objects of `--json`. Names and order are part of the contract with the command's users; what
// is unknown is null.

Json spf_check_json(const SpfOutcome& outcome);
Json dmarc_json(const DmarcOutcome& outcome);
Json verdict_json(const MessageVerdict& verdict);

}  // namespace authmilter::tools
