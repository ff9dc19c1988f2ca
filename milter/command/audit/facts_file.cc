#include "audit/facts_file.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <authmilter/crypto.h>

#include "options/input.h"
#include "output/exit_status.h"

namespace authmilter::tools {
namespace {

// Some hundred thousand domains.
constexpr std::size_t kMostOctets = 1UL << 30U;

void add_line(std::string& text, std::string line) {
  if (!line.ends_with('\n')) line += '\n';
  text += line;
}

}  // namespace

std::string AuditFacts::sha256() const {
  std::string digits;
  for (const std::uint8_t octet : authmilter::sha256(text)) digits += fmt::format("{:02x}", octet);
  return digits;
}

const DomainFacts* AuditFacts::find(const DomainName& domain) const {
  const auto found = std::find_if(domains.begin(), domains.end(),
                                  [&](const DomainFacts& one) { return one.domain == domain; });
  return found == domains.end() ? nullptr : &*found;
}

AuditFacts make_facts(AuditHeader header, std::vector<DomainFacts> domains) {
  AuditFacts facts{std::move(header), std::move(domains), ""};
  add_line(facts.text, facts_line(facts.header));
  for (const DomainFacts& domain : facts.domains) add_line(facts.text, facts_line(domain));
  return facts;
}

Result<AuditFacts> read_facts(const std::string& path) {
  auto text = read_regular_file(path, kMostOctets);
  if (!text) return text.error();
  AuditFacts facts;
  facts.text = std::move(*text);
  std::string_view rest = facts.text;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos && number > 1) {
      note(fmt::format("{}:{}: the line has no end and is left out", path, number));
      break;
    }
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end == std::string_view::npos ? end : end + 1, rest.size()));
    const auto wrong = [&](const Error& error) {
      return Error{fmt::format("{}:{}: {}", path, number, error.message)};
    };
    if (number == 1) {
      auto header = parse_header_line(line);
      if (!header) return wrong(header.error());
      facts.header = std::move(*header);
      continue;
    }
    auto domain = parse_facts_line(line);
    if (!domain) return wrong(domain.error());
    facts.domains.push_back(std::move(*domain));
  }
  if (facts.text.empty()) return Error{path + ": is empty"};
  return facts;
}

}  // namespace authmilter::tools
