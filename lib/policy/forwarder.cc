#include <authmilter/forwarder.h>

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/words.h"
#include "message/received.h"

namespace authmilter {
namespace {

// Forwarders in a row, and the hosts inside of one. More is a loop.
constexpr std::size_t kHops = 10;

using R = ForwarderReason;
constexpr Word<R> kReasons[] = {
    {R::none, ""},
    {R::spf_answers_for_it, "spf-answers-for-it"},
    {R::no_received, "no-received"},
    {R::malformed_received, "malformed-received"},
    {R::foreign_received, "foreign-received"},
    {R::submitted_there, "submitted-there"},
    {R::too_many_hops, "too-many-hops"},
};
static_assert(is_complete(kReasons, R::too_many_hops));

const Forwarder* find(const IpAddress& client, const std::vector<Forwarder>& forwarders) {
  const auto found =
      std::find_if(forwarders.begin(), forwarders.end(),
                   [&](const Forwarder& forwarder) { return forwarder.networks.contains(client); });
  return found == forwarders.end() ? nullptr : &*found;
}

bool may_write(const Forwarder& forwarder, const DomainName& name) {
  const auto& names = forwarder.received_by;
  return std::find(names.begin(), names.end(), name) != names.end();
}

PastForwarder stays(ForwarderReason reason) {
  PastForwarder past;
  past.reason = reason;
  return past;
}

}  // namespace

std::string_view to_string(ForwarderReason reason) { return word_of(kReasons, reason); }

std::optional<PastForwarder> look_past_forwarders(const std::optional<IpAddress>& client,
                                                  const std::vector<HeaderField>& fields,
                                                  const std::vector<Forwarder>& forwarders) {
  const Forwarder* forwarder = client ? find(*client, forwarders) : nullptr;
  if (forwarder == nullptr) return std::nullopt;
  std::size_t hops = 0;
  for (const HeaderField& field : fields) {
    if (!has_name(field, "Received")) continue;
    if (++hops > kHops) return stays(R::too_many_hops);
    const auto received = read_received(field.value);
    if (!received) return stays(R::malformed_received);
    if (!may_write(*forwarder, received->by)) return stays(R::foreign_received);
    if (!received->client) return stays(R::submitted_there);
    // A filter that hands the message back: what stands below is the forwarder's again.
    if (forwarder->internal.contains(*received->client)) continue;
    // Any program there may have written what stands below.
    if (forwarder->networks.contains(*received->client)) return stays(R::submitted_there);
    const Forwarder* before = find(*received->client, forwarders);
    if (before == nullptr) {
      // A host of the forwarder's own, whose address is another host's to everybody else: SPF has
      // no answer for it, and what stands below may be its users'.
      if (!is_global(*received->client)) return stays(R::submitted_there);
      PastForwarder past;
      past.client = received->client;
      past.helo = parse_helo(received->helo);
      return past;
    }
    forwarder = before;
  }
  return stays(R::no_received);
}

}  // namespace authmilter
