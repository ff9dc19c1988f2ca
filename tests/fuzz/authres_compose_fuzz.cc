#include <authmilter/authentication_results.h>
#include <authmilter/domain_name.h>

#include "authres.h"

// Our own Authentication-Results field: whatever strings are in it, it reads back as they are, and
// no spelling of our name makes it somebody else's.
//
//     authserv-id | version
//     method | version | result | reason | comment | ptype | property | value | ...

using namespace authmilter;
using fuzz::require;

namespace {

AuthenticationResults read(fuzz::Input& input) {
  AuthenticationResults results;
  const auto head = split(input.line(), '|');
  results.authserv_id = head[0];
  if (head.size() > 1) results.version = head[1];
  while (!input.empty() && results.results.size() < 20) {
    const auto words = split(input.line(), '|');
    const auto word = [&](std::size_t i) {
      return i < words.size() ? std::string(words[i]) : std::string();
    };
    MethodResult result{word(0), word(1), word(2), word(3), word(4), {}};
    for (std::size_t i = 5; i + 2 < words.size(); i += 3) {
      result.properties.push_back({word(i), word(i + 1), word(i + 2)});
    }
    results.results.push_back(std::move(result));
  }
  return results;
}

/// The field again, with its name written as another server may write it.
std::string respelled(const std::string& value, const std::string& id, fuzz::Dice& dice) {
  constexpr const char* kBlanks[] = {"",       " ",        "\r\n\t",        "(c)",
                                     "((a)b)", " (\\)x) ", "\n (;mx=pass)", "\t\t"};
  std::string name = id;
  for (char& c : name) {
    if (is_lower(c) && dice.chance(2)) c = static_cast<char>(c - 'a' + 'A');
  }
  if (dice.chance(3)) name += ".";
  if (dice.chance(3)) {
    std::string quoted = "\"";
    for (const char c : name) {
      if (dice.chance(4)) quoted += '\\';
      quoted += c;
    }
    name = quoted + "\"";
  }
  const auto blanks = [&] { return std::string(kBlanks[dice.roll(std::size(kBlanks))]); };
  const std::string version = dice.chance(3) ? " 1" : "";
  return blanks() + name + blanks() + version + blanks() + value.substr(value.find(';'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  fuzz::Dice dice(input.text());
  const auto results = read(input);
  const std::string value = compose(results);
  fuzz::require_clean(value);
  if (value.size() > 64 * 1024) return 0;
  const auto again = parse_authentication_results(value);
  require(again && fuzz::same(*again, fuzz::as_composed(results)), "composed and read, the same");

  const auto domain = DomainName::parse(results.authserv_id);
  if (!domain || !results.version.empty()) return 0;
  AuthenticationResults named = results;
  named.authserv_id = domain->text();
  const std::string ours = compose(named);
  for (int i = 0; i < 4; ++i) {
    require(claims_to_be_ours(respelled(ours, domain->text(), dice), *domain),
            "our name is ours in every spelling");
  }
  const auto other = domain->below("other");
  require(!other || !claims_to_be_ours(ours, *other), "another name is not ours");
  return 0;
}
