#include "import/host_list.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include <fmt/format.h>

#include "import/text.h"

namespace authmilter::importer {
namespace {

unsigned width(const IpAddress& address) { return address.is_v4() ? 32 : 128; }

bool contains(const Network& outer, const Network& inner) {
  return outer.prefix_length() <= inner.prefix_length() && outer.contains(inner.address());
}

IpAddress with_bit(const IpAddress& address, unsigned bit, bool value) {
  std::array<std::uint8_t, 16> octets{};
  std::copy(address.octets().begin(), address.octets().end(), octets.begin());
  const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
  auto& octet = octets.at(bit / 8);
  octet =
      static_cast<std::uint8_t>(value ? octet | mask : octet & static_cast<std::uint8_t>(~mask));
  if (address.is_v4()) return IpAddress::v4(std::span<const std::uint8_t, 4>(octets.data(), 4));
  return IpAddress::v6(octets);
}

bool has_host_bits(const Network& network) {
  for (unsigned bit = network.prefix_length(); bit < width(network.address()); ++bit) {
    if ((network.address().octets()[bit / 8] & (0x80U >> (bit % 8))) != 0) return true;
  }
  return false;
}

/// The halves of `network` that do not hold `hole`, down to the hole itself.
void cut(const Network& network, const Network& hole, std::vector<Network>& out) {
  if (contains(hole, network)) return;
  if (!contains(network, hole)) {
    out.push_back(network);
    return;
  }
  for (unsigned length = network.prefix_length(); length < hole.prefix_length(); ++length) {
    const bool bit = (hole.address().octets()[length / 8] & (0x80U >> (length % 8))) != 0;
    IpAddress sibling = with_bit(hole.address(), length, !bit);
    for (unsigned rest = length + 1; rest < width(sibling); ++rest)
      sibling = with_bit(sibling, rest, false);
    out.emplace_back(sibling, length + 1);
  }
}

/// "255.255.255.0" as a prefix length.
std::optional<unsigned> mask_length(std::string_view text) {
  const auto mask = IpAddress::parse(text);
  if (!mask || !mask->is_v4()) return std::nullopt;
  std::uint32_t bits = 0;
  for (const std::uint8_t octet : mask->octets()) bits = bits << 8U | octet;
  const auto ones = static_cast<unsigned>(std::countl_one(bits));
  return static_cast<unsigned>(std::popcount(bits)) == ones ? std::optional(ones) : std::nullopt;
}

/// "192.168.*" of a file of patterns, as a block.
std::optional<Network> parse_octet_pattern(std::string_view text) {
  auto parts = pieces(text, '.');
  while (!parts.empty() && parts.back() == "*") parts.pop_back();
  if (parts.empty() || parts.size() > 3 || !text.ends_with('*')) return std::nullopt;
  const auto length = static_cast<unsigned>(parts.size()) * 8;
  parts.resize(4, "0");
  const auto address = IpAddress::parse(join(parts, "."));
  return address ? std::optional(Network(*address, length)) : std::nullopt;
}

std::string without_brackets(std::string_view text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out),
               [](char c) { return c != '[' && c != ']'; });
  return out;
}

std::optional<Network> parse_block(const std::string& entry, DataSetKind kind) {
  const std::string text = without_brackets(entry);
  if (kind == DataSetKind::patterns && text.find('*') != std::string::npos)
    return parse_octet_pattern(text);
  if (const auto network = Network::parse(text)) return network;
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, slash));
  const auto length = mask_length(text.substr(slash + 1));
  if (!address || !address->is_v4() || !length) return std::nullopt;
  return Network(*address, *length);
}

struct Entry {
  Network network;
  bool excluded;
};

class Reader {
 public:
  Reader(const std::string& setting, DataSetKind kind, Remarks& remarks)
      : setting_(setting), kind_(kind), remarks_(remarks) {}

  void take(const DataSetEntry& entry) {
    const bool excluded = entry.key.starts_with('!');
    const std::string name = excluded ? entry.key.substr(1) : entry.key;
    if (same_word(name, "localhost")) {
      entries.push_back({*Network::parse("127.0.0.1"), excluded});
      entries.push_back({*Network::parse("::1"), excluded});
      return;
    }
    const auto network = parse_block(name, kind_);
    if (!network) {
      warn(entry,
           "is a host's name: clients are told by their address alone; add the addresses "
           "that it stands for");
    } else if (has_host_bits(*network)) {
      // Both programs mask the client's address and look for exactly this text.
      warn(entry, fmt::format("has never matched a client, because bits are set behind its prefix; "
                              "add the block by its first address if you mean all of /{}",
                              network->prefix_length()));
    } else {
      entries.push_back({*network, excluded});
    }
  }

  std::vector<Entry> entries;

 private:
  void warn(const DataSetEntry& entry, std::string_view text) {
    remarks_.push_back(
        {Weight::warning, entry.place, setting_, fmt::format("\"{}\" {}", entry.key, text)});
  }

  const std::string& setting_;
  DataSetKind kind_;
  Remarks& remarks_;
};

/// The blocks that were taken so far, each to be found by those within it. None has a bit set
/// behind its prefix.
class Blocks {
 public:
  void add(const Network& network) {
    lengths_.at(network.prefix_length()) = true;
    known_.insert(key(network.address(), network.prefix_length()));
  }
  bool contain(const Network& network) const {
    IpAddress address = network.address();
    for (unsigned length = network.prefix_length() + 1; length-- > 0;) {
      if (length < width(address)) address = with_bit(address, length, false);
      if (lengths_.at(length) && known_.contains(key(address, length))) return true;
    }
    return false;
  }

 private:
  static std::string key(const IpAddress& address, unsigned length) {
    return address.text() + "/" + std::to_string(length);
  }

  std::array<bool, 129> lengths_{};  // that occur
  std::unordered_set<std::string> known_;
};

}  // namespace

std::vector<Network> networks_of(const std::string& setting, const DataSet& hosts,
                                 Remarks& remarks) {
  Reader reader(setting, hosts.kind, remarks);
  for (const DataSetEntry& entry : hosts.entries) reader.take(entry);
  // opendkim.conf(5), PeerList: the more precise entry is preferred, and the exclusion of two.
  auto& entries = reader.entries;
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    if (a.network.prefix_length() != b.network.prefix_length())
      return a.network.prefix_length() < b.network.prefix_length();
    return !a.excluded && b.excluded;
  });
  std::vector<Network> networks;
  Blocks blocks;
  for (const Entry& entry : entries) {
    if (entry.excluded) {
      networks = outside(networks, {entry.network});
      blocks = Blocks();
      for (const Network& network : networks) blocks.add(network);
    } else if (!blocks.contain(entry.network)) {
      networks.push_back(entry.network);
      blocks.add(entry.network);
    }
  }
  return networks;
}

std::vector<Network> outside(const std::vector<Network>& wanted,
                             const std::vector<Network>& taken) {
  std::vector<Network> left = wanted;
  for (const Network& hole : taken) {
    std::vector<Network> next;
    for (const Network& network : left) cut(network, hole, next);
    left = std::move(next);
  }
  return left;
}

std::vector<std::string> texts_of(const std::vector<Network>& networks) {
  std::vector<std::string> texts;
  std::transform(networks.begin(), networks.end(), std::back_inserter(texts),
                 [](const Network& network) {
                   const bool host = network.prefix_length() == width(network.address());
                   return host ? network.address().text() : network.text();
                 });
  return texts;
}

}  // namespace authmilter::importer
