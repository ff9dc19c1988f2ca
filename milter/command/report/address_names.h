#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <authmilter/report_source.h>
#include <authmilter/resolver.h>

namespace authmilter::tools {

// Of the addresses that only their network would stand for, so many are asked about; the others
// have little mail each.
constexpr std::size_t kNamedAddresses = 100;
// For all of them together: the names are a comfort, and what is not known by then is a network.
constexpr std::chrono::seconds kNamesTime{5};

/// The names of addresses, by their PTR records. Only those that lead back to the address (RFC 8601
/// section 2.7.3 calls that iprev): anybody may call his address as he likes.
AddressNames names_of(const std::vector<std::string>& addresses, Resolver& resolver,
                      Deadline deadline);

}  // namespace authmilter::tools
