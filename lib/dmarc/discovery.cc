#include "dmarc/discovery.h"

#include <utility>

#include "dmarc/opendmarc_bridge.h"

namespace authmilter {
namespace {

DmarcReason reason_not_to_ask(const DomainName& author_domain) {
  // A name of one label (localhost) means something else on each host, and is not asked for.
  if (author_domain.label_count() < 2) return DmarcReason::single_label_domain;
  // A name that leaves no room for the prefix can have no record, and no mail server either: a none
  // would let it through.
  if (!policy_record_name(author_domain) || !opendmarc_accepts(author_domain))
    return DmarcReason::unusable_author_domain;
  return DmarcReason::none;
}

}  // namespace

DmarcDiscovery::DmarcDiscovery(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DmarcDiscovery::DmarcDiscovery(DmarcDiscovery&& other) noexcept = default;
DmarcDiscovery& DmarcDiscovery::operator=(DmarcDiscovery&& other) noexcept = default;
DmarcDiscovery::~DmarcDiscovery() = default;

const DomainName& DmarcDiscovery::author_domain() const { return impl_->author_domain; }

std::optional<DomainName> DmarcDiscovery::organizational_domain() const {
  return impl_->author ? impl_->author->organizational_domain.certain() : std::nullopt;
}

const DomainName* DmarcDiscovery::policy_domain() const {
  return impl_->policy.source != nullptr ? &impl_->policy.source->name : nullptr;
}

const PolicyRecord* DmarcDiscovery::record() const {
  return impl_->policy.source != nullptr ? impl_->policy.source->record.get() : nullptr;
}

DmarcDiscovery discover_dmarc(const DomainName& author_domain, Resolver& resolver) {
  auto found = std::make_unique<DmarcDiscovery::Impl>(author_domain, resolver);
  found->unasked = reason_not_to_ask(author_domain);
  if (found->unasked != DmarcReason::none) return DmarcDiscovery(std::move(found));
  // RFC 9989 section 5.3.2: does DMARC apply?
  found->walk = found->answers.walk(author_domain);
  found->author = AuthorSide{author_domain, select_organizational_domain(found->walk)};
  found->policy = discover_policy(found->walk, found->author->organizational_domain, resolver);
  return DmarcDiscovery(std::move(found));
}

}  // namespace authmilter
