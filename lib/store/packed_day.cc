#include "store/packed_day.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace authmilter {
namespace {

// SQLite puts what is longer than a page into pages of its own, of which the last is half empty on
// average.
constexpr std::size_t kPartOctets = 64 * 1024;
constexpr std::size_t kV4 = 4;
constexpr std::size_t kV6 = 16;

/// Seven bits an octet, the lowest first; the highest bit says that another follows.
void put_number(std::string& out, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7U) out += static_cast<char>(0x80U | (number & 0x7fU));
  out += static_cast<char>(number);
}

class Octets {
 public:
  explicit Octets(std::string_view text) : rest_(text) {}
  bool empty() const { return rest_.empty(); }

  std::optional<std::uint64_t> number() {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto octet = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      number |= static_cast<std::uint64_t>(octet & 0x7fU) << shift;
      if (octet < 0x80) return number;
    }
    return std::nullopt;
  }

  std::optional<std::string_view> take(std::size_t size) {
    if (rest_.size() < size) return std::nullopt;
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

 private:
  std::string_view rest_;
};

std::size_t common(std::string_view a, std::string_view b) {
  const auto ends = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(ends.first - a.begin());
}

using Source = std::pair<std::string_view, std::uint64_t>;  // and its messages

/// How many octets each address has in common with the one before, what follows, and the count.
/// Both numbers are small, mostly: they share an octet, and a count that has no room follows.
constexpr std::uint64_t kCountsInside = 8;
void put_sources(std::string& out, const std::vector<Source>& sources, std::size_t size) {
  put_number(out, sources.size());
  std::string_view before;
  for (const auto& [address, messages] : sources) {
    const std::size_t same = std::min(common(before, address), size - 1);
    const bool inside = messages > 0 && messages < kCountsInside;
    out += static_cast<char>(same * kCountsInside + (inside ? messages : 0));
    if (!inside) put_number(out, messages);
    out += address.substr(same);
    before = address;
  }
}

bool read_sources(Octets& octets, std::size_t size, std::int64_t kind,
                  const std::function<void(PackedKey&&, std::uint64_t)>& take) {
  const auto count = octets.number();
  if (!count) return false;
  std::string address;
  for (std::uint64_t i = 0; i < *count; ++i) {
    const auto head = octets.take(1);
    if (!head) return false;
    const std::size_t octet = static_cast<unsigned char>(head->front());
    std::optional<std::uint64_t> messages = octet % kCountsInside;
    if (*messages == 0) messages = octets.number();
    const std::size_t same = octet / kCountsInside;
    if (!messages || same > address.size() || same >= size) return false;
    const auto rest = octets.take(size - same);
    if (!rest) return false;
    address.resize(same);
    address += *rest;
    take({kind, address}, *messages);
  }
  return true;
}

}  // namespace

std::vector<std::string> pack(const PackedRows& rows) {
  std::vector<std::string> parts;
  std::string part;
  std::int64_t before = 0;
  for (auto row = rows.begin(); row != rows.end();) {
    const std::int64_t kind = row->first.kind;
    std::vector<Source> v4, v6;
    for (; row != rows.end() && row->first.kind == kind; ++row)
      (row->first.source.size() == kV4 ? v4 : v6).emplace_back(row->first.source, row->second);
    put_number(part, static_cast<std::uint64_t>(kind - before));
    put_sources(part, v4, kV4);
    put_sources(part, v6, kV6);
    before = kind;
    if (part.size() < kPartOctets) continue;
    parts.push_back(std::move(part));
    part.clear();
    before = 0;
  }
  if (!part.empty()) parts.push_back(std::move(part));
  return parts;
}

bool unpack(std::string_view part,
            const std::function<void(PackedKey&& key, std::uint64_t messages)>& take) {
  Octets octets(part);
  std::int64_t kind = 0;
  while (!octets.empty()) {
    const auto further = octets.number();
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!further || *further > kMost - static_cast<std::uint64_t>(kind)) return false;
    kind += static_cast<std::int64_t>(*further);
    if (!read_sources(octets, kV4, kind, take) || !read_sources(octets, kV6, kind, take))
      return false;
  }
  return true;
}

}  // namespace authmilter
