#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <authmilter/dns_record.h>
#include <authmilter/ip_address.h>
#include <authmilter/name_server.h>

namespace authmilter {

/// One question to one name server, by itself: to find out what that server does. The lookups of
/// mail go through libunbound.
struct DirectQuestion {
  DnsName name;
  RrType type;
  enum class Transport : std::uint8_t { udp, tcp } transport = Transport::udp;
  /// edns: room for more than 512 octets (RFC 6891). dnssec: with the DO bit (RFC 3225) too.
  enum class Extension : std::uint8_t { none, edns, dnssec } extension = Extension::dnssec;
  /// Of a resolver recursion is desired, of a zone's own server not.
  enum class Recursion : std::uint8_t { desired, none } recursion = Recursion::desired;
};

/// What came back.
struct DirectReply {
  enum class Outcome : std::uint8_t {
    answered,    // a reply to this question, whatever its code
    silent,      // nothing in time
    refused,     // by the host: no such port, no way there, the connection was cut
    unreadable,  // no reply to this question
  };
  Outcome outcome = Outcome::silent;
  std::chrono::microseconds after{0};
  unsigned rcode = 0;
  bool truncated = false;      // TC
  bool recursive = false;      // RA
  bool authoritative = false;  // AA
  bool authentic = false;      // AD: the server says that it has validated this (RFC 4035)
  bool extended = false;       // the reply has EDNS too
  bool has_signatures = false;
  std::size_t octets = 0;
  std::size_t records = 0;           // of the type that was asked for
  std::vector<IpAddress> addresses;  // of A records
  std::size_t text_octets = 0;       // of TXT records together
  std::vector<DnsRecord> answers;    // of the type that was asked for, as far as they can be used
  std::chrono::seconds ttl{0};       // of these, the longest
  /// Where the CNAME record of the name leads to, the records of which may be there too.
  std::optional<DnsName> alias;
  std::chrono::seconds alias_ttl{0};

  bool answered() const { return outcome == Outcome::answered; }
};

/// Blocks for `timeout` at most; over UDP the question is sent twice within it.
DirectReply ask_directly(const NameServer& server, const DirectQuestion& question,
                         std::chrono::milliseconds timeout);

/// For tests: reads a reply. `unreadable` when it is none to the question with this `id`.
DirectReply read_direct_reply(std::span<const std::uint8_t> message, std::uint16_t id,
                              const DirectQuestion& question);

}  // namespace authmilter
