#include <authmilter/dkim.h>
#include <authmilter/message.h>

#include <algorithm>

#include "hashed_resolver.h"
#include "input.h"

// The verification of a whole message (RFC 6376 section 6).
//
//     zone, see hashed_resolver.h
//     %%
//     message

using namespace authmilter;
using fuzz::require;

namespace {

const DkimVerifyOptions kOptions{.now = 1'700'000'000};

const DkimEngine& engine() {
  static const DkimEngine instance;
  return instance;
}

template <class Feed>
std::vector<DkimOutcome> verify(const Message& message, Resolver& resolver, Feed feed) {
  DkimVerifier verifier(engine(), resolver, kOptions);
  for (const HeaderField& field : message.fields) verifier.header(field);
  verifier.end_of_headers();
  if (verifier.wants_body()) feed([&](std::string_view piece) { verifier.body(piece); });
  return verifier.finish();
}

void check(const DkimOutcome& outcome) {
  require(fuzz::printable_ascii(outcome.reason.text()) && fuzz::printable_ascii(outcome.identity) &&
              fuzz::printable_ascii(outcome.signature_prefix),
          "the outcome can be printed");
  require(outcome.result != DkimResult::none, "a signature has a verdict");
  const bool passed = outcome.result == DkimResult::pass;
  require(passed == outcome.reason.empty(), "what does not pass has a reason");
  if (!passed) return;
  require(outcome.domain && outcome.selector && outcome.key_bits > 0, "a pass has a key");
  require(outcome.algorithm == "ed25519-sha256" || outcome.key_bits >= 1024, "RFC 8301");
}

bool same(const DkimOutcome& a, const DkimOutcome& b) {
  return a.result == b.result && a.reason == b.reason && a.domain == b.domain &&
         a.identity == b.identity && a.signature_prefix == b.signature_prefix && a.notes == b.notes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  fuzz::Dice dice(input.text());
  const std::string_view zone = input.part();
  Message message = parse_message(input.rest());
  if (message.fields.size() > 200) message.fields.resize(200);
  const auto signatures =
      std::count_if(message.fields.begin(), message.fields.end(),
                    [](const HeaderField& field) { return has_name(field, "DKIM-Signature"); });

  fuzz::HashedResolver resolver(zone);
  const auto outcomes = verify(message, resolver, [&](auto take) { take(message.body); });
  require(outcomes.size() == static_cast<std::size_t>(signatures), "one outcome each");
  require(resolver.questions().size() <= kOptions.maximum_signatures, "a key for each at most");
  for (const auto& question : resolver.questions()) {
    require(question.type == RrType::txt &&
                question.name.text().find("._domainkey.") != std::string::npos,
            "nothing but keys is asked for");
    require(resolver.prefetched().contains(question), "keys are asked for early");
  }
  std::for_each(outcomes.begin(), outcomes.end(), check);

  fuzz::HashedResolver same_zone(zone);
  const auto in_pieces =
      verify(message, same_zone, [&](auto take) { fuzz::in_pieces(message.body, dice, take); });
  require(std::equal(outcomes.begin(), outcomes.end(), in_pieces.begin(), in_pieces.end(), same),
          "cut anywhere, the same");

  fuzz::HashedResolver dead("F");
  for (const auto& outcome : verify(message, dead, [&](auto take) { take(message.body); })) {
    require(outcome.result != DkimResult::pass, "no pass without a key");
  }
  return 0;
}
