#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/ip_address.h>
#include <authmilter/message.h>
#include <authmilter/network_set.h>

namespace authmilter {

/// `[[policy.forwarder]]`: hosts that hand mail on under the reverse-path that it came with, so
/// that SPF has to look past them.
struct Forwarder {
  NetworkSet networks;  // addresses from which they hand mail to others
  /// Those of hosts inside, which hand each other what came from outside: loopback too, if only
  /// their filters use it. Nobody becomes the forwarder by one of these.
  NetworkSet internal;
  std::vector<DomainName> received_by;  // the names that they write behind "by" in Received
  bool operator==(const Forwarder&) const = default;
};

/// Why SPF does not look past a forwarder, but at it.
enum class ForwarderReason : std::uint8_t {
  none,
  spf_answers_for_it,  // SPF is about the forwarder, and passes or stays open
  no_received,         // it wrote none, or none that is on top
  malformed_received,  // which names no client
  foreign_received,    // the topmost is by somebody else
  submitted_there,  // the message began at the forwarder: on its host, or in a network of its own
  too_many_hops,
};
std::string_view to_string(ForwarderReason reason);

/// What there is to know of the way behind a client that is a forwarder.
struct PastForwarder {
  std::optional<IpAddress> client;  // who handed the message to it; nothing: for `reason`
  Helo helo = {};                   // and what he called himself
  ForwarderReason reason = ForwarderReason::none;
};

/// Reads the topmost Received fields of a message that `client` hands over; nothing when that is
/// not a forwarder. A field counts only where the host that wrote it is known: the topmost is the
/// forwarder's, the next one only if the client that the topmost names is inside of it, or another
/// forwarder. Whatever stands below is anybody's. Pure.
std::optional<PastForwarder> look_past_forwarders(const std::optional<IpAddress>& client,
                                                  const std::vector<HeaderField>& fields,
                                                  const std::vector<Forwarder>& forwarders);

}  // namespace authmilter
