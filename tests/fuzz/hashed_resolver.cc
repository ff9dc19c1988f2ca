#include "hashed_resolver.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "input.h"

namespace authmilter::fuzz {
namespace {

// A fuzzer's zone needs no more, and a pool without end would make hashing it the whole work.
constexpr std::size_t kLines = 64;

constexpr std::array kFaults = {DnsFault::timeout, DnsFault::servfail, DnsFault::bogus,
                                DnsFault::malformed, DnsFault::limit};

}  // namespace

HashedResolver::HashedResolver(std::string_view zone) {
  const auto lines = split(zone, '\n');
  mood_ = lines.front();
  for (std::size_t i = 1; i < lines.size() && i < kLines; ++i) {
    const std::string_view line = lines[i];
    const std::size_t blank = line.find(' ');
    if (line.starts_with('@') && blank != std::string_view::npos) {
      bound_[to_lower(line.substr(1, blank - 1))].emplace_back(line.substr(blank + 1));
    } else if (!line.empty()) {
      pool_.emplace_back(line);
    }
  }
}

DnsAnswerRef HashedResolver::resolve(const DnsQuestion& question, Deadline, Freshness) {
  ++calls_;
  questions_.insert(question);
  auto found = std::make_shared<DnsAnswer>(answer(question));
  if (found->status == DnsStatus::temperror) ++faults_;
  return found;
}

DnsAnswer HashedResolver::answer(const DnsQuestion& question) const {
  const std::uint64_t of_name = hash(question.name.text(), hash(mood_));
  const std::uint64_t number = hash(to_string(question.type), of_name);
  if (mood('F')) return DnsAnswer::failed(kFaults[number % kFaults.size()]);
  const bool listed = bound_.contains(question.name.text());
  if (!listed && !mood('n') && number % (mood('f') ? 3 : 17) == 0) {
    return DnsAnswer::failed(kFaults[number / 64 % kFaults.size()]);
  }
  DnsAnswer answer;
  answer.ttl = std::chrono::seconds(number % 4000);
  answer.secure = number % 5 == 0;
  answer.status = DnsStatus::nxdomain;
  if (!listed && (mood('x') || of_name % 8 == 0)) return answer;
  switch (question.type) {
    case RrType::txt:
      for (auto& text : texts(question, number)) answer.records.push_back(TxtRecord{text});
      break;
    case RrType::a:
      for (const auto& one : addresses(question.type, number))
        answer.records.push_back(ARecord{one});
      break;
    case RrType::aaaa:
      for (const auto& one : addresses(question.type, number))
        answer.records.push_back(AaaaRecord{one});
      break;
    case RrType::mx:
      for (std::size_t i = 0; i < number / 8 % 13; ++i) {
        answer.records.push_back(
            MxRecord{static_cast<std::uint16_t>(i), name(hash("mx", number + i))});
      }
      break;
    case RrType::ptr:
      for (std::size_t i = 0; i < number / 8 % 13; ++i) {
        answer.records.push_back(PtrRecord{name(hash("ptr", number + i))});
      }
      break;
    default:  // nobody asks for it
      break;
  }
  answer.status = answer.records.empty() ? DnsStatus::no_data : DnsStatus::success;
  return answer;
}

std::vector<std::string> HashedResolver::texts(const DnsQuestion& question,
                                               std::uint64_t number) const {
  if (const auto found = bound_.find(question.name.text()); found != bound_.end()) {
    return found->second;
  }
  std::vector<std::string> found;
  if (pool_.empty() || number / 8 % 8 == 0) return found;
  found.push_back(pool_[number / 64 % pool_.size()]);
  if (number / 8 % 8 == 1) found.push_back(pool_[number / 4096 % pool_.size()]);
  return found;
}

std::vector<IpAddress> HashedResolver::addresses(RrType type, std::uint64_t number) const {
  std::vector<IpAddress> found;
  for (std::size_t i = 0; i < number / 8 % 4; ++i) {
    const std::uint64_t choice = hash("address", number + i);
    const auto& known = addresses_;
    if (!known.empty() && choice % 2 == 0) {
      const IpAddress& address = known[choice / 2 % known.size()];
      if (address.is_v4() == (type == RrType::a)) found.push_back(address);
      continue;
    }
    std::array<std::uint8_t, 16> octets{0x20, 0x01, 0x0d, 0xb8};
    for (std::size_t at = 4; at < 12; ++at) {
      octets[at] = static_cast<std::uint8_t>(choice >> (8 * (at - 4)));
    }
    found.push_back(type == RrType::a ? IpAddress::v4(std::span(octets).subspan<6, 4>())
                                      : IpAddress::v6(octets));
  }
  return found;
}

DnsName HashedResolver::name(std::uint64_t number) const {
  if (number % 16 == 0) return *DnsName::parse("");  // a null MX
  std::string text = "h" + std::to_string(number / 16 % 8);
  if (number % 16 == 1) text = "a \\\"odd\x01\xff";
  if (!names_.empty() && number % 3 != 0) {
    const DnsName& above = names_[number / 256 % names_.size()];
    if (number % 3 == 1) return above;
    if (const auto below = DnsName::parse(text + "." + above.text())) return *below;
  }
  return *DnsName::parse(text + ".example");
}

}  // namespace authmilter::fuzz
