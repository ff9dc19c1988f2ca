#include "audit/mta_sts_policy.h"

#include "input.h"

// Policies of MTA-STS (RFC 8461 section 3.2): written and read again, the same; what is for the
// future changes nothing.

using namespace authmilter;
using fuzz::require;

namespace {

std::string written(const MtaStsPolicy& policy) {
  std::string text = "version: STSv1\r\nmode: " + std::string(to_string(policy.mode)) +
                     "\r\nmax_age: " + std::to_string(policy.max_age) + "\r\n";
  for (const std::string& pattern : policy.mx) text += "mx: " + pattern + "\r\n";
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  const auto policy = parse_mta_sts_policy(input.text());
  const auto with_more = parse_mta_sts_policy("x-new: y\r\n" + std::string(input.text()));
  require(static_cast<bool>(policy) == static_cast<bool>(with_more), "a new field changes nothing");
  if (!policy) {
    require(fuzz::printable_ascii(policy.error().message), "an error is a printable line");
    return 0;
  }
  require(*policy == *with_more, "a new field changes nothing of a policy");
  require(policy->max_age <= 31'557'600 && policy->mx.size() <= 100, "numbers are bounded");
  require(parse_mta_sts_policy(written(*policy)) == policy, "written and read again, the same");
  for (const std::string& pattern : policy->mx) {
    require(fuzz::printable_ascii(pattern), "a host is printable");
    const std::string host = pattern.starts_with("*.") ? "a" + pattern.substr(1) : pattern;
    require(policy->has_mx(host), "a host of the policy is in it");
  }
  return 0;
}
