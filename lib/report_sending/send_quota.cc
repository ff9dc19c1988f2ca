#include "report_sending/send_quota.h"

#include <fmt/format.h>

#include "base/ascii.h"

namespace authmilter {
namespace {

template <class Key>
std::size_t counted(const std::map<Key, std::size_t>& counts, const Key& key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

}  // namespace

std::string SendQuota::full(const DomainName& owner, const Addresses& addresses) const {
  if (counted(owners_, owner) >= kReportsOfOwner)
    return fmt::format("{} reports about domains of {} have been sent today", kReportsOfOwner,
                       owner.text());
  for (const ReportAddress& address : addresses) {
    if (counted(mailboxes_, to_lower(address.mailbox)) >= kReportsToAddress)
      return fmt::format("{} reports have been sent to {} today", kReportsToAddress,
                         address.mailbox);
  }
  return {};
}

void SendQuota::count(const DomainName& owner, const Addresses& addresses) {
  ++owners_[owner];
  for (const ReportAddress& address : addresses) ++mailboxes_[to_lower(address.mailbox)];
}

}  // namespace authmilter
