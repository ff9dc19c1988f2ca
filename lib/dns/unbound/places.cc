#include "dns/unbound/places.h"

#include <algorithm>

namespace authmilter {

const PlaceLimits::Share& PlaceLimits::of(DnsShare share) const {
  switch (share) {
    case DnsShare::table:
      return table;
    case DnsShare::client:
      return client;
    case DnsShare::network:
      return network;
    case DnsShare::domain:
      return domain;
    case DnsShare::subdomain:
      return subdomain;
  }
  return table;
}

std::size_t& Places::Account::of(Use use) {
  switch (use) {
    case Use::waiting:
      return waiting;
    case Use::ahead:
      return ahead;
    case Use::left_over:
      return left_over;
  }
  return waiting;
}

std::optional<DnsShare> Places::used_up(const ShareKeys& keys, Use use) const {
  for (const ShareKey& key : keys) {
    const auto found = accounts_.find(key);
    const Account account = found == accounts_.end() ? Account() : found->second;
    const auto& limit = limits_.of(key.share);
    const bool room =
        use == Use::waiting ? account.waiting < limit.waiting : account.all() < limit.ahead;
    if (!room) return key.share;
  }
  return std::nullopt;
}

void Places::add(const ShareKeys& keys, Use use) {
  for (const ShareKey& key : keys) ++accounts_[key].of(use);
}

void Places::remove(const ShareKeys& keys, Use use) {
  for (const ShareKey& key : keys) {
    const auto found = accounts_.find(key);
    if (found == accounts_.end()) continue;
    std::size_t& count = found->second.of(use);
    if (count > 0) --count;
    if (found->second.all() == 0) accounts_.erase(found);
  }
}

void Places::change(const ShareKeys& keys, Use from, Use to) {
  if (from == to) return;
  add(keys, to);
  remove(keys, from);
}

std::size_t Places::count(const ShareKey& key, Use use) const {
  const auto found = accounts_.find(key);
  return found == accounts_.end() ? 0 : Account(found->second).of(use);
}

}  // namespace authmilter
