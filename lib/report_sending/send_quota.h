#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/policy_record.h>

namespace authmilter {

/// Reports about the domains of one organization in a day. The owner of a domain can have a policy
/// at each of any number of names below it, and have the reports about all of them sent to one
/// address; those who have many have some dozens.
constexpr std::size_t kReportsOfOwner = 250;
/// Reports to one address in a day, whoever they are about. Who reads reports for others has one
/// address for each of them, or for all.
constexpr std::size_t kReportsToAddress = 2000;

/// Counts the reports of one day.
class SendQuota {
 public:
  using Addresses = std::vector<ReportAddress>;
  /// Why there is no room for another one; empty when there is.
  std::string full(const DomainName& owner, const Addresses& addresses) const;
  void count(const DomainName& owner, const Addresses& addresses);

 private:
  std::map<DomainName, std::size_t> owners_;
  std::map<std::string, std::size_t> mailboxes_;  // in lower case: most hosts see no difference
};

}  // namespace authmilter
