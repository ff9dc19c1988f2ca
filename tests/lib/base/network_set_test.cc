#include <authmilter/network_set.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

using namespace authmilter;

namespace {

IpAddress address(const std::string& text) { return IpAddress::parse(text).value(); }

NetworkSet set_of(const std::vector<std::string>& texts) {
  std::vector<Network> networks;
  for (const std::string& text : texts) networks.push_back(Network::parse(text).value());
  return networks;
}

/// Addresses and networks that often lie in each other: few bits differ, and the prefix length may
/// be any.
class Chance {
 public:
  IpAddress address() {
    std::array<std::uint8_t, 16> octets{};
    for (std::uint8_t& octet : octets) octet = kOctets[below(std::size(kOctets))];
    return below(2) == 0 ? IpAddress::v4(std::span<const std::uint8_t, 4>(octets.data(), 4))
                         : IpAddress::v6(octets);
  }
  Network network() {
    const IpAddress start = address();
    return {start, static_cast<unsigned>(below(start.is_v4() ? 33 : 129))};
  }
  std::size_t below(std::size_t limit) { return random_() % limit; }

 private:
  // The mapped prefix (RFC 4291 section 2.5.5.2) is among them.
  static constexpr std::uint8_t kOctets[] = {0, 0, 0xff, 0xff, 0x7f, 0x80, 1};
  std::mt19937 random_{20261128};  // NOLINT(cert-msc*): the same each time
};

}  // namespace

TEST_CASE("a set of networks holds what one of them holds") {
  const struct {
    std::string why;
    std::vector<std::string> networks;
    std::string address;
    bool held;
  } rows[] = {
      {"nothing holds nothing", {}, "192.0.2.1", false},
      {"all of IPv4, its first", {"0.0.0.0/0"}, "0.0.0.0", true},
      {"all of IPv4, its last", {"0.0.0.0/0"}, "255.255.255.255", true},
      {"all of IPv4 is not IPv6", {"0.0.0.0/0"}, "::1", false},
      {"all of IPv6, its first", {"::/0"}, "::", true},
      {"all of IPv6, its last", {"::/0"}, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true},
      {"all of IPv6 is not IPv4", {"::/0"}, "192.0.2.1", false},
      {"a mapped address is of IPv4", {"::/0"}, "::ffff:192.0.2.1", false},
      {"a mapped address is of IPv4", {"192.0.2.0/24"}, "::ffff:192.0.2.1", true},
      {"a mapped network is of IPv4", {"::ffff:192.0.2.0/120"}, "192.0.2.77", true},
      {"up to where mapped addresses begin", {"::fffe:0:0/95"}, "::fffe:255.255.255.255", true},
      {"which are not part of it", {"::fffe:0:0/95"}, "::ffff:192.0.2.1", false},
      {"behind them", {"::fffe:0:0/95"}, "::1:0:0:0", false},
      {"one address", {"192.0.2.7/32"}, "192.0.2.7", true},
      {"the one before", {"192.0.2.7/32"}, "192.0.2.6", false},
      {"the one behind", {"192.0.2.7/32"}, "192.0.2.8", false},
      {"one address of IPv6", {"2001:db8::7/128"}, "2001:db8::7", true},
      {"the one behind", {"2001:db8::7/128"}, "2001:db8::8", false},
      {"a block's first", {"192.0.2.64/26"}, "192.0.2.64", true},
      {"a block's last", {"192.0.2.64/26"}, "192.0.2.127", true},
      {"before a block", {"192.0.2.64/26"}, "192.0.2.63", false},
      {"behind a block", {"192.0.2.64/26"}, "192.0.2.128", false},
      {"bits behind the prefix do not count", {"192.0.2.99/26"}, "192.0.2.64", true},
      {"behind one within another", {"10.0.0.0/8", "10.1.0.0/16"}, "10.2.0.0", true},
      {"the narrow one first", {"10.1.0.0/16", "10.0.0.0/8"}, "10.2.0.0", true},
      {"two with the same start", {"10.0.0.0/24", "10.0.0.0/8"}, "10.9.9.9", true},
      {"the same twice", {"10.0.0.0/24", "10.0.0.0/24"}, "10.0.0.255", true},
      {"between two", {"10.0.0.0/24", "10.0.2.0/24"}, "10.0.1.0", false},
      {"neighbours", {"10.0.0.0/24", "10.0.1.0/24"}, "10.0.1.0", true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(set_of(row.networks).contains(address(row.address)) == row.held);
  }
}

TEST_CASE("a set keeps its networks in the order in which they were written") {
  const NetworkSet set = set_of({"192.0.2.0/24", "10.0.0.0/8", "::1"});
  REQUIRE(set.size() == 3);
  CHECK(set[0].text() == "192.0.2.0/24");
  CHECK(set[2].text() == "::1/128");
  CHECK(set == set_of({"192.0.2.0/24", "10.0.0.0/8", "::1"}));
  CHECK_FALSE(set == set_of({"10.0.0.0/8", "192.0.2.0/24", "::1"}));
}

TEST_CASE("sets and indexes find what looking at each network finds") {
  Chance chance;
  for (int round = 0; round < 300; ++round) {
    std::vector<Network> networks;
    std::vector<NetworkIndex::Entry> entries;
    for (std::size_t i = chance.below(40); i > 0; --i) {
      networks.push_back(chance.network());
      entries.push_back({networks.back(), static_cast<std::uint32_t>(chance.below(20))});
    }
    const NetworkSet set(networks);
    const NetworkIndex index(entries);
    for (int i = 0; i < 100; ++i) {
      const IpAddress client = chance.address();
      std::vector<std::uint32_t> numbers;
      for (const auto& entry : entries) {
        if (entry.network.contains(client)) numbers.push_back(entry.number);
      }
      auto found = index.find(client);
      std::sort(numbers.begin(), numbers.end());
      std::sort(found.begin(), found.end());
      CAPTURE(client.text());
      REQUIRE(found == numbers);
      REQUIRE(set.contains(client) == !numbers.empty());
    }
  }
}
