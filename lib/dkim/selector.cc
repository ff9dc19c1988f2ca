#include <authmilter/selector.h>

#include <string>

namespace authmilter {

std::optional<Selector> Selector::parse(std::string_view text) {
  // One label more makes a DomainName of it, so there is one set of rules for labels.
  constexpr std::string_view kStop = ".x";
  auto name = DomainName::parse(std::string(text) + std::string(kStop));
  if (!name) return std::nullopt;
  return Selector(name->text().substr(0, name->text().size() - kStop.size()));
}

std::optional<DomainName> Selector::key_name(const DomainName& domain) const {
  return domain.below(text_ + "._domainkey");
}

}  // namespace authmilter
