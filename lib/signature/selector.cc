#include <authmilter/selector.h>

#include <string>

#include "base/ascii.h"

namespace authmilter {

std::optional<Selector> Selector::parse(std::string_view text) {
  // One label more makes a DomainName of it, so there is one set of rules for labels.
  constexpr std::string_view kStop = ".x";
  auto name = DomainName::parse(std::string(text) + std::string(kStop));
  if (!name) return std::nullopt;
  return Selector(name->text().substr(0, name->text().size() - kStop.size()));
}

Result<Selector> Selector::of_own_key(std::string_view text) {
  const auto refuse = [&](const std::string& complaint) {
    return Error{"\"" + printable(text) + "\" " + complaint};
  };
  const auto selector = parse(text);
  if (!selector) {
    return refuse(
        "is not a selector, write a name of letters, digits and hyphens such as \"2026a\"");
  }
  // RFC 6376 section 3.6.2.1: "_domainkey" stands behind the selector and is not part of it.
  const std::string dotted = '.' + selector->text_ + '.';
  const std::size_t at = dotted.find("._domainkey.");
  if (at == std::string::npos) return *selector;
  return refuse(at == 0 ? "is not a selector: the selector is what stands before \"._domainkey\""
                        : "is the name of a key record, write the selector alone: \"" +
                              dotted.substr(1, at - 1) + "\"");
}

std::optional<DomainName> Selector::key_name(const DomainName& domain) const {
  return domain.below(text_ + "._domainkey");
}

}  // namespace authmilter
