#include <authmilter/network_set.h>

#include <algorithm>
#include <utility>

namespace authmilter {
namespace {

constexpr unsigned kOctetBits = 8;

/// `octets` with every bit behind `prefix_length` cleared.
std::array<std::uint8_t, 16> cut(std::array<std::uint8_t, 16> octets, unsigned prefix_length) {
  for (unsigned i = 0; i < octets.size(); ++i) {
    const unsigned kept = std::clamp(prefix_length, i * kOctetBits, (i + 1) * kOctetBits);
    octets[i] &= static_cast<std::uint8_t>(0xff00U >> (kept - i * kOctetBits));
  }
  return octets;
}

std::array<std::uint8_t, 16> octets_of(const IpAddress& address) {
  std::array<std::uint8_t, 16> octets{};
  const auto given = address.octets();
  std::copy(given.begin(), given.end(), octets.begin());
  return octets;
}

IpAddress cut(const IpAddress& address, unsigned prefix_length) {
  const auto octets = cut(octets_of(address), prefix_length);
  return address.is_v4() ? IpAddress::v4(std::span<const std::uint8_t, 4>(octets.data(), 4))
                         : IpAddress::v6(octets);
}

}  // namespace

Network without_host_bits(const Network& network) {
  return {cut(network.address(), network.prefix_length()), network.prefix_length()};
}

NetworkSet::Range NetworkSet::range_of(const Network& network) {
  Range range{cut(octets_of(network.address()), network.prefix_length()), {}};
  Octets ones;
  ones.fill(0xff);
  const Octets prefix = cut(ones, network.prefix_length());
  for (std::size_t i = 0; i < ones.size(); ++i)
    range.last[i] = static_cast<std::uint8_t>(range.first[i] | static_cast<unsigned>(~prefix[i]));
  return range;
}

std::vector<NetworkSet::Range> NetworkSet::disjoint(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return a.first != b.first ? a.first < b.first : a.last > b.last;
  });
  // Two blocks are disjoint, or one lies in the other, which then comes before it.
  std::vector<Range> kept;
  for (const Range& range : ranges) {
    if (kept.empty() || range.first > kept.back().last) kept.push_back(range);
  }
  kept.shrink_to_fit();
  return kept;
}

NetworkSet::NetworkSet(std::vector<Network> networks) : networks_(std::move(networks)) {
  std::vector<Range> v4;
  std::vector<Range> v6;
  for (const Network& network : networks_)
    (network.address().is_v4() ? v4 : v6).push_back(range_of(network));
  v4_ = disjoint(std::move(v4));
  v6_ = disjoint(std::move(v6));
}

bool NetworkSet::contains(const IpAddress& address) const {
  const auto& ranges = address.is_v4() ? v4_ : v6_;
  const Octets octets = octets_of(address);
  const auto behind = std::upper_bound(
      ranges.begin(), ranges.end(), octets,
      [](const Octets& wanted, const Range& range) { return wanted < range.first; });
  return behind != ranges.begin() && octets <= std::prev(behind)->last;
}

NetworkIndex::NetworkIndex(const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    const Network network = without_host_bits(entry.network);
    auto& levels = network.address().is_v4() ? v4_ : v6_;
    auto level = std::find_if(levels.begin(), levels.end(), [&](const Level& l) {
      return l.prefix_length == network.prefix_length();
    });
    if (level == levels.end())
      level = levels.insert(levels.end(), Level{network.prefix_length(), {}});
    level->numbers.emplace_back(network.address(), entry.number);
  }
  for (auto* levels : {&v4_, &v6_}) {
    for (Level& level : *levels) {
      std::sort(level.numbers.begin(), level.numbers.end());
      level.numbers.shrink_to_fit();
    }
  }
}

std::vector<std::uint32_t> NetworkIndex::find(const IpAddress& address) const {
  std::vector<std::uint32_t> found;
  for (const Level& level : address.is_v4() ? v4_ : v6_) {
    const IpAddress block = cut(address, level.prefix_length);
    auto at = std::lower_bound(level.numbers.begin(), level.numbers.end(),
                               std::pair(block, std::uint32_t{0}));
    for (; at != level.numbers.end() && at->first == block; ++at) found.push_back(at->second);
  }
  return found;
}

}  // namespace authmilter
