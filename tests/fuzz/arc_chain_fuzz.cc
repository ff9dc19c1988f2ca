#include <authmilter/arc.h>

#include <algorithm>

#include "arc/chain.h"
#include "hashed_resolver.h"
#include "input.h"

// The chain of a message (RFC 8617 section 5.2).
//
//     zone, see hashed_resolver.h
//     %%
//     message

using namespace authmilter;
using fuzz::require;

namespace {

constexpr std::size_t kKeys = 10;

template <class Feed>
ArcOutcome validate(const Message& message, Resolver& resolver, Feed feed) {
  ArcVerifier verifier(resolver, {.now = 1'700'000'000});
  for (const HeaderField& field : message.fields) verifier.header(field);
  verifier.end_of_headers();
  if (verifier.wants_body()) feed([&](std::string_view piece) { verifier.body(piece); });
  return verifier.finish();
}

/// What is promised of the structure alone.
void check_chain(const std::vector<MessageField>& fields) {
  const auto chain = read_chain(fields);
  require(chain || fuzz::printable_ascii(chain.error().text()), "the reason can be printed");
  if (!chain) return;
  require(chain->size() <= kMostArcSets, "fifty sets");
  unsigned instance = 0;
  for (const ArcSet& set : *chain) {
    require(set.seal.instance == ++instance, "1 to N");
    require(set.seal.chain == (instance == 1 ? ArcResult::none : ArcResult::pass), "cv=");
    require(fields[set.seal_place].name == "arc-seal" &&
                fields[set.message_signature_place].name == "arc-message-signature" &&
                fields[set.results_place].name == "arc-authentication-results",
            "a set has its three fields");
    require(set.seal.selector.key_name(set.seal.domain).has_value(), "the key can be asked for");
    if (!set.message_signature) continue;
    const auto& names = set.message_signature->names;
    require(std::find(names.begin(), names.end(), "arc-seal") == names.end(), "no seal is covered");
  }
  // The order of the fields is nobody's promise.
  std::vector<MessageField> reversed(fields.rbegin(), fields.rend());
  const auto again = read_chain(reversed);
  require(again && again->size() == chain->size(), "in any order, the same");
}

void check(const ArcOutcome& outcome) {
  require(fuzz::printable_ascii(outcome.reason.text()), "the reason can be printed");
  require((outcome.result == ArcResult::fail) == !outcome.reason.empty(), "a fail has a reason");
  require(outcome.result == ArcResult::pass || !outcome.oldest_pass, "only a pass has an age");
  require(outcome.result != ArcResult::pass || !outcome.hops.empty(), "a pass has hops");
  require(!outcome.oldest_pass || *outcome.oldest_pass <= outcome.hops.size(), "of its instances");
}

bool same(const ArcOutcome& a, const ArcOutcome& b) {
  return a.result == b.result && a.reason == b.reason && a.oldest_pass == b.oldest_pass &&
         a.hops.size() == b.hops.size() && a.added_fields == b.added_fields;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  fuzz::Dice dice(input.text());
  const std::string_view zone = input.part();
  Message message = parse_message(input.rest());
  if (message.fields.size() > 200) message.fields.resize(200);
  std::vector<MessageField> fields;
  for (const HeaderField& field : message.fields) fields.push_back(make_message_field(field));
  check_chain(fields);

  fuzz::HashedResolver resolver(zone);
  const auto outcome = validate(message, resolver, [&](auto take) { take(message.body); });
  check(outcome);
  require(resolver.questions().size() <= kKeys, "ten keys");
  for (const auto& question : resolver.questions()) {
    require(question.type == RrType::txt &&
                question.name.text().find("._domainkey.") != std::string::npos,
            "nothing but keys is asked for");
  }
  const bool any = std::any_of(message.fields.begin(), message.fields.end(),
                               [](const HeaderField& field) { return is_arc_field(field.name); });
  require((outcome.result == ArcResult::none) == !any, "none is a message without such a field");

  fuzz::HashedResolver same_zone(zone);
  const auto in_pieces =
      validate(message, same_zone, [&](auto take) { fuzz::in_pieces(message.body, dice, take); });
  require(same(outcome, in_pieces), "cut anywhere, the same");

  fuzz::HashedResolver dead("F");
  const auto blind = validate(message, dead, [&](auto take) { take(message.body); });
  require(blind.result != ArcResult::pass, "no pass without a key");
  return 0;
}
