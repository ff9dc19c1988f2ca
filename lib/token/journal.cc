#include "token/journal.h"

#include <utility>

#include "base/words.h"

namespace authmilter {
namespace {

constexpr std::size_t kMostEvents = 64;

constexpr Word<TokenFault> kFaults[] = {{TokenFault::away, "away"},
                                        {TokenFault::slow, "slow"},
                                        {TokenFault::refused, "refused"},
                                        {TokenFault::key, "key"}};
static_assert(is_complete(kFaults, TokenFault::key));
static_assert(std::size(kFaults) == kTokenFaults);

}  // namespace

std::string_view to_string(TokenFault fault) { return word_of(kFaults, fault); }

void TokenJournal::add(TokenEvent event) {
  health_.with([&](TokenHealth& health) {
    if (health.events.size() < kMostEvents) health.events.push_back(std::move(event));
  });
}

void TokenJournal::failed(const std::string& subject, const std::string& reason) {
  add({TokenEvent::Kind::failed, subject, reason});
}

void TokenJournal::recovered(const std::string& subject) {
  add({TokenEvent::Kind::recovered, subject, {}});
}

void TokenJournal::count(TokenFault fault) {
  health_.with([&](TokenHealth& health) { ++health.failures[static_cast<std::size_t>(fault)]; });
}

TokenHealth TokenJournal::take() {
  return health_.with([](TokenHealth& health) { return std::exchange(health, {}); });
}

}  // namespace authmilter
