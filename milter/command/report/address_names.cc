#include "report/address_names.h"

#include <algorithm>
#include <optional>

#include <authmilter/domain_name.h>
#include <authmilter/ip_address.h>

namespace authmilter::tools {
namespace {

// RFC 7208 section 4.6.4 gives up on more; one is what most addresses have.
constexpr std::size_t kNamesOfAddress = 3;

std::optional<DnsQuestion> reverse_question(const std::string& text) {
  const auto address = IpAddress::parse(text);
  if (!address) return std::nullopt;
  const auto name = DnsName::parse(address->reverse_name());
  if (!name) return std::nullopt;
  return DnsQuestion{*name, RrType::ptr};
}

/// The names that may be shown as domains.
std::vector<DomainName> names_in(const DnsAnswer& answer) {
  std::vector<DomainName> names;
  for (const auto& record : answer.all<PtrRecord>()) {
    if (names.size() == kNamesOfAddress) break;
    if (auto name = DomainName::parse(record.target.text())) names.push_back(std::move(*name));
  }
  return names;
}

DnsQuestion forward_question(const DomainName& name, const IpAddress& address) {
  return {DnsName(name), address.is_v4() ? RrType::a : RrType::aaaa};
}

}  // namespace

AddressNames names_of(const std::vector<std::string>& addresses, Resolver& resolver,
                      Deadline deadline) {
  for (const std::string& address : addresses) {
    if (const auto question = reverse_question(address)) resolver.prefetch(*question);
  }
  AddressNames names;
  for (const std::string& text : addresses) {
    const auto question = reverse_question(text);
    if (!question || std::chrono::steady_clock::now() >= deadline) continue;
    const IpAddress address = *IpAddress::parse(text);
    for (const DomainName& name : names_in(*resolver.resolve(*question, deadline))) {
      const auto forward = resolver.resolve(forward_question(name, address), deadline)->addresses();
      if (std::find(forward.begin(), forward.end(), address) == forward.end()) continue;
      names.emplace(text, name.text());
      break;
    }
  }
  return names;
}

}  // namespace authmilter::tools
