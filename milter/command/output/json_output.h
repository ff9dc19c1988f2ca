#pragma once

#include <nlohmann/json.hpp>

#include <authmilter/dmarc.h>
#include <authmilter/spf.h>
#include <authmilter/verify.h>

namespace authmilter::tools {

// The objects of `--json`. Names and order are part of the contract with the command's users; what
// is unknown is null.

nlohmann::ordered_json spf_check_json(const SpfOutcome& outcome);
nlohmann::ordered_json dmarc_json(const DmarcOutcome& outcome);
nlohmann::ordered_json verdict_json(const Verdict& verdict);

}  // namespace authmilter::tools
