#pragma once

#include <string>
#include <vector>

#include <unbound.h>

#include <authmilter/result.h>

#include "base/c_handle.h"
#include "dns/event_loop.h"

namespace authmilter {

using UnboundContext = CHandle<ub_ctx, ub_ctx_delete>;

/// A libunbound context that runs on `loop` and asks `nameservers` ("ADDR", "ADDR@PORT"), or the
/// system's when there are none. It validates when `trust_anchor_file` is not empty.
Result<UnboundContext> make_unbound_context(EventLoop& loop,
                                            const std::vector<std::string>& nameservers,
                                            const std::string& trust_anchor_file);

}  // namespace authmilter
