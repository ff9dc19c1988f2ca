#pragma once

#include <string>
#include <vector>

#include <authmilter/key_publication.h>
#include <authmilter/result.h>

#include "output/json.h"

namespace authmilter::tools {

Json change_json(const RecordChange& change);

/// Tells a program of changes that the DNS needs, one after the other: ACTION DOMAIN SELECTOR NAME
/// behind its own arguments, and the change as JSON on its standard input; what it says goes to
/// standard error. No shell is between. A run that fails, or takes longer than a minute, leaves the
/// others alone; each such run is a line of what is returned. It may take its time: nobody holds a
/// lock meanwhile.
std::vector<std::string> run_hook(const std::vector<std::string>& hook,
                                  const std::vector<RecordChange>& changes);

}  // namespace authmilter::tools
