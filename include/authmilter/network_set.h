#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

#include <authmilter/ip_address.h>

namespace authmilter {

/// Networks in the order in which they were written, which may overlap. Whether one of them holds
/// an address is found by halving, so a hundred thousand take hardly longer than ten. Immutable.
class NetworkSet {
 public:
  NetworkSet() = default;
  NetworkSet(std::vector<Network> networks);  // NOLINT: it is the same list
  NetworkSet(std::initializer_list<Network> networks) : NetworkSet(std::vector(networks)) {}

  bool contains(const IpAddress& address) const;

  bool empty() const { return networks_.empty(); }
  std::size_t size() const { return networks_.size(); }
  auto begin() const { return networks_.begin(); }
  auto end() const { return networks_.end(); }
  const Network& operator[](std::size_t place) const { return networks_[place]; }
  bool operator==(const NetworkSet& other) const { return networks_ == other.networks_; }

 private:
  /// The octets of an address, an IPv4 one's in front. Not an IpAddress: the last address of a
  /// block may be one that is mapped, and then it would be another.
  using Octets = std::array<std::uint8_t, 16>;
  struct Range {
    Octets first;
    Octets last;
  };
  static Range range_of(const Network& network);
  static std::vector<Range> disjoint(std::vector<Range> ranges);

  std::vector<Network> networks_;
  std::vector<Range> v4_;  // ascending, without those that lie in another
  std::vector<Range> v6_;
};

/// Numbers under networks. All that stand under a network that holds an address are found at the
/// price of one search for each length of prefix that there is, however many networks.
class NetworkIndex {
 public:
  struct Entry {
    Network network;
    std::uint32_t number;
  };

  NetworkIndex() = default;
  explicit NetworkIndex(const std::vector<Entry>& entries);

  /// In no order; a number may be there more than once.
  std::vector<std::uint32_t> find(const IpAddress& address) const;

 private:
  /// Of one family and length, sorted by address.
  struct Level {
    unsigned prefix_length;
    std::vector<std::pair<IpAddress, std::uint32_t>> numbers;
  };
  std::vector<Level> v4_;
  std::vector<Level> v6_;
};

/// The network without the bits behind its prefix.
Network without_host_bits(const Network& network);

}  // namespace authmilter
