#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <unbound.h>

#include <authmilter/name_server.h>
#include <authmilter/result.h>

#include "dns/unbound/event_loop.h"
#include "dns/unbound/trust_anchor.h"

namespace authmilter {

/// Whom a context asks. Name servers that were `configured` are asked everything; of the `system`'s
/// not what libunbound answers by itself (localhost, invalid and their like).
struct Upstream {
  enum class Source : std::uint8_t { configured, system };
  Source source = Source::configured;
  std::vector<NameServer> servers;  // never empty: libunbound would ask the root's
  bool operator==(const Upstream&) const = default;
};

/// What a context may take.
struct ContextSize {
  std::size_t cache_octets;  // of memory, for all that it keeps
  /// Under way at a time without one waiting for another; about 6 KiB of memory for each, which
  /// libunbound takes with the first question.
  unsigned questions;
};

/// Shared by the questions that are under way in it.
using UnboundContext = std::shared_ptr<ub_ctx>;

/// A libunbound context that runs on `loop`. It validates when there are `anchors`.
Result<UnboundContext> make_unbound_context(EventLoop& loop, const Upstream& upstream,
                                            const TrustAnchors& anchors, const ContextSize& size);

}  // namespace authmilter
