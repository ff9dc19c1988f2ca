#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include <authmilter/dns_answer.h>
#include <authmilter/resolver.h>

namespace authmilter {

/// What is shared out: the table of all look-ups under way; the part of it that one client, one
/// network of clients, and one parent of names may have: all names below the same two labels, and
/// below the same three.
enum class DnsShare : std::uint8_t { table, client, network, domain, subdomain };
std::string_view to_string(DnsShare share);

/// Is told, for statistics, what becomes of the questions that are sent to name servers. Called
/// from several threads at once and in the midst of mail, so it must be quick.
class DnsObserver {
 public:
  virtual ~DnsObserver() = default;
  /// Once for each question sent. Without an answer within the time limit of a query it has failed
  /// by `timeout`, whatever comes later.
  virtual void answered(const DnsAnswer& answer, std::chrono::microseconds after) noexcept = 0;
  /// A question that a message of `client` waits for was not sent, because `share` is used up.
  virtual void overloaded(DnsShare share, const DnsClient& client) noexcept = 0;
};

}  // namespace authmilter
