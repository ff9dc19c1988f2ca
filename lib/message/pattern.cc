#include <authmilter/pattern.h>

#include <utility>

#include "base/ascii.h"

namespace authmilter {

std::optional<DomainPattern> DomainPattern::parse(std::string_view text) {
  const bool below = text.starts_with("*.");
  auto domain = DomainName::parse(below ? text.substr(2) : text);
  if (!domain) return std::nullopt;
  return DomainPattern{std::move(*domain), below};
}

std::string DomainPattern::text() const { return (below ? "*." : "") + domain.text(); }

bool DomainPattern::matches(const std::optional<DomainName>& name) const {
  if (!name) return false;
  return below ? *name != domain && name->is_equal_or_below(domain) : *name == domain;
}

std::optional<AddressPattern> AddressPattern::parse(std::string_view text) {
  if (text == "<>") return AddressPattern{};
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos) {
    auto domain = DomainPattern::parse(text);
    if (!domain) return std::nullopt;
    return AddressPattern{std::move(domain), {}};
  }
  if (at == 0) {
    auto domain = DomainName::parse(text.substr(1));
    if (!domain) return std::nullopt;
    return AddressPattern{DomainPattern{std::move(*domain)}, ""};
  }
  ReversePath address = parse_reverse_path(text);
  if (!address.domain || address.local_part.empty() || text.front() == '<') return std::nullopt;
  return AddressPattern{DomainPattern{std::move(*address.domain)}, std::move(address.local_part)};
}

std::string AddressPattern::text() const {
  if (!domain) return "<>";
  if (!local_part) return domain->text();
  if (local_part->empty()) return "@" + domain->text();
  ReversePath path;
  path.null = false;
  path.local_part = *local_part;
  path.domain = domain->domain;
  return mailbox_text(path);
}

bool AddressPattern::matches(const ReversePath& path) const {
  if (!domain) return path.null;
  return domain->matches(path.domain) &&
         (!is_mailbox() || equals_ignoring_case(*local_part, path.local_part));
}

}  // namespace authmilter
