#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include <authmilter/dns_answer.h>
#include <authmilter/ip_address.h>

namespace authmilter {

using Deadline = std::chrono::steady_clock::time_point;
constexpr Deadline kNoDeadline = Deadline::max();

/// cached: an answer that was given before will do while its time to live lasts; what mail needs.
/// fresh: the name servers are asked anew, past every cache of ours, for programs that wait for a
/// change to be seen; what the name servers keep themselves is out of reach. Two who ask the same
/// at a time get one answer.
enum class Freshness : std::uint8_t { cached, fresh };

/// On whose behalf the DNS is asked: the client that brought the message. Its share of the look-ups
/// under way is counted by its address (IPv6: its /64) and by its network (IPv4 /24, IPv6 /48).
/// Clients whose address is not known are one client.
class DnsClient {
 public:
  DnsClient() = default;
  explicit DnsClient(const std::optional<IpAddress>& address) : address_(address) {}
  const std::optional<IpAddress>& address() const { return address_; }

 private:
  std::optional<IpAddress> address_;
};

/// Looks names up. Process-wide implementations are thread-safe; decorators made for one message
/// (budget, recording) belong to that message.
class Resolver {
 public:
  Resolver() = default;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  virtual ~Resolver() = default;

  /// Blocks until the answer is there, this resolver's own time limit has passed or `deadline` is
  /// reached; the last two are a temperror. Never null, never throws for anything the network does.
  virtual DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline,
                               Freshness freshness) = 0;
  DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline = kNoDeadline) {
    return resolve(question, deadline, Freshness::cached);
  }

  /// Starts a lookup whose answer will probably be needed, if there is room for such. Never blocks.
  virtual void prefetch(const DnsQuestion& question) = 0;

  /// The answer, where it is at hand already; null otherwise. Asks nobody and never blocks.
  virtual DnsAnswerRef known(const DnsQuestion&) { return nullptr; }

  /// This resolver as one message of `client` uses it, for one thread at a time. What the message
  /// asks for counts against the client's share while it is under way, the answers stay with the
  /// message whatever their time to live, and what is still under way when the view is destroyed
  /// ends, unless others want it too. Null where no view is needed: the resolver itself will do.
  /// Must not outlive the resolver.
  virtual std::unique_ptr<Resolver> for_message(const DnsClient&) { return nullptr; }
};

}  // namespace authmilter
