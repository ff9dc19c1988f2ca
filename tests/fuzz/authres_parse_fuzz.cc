#include <authmilter/authentication_results.h>
#include <authmilter/domain_name.h>

#include "authres.h"

// Authentication-Results fields from outside (RFC 8601 section 2.2).

using namespace authmilter;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  static const DomainName our_name = DomainName::parse("mx.example.org").value();
  const auto id = parse_authserv_id(input.text());
  const bool ours = claims_to_be_ours(input.text(), our_name);
  require(id.has_value() || ours, "what cannot be read is removed");
  if (id) {
    require(!id->empty() && to_lower(*id) == *id, "the name is in lower case");
    require(ours || *id != our_name.text(), "our name is ours");
    const auto name = DomainName::parse(*id);
    require(!name || claims_to_be_ours(input.text(), *name), "nobody's name is another's");
  }
  const auto results = parse_authentication_results(input.text());
  if (!results) {
    require(fuzz::printable_ascii(results.error().message), "errors can be printed");
    return 0;
  }
  require(results->results.size() <= 200, "the number of results is limited");
  const std::string text = compose(*results);
  fuzz::require_clean(text);
  const auto again = parse_authentication_results(text);
  if (text.size() > 64 * 1024) return 0;  // longer for its quotes
  require(again && fuzz::same(*again, fuzz::as_composed(*results)), "composed and read, the same");
  return 0;
}
