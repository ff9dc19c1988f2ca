#include <authmilter/spf.h>

#include "base/ascii.h"
#include "hashed_resolver.h"
#include "input.h"
#include "spf_reference.h"

// check_host() (RFC 7208 section 4) in a DNS that the fuzzer writes, against a second
// implementation.
//
//     client | HELO name | reverse-path
//     zone, see hashed_resolver.h

using namespace authmilter;
using fuzz::require;

namespace {

SpfRequest read_request(std::string_view line) {
  const auto words = split(line, '|');
  const auto word = [&](std::size_t i) { return i < words.size() ? words[i] : ""; };
  return {.client = IpAddress::parse(word(0)).value_or(*IpAddress::parse("192.0.2.1")),
          .helo = parse_helo(word(1).substr(0, 512)),
          .mail_from = parse_reverse_path(word(2).substr(0, 512)),
          .receiver = "mx.example.net",
          .now = 1'700'000'000};
}

/// The DNS of one evaluation.
struct Dns : fuzz::HashedResolver {
  Dns(const SpfRequest& request, std::string_view zone) : HashedResolver(zone) {
    add_address(request.client);
    if (const auto domain = DnsName::parse(request.helo.text)) add_name(*domain);
  }
};

/// RFC 7208 section 4.6.4: ten terms, each of one lookup and ten more for exchanges or pointers, a
/// second family for each address; the record, and the explanation.
constexpr std::size_t kMostCalls = 10 * (1 + 2 * 10) + 12 + 2 * 12;

void check(const SpfOutcome& outcome, const fuzz::HashedResolver& resolver) {
  const bool permerror = outcome.result == SpfResult::permerror;
  require(outcome.lookups <= 10, "ten terms look something up");
  require(outcome.void_lookups <= 2U + (permerror ? 1U : 0U), "two lookups find nothing");
  require(resolver.questions().size() <= kMostCalls, "the lookups are bounded");
  require(outcome.reason != SpfReason::internal_error, "the library did its part");
  require(!outcome.reason.empty() && fuzz::printable_ascii(outcome.reason.text()),
          "there is a reason");
  require(fuzz::printable_ascii(outcome.mechanism), "the mechanism can be printed");
  require(fuzz::printable_ascii(outcome.explanation) && outcome.explanation.size() <= 200,
          "the explanation can be printed");
  require(outcome.explanation.empty() || outcome.result == SpfResult::fail, "only a fail has one");
  for (const SpfStep& step : outcome.steps) {
    require(fuzz::printable_ascii(step.domain + step.term + step.outcome), "steps can be printed");
    require(!step.outcome.empty(), "a step has an outcome");
  }
  if (!outcome.domain) {
    const bool unreadable =
        outcome.result == SpfResult::permerror && outcome.reason == SpfReason::invalid_local_part;
    require((outcome.result == SpfResult::none || unreadable) && resolver.calls() == 0,
            "nothing to check");
  }
  const bool judged = outcome.result == SpfResult::pass || outcome.result == SpfResult::fail ||
                      outcome.result == SpfResult::softfail;
  require(!judged || !(outcome.mechanism.empty() || outcome.mechanism == "default"),
          "a mechanism judges");
  if (outcome.result == SpfResult::temperror) require(resolver.faults() > 0, "a fault for it");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const SpfRequest request = read_request(input.line());
  const std::string_view zone = input.rest();
  Dns resolver(request, zone);
  const SpfOutcome outcome = check_mail_from(request, resolver);
  check(outcome, resolver);

  Dns again(request, zone);
  const SpfOutcome second = check_mail_from(request, again);
  require(second.result == outcome.result && second.reason == outcome.reason, "always the same");

  Dns for_helo(request, zone);
  check(check_helo(request, for_helo), for_helo);

  Dns dead(request, "F");
  const SpfOutcome blind = check_mail_from(request, dead);
  require(blind.result == SpfResult::temperror || dead.calls() == 0, "no verdict without a DNS");

  Dns reference_dns(request, zone);
  const auto expected = fuzz::reference_check_host(request, outcome, reference_dns);
  if (expected) {
    require(*expected == outcome.result, "a second implementation agrees");
  }
  return 0;
}
