#include <algorithm>

#include "dkim/signature.h"
#include "input.h"

// DKIM-Signature fields (RFC 6376 sections 3.5 and 6.1.1): either a signature with everything
// checked, or a reason; and nothing in the outcome that must not be printed.

using namespace authmilter;
using fuzz::require;

namespace {

void check_signature(const DkimSignature& signature, const SignatureField& field) {
  const DkimOutcome& outcome = field.outcome;
  require(outcome.domain && outcome.selector, "a signature has a domain and a selector");
  require(outcome.domain->label_count() >= 2, "no top-level domain signs");
  require(outcome.selector->key_name(*outcome.domain).has_value(), "the key can be asked for");
  require(
      signature.identity_domain && signature.identity_domain->is_equal_or_below(*outcome.domain),
      "i= is within d=");
  const auto& names = signature.header.names;
  require(names.size() <= 200, "h= is limited");
  require(std::find(names.begin(), names.end(), "from") != names.end(), "From is signed");
  for (const auto& name : names) require(signable_name(name) == name, "h= holds field names");
  require(base64_decode(field.encoded_signature) == signature.signature, "b= is kept");
  require(!signature.signature.empty(), "b= is not empty");
  if (signature.timestamp && signature.expiration) {
    require(*signature.timestamp < *signature.expiration, "t= is before x=");
  }
  const auto verdict = check_time(signature, {.now = 1'700'000'000});
  require(!verdict || verdict->reason != DkimReason::none, "a verdict has a reason");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  const SignatureField field = read_signature(input.text());
  const DkimOutcome& outcome = field.outcome;
  require(fuzz::printable_ascii(outcome.identity), "i= can be printed");
  require(fuzz::printable_ascii(outcome.algorithm), "a= can be printed");
  require(fuzz::printable_ascii(outcome.reason.text()), "the reason can be printed");
  require(outcome.result != DkimResult::pass, "nothing passes before it is verified");
  require(field.signature.has_value() == outcome.reason.empty(), "a signature or a reason");
  if (!field.signature) return 0;
  check_signature(*field.signature, field);

  const std::string text(input.text());
  require(read_signature(" \r\n\t" + text).signature.has_value(), "a fold in front is a blank");
  const std::string more = text + (text.find_last_not_of(" \t\r\n") != std::string::npos &&
                                           text[text.find_last_not_of(" \t\r\n")] == ';'
                                       ? ""
                                       : ";");
  require(read_signature(more + " unknown=x").signature.has_value() || more.size() > 16000 ||
              std::count(more.begin(), more.end(), ';') > 90,
          "unknown tags are ignored");
  for (const char* twice : {" d=other.example", " b=AAAA", " a=rsa-sha256", " h=from", " v=1"}) {
    require(!read_signature(more + twice).signature, "a tag must not occur twice");
  }
  return 0;
}
