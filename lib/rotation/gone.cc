#include <algorithm>

#include "rotation/key_life.h"

namespace authmilter {
namespace {

using std::chrono::seconds;

// Of a record whose time to live nobody has seen.
constexpr seconds kShortest = std::chrono::hours(1);

bool says(const Observation& seen, Publication publication) {
  return std::find(seen.voices.begin(), seen.voices.end(), publication) != seen.voices.end();
}

}  // namespace

bool Observation::gone() const {
  return !voices.empty() && std::all_of(voices.begin(), voices.end(), [](Publication voice) {
    return voice == Publication::missing || voice == Publication::revoked;
  });
}

bool KeyLife::gone_for_good() const { return gone && *gone >= std::max(needed, kShortest); }

void count_gone(KeyLife& key, const Observation& seen, seconds passed) {
  // Of a key that nothing needs any more, the last place that has its record is what matters.
  if (key.state == KeyState::retired && says(seen, Publication::match))
    key.published = Publication::match;
  if (!seen.gone())
    key.gone.reset();
  else
    key.gone = key.gone ? *key.gone + passed : seconds(0);
}

}  // namespace authmilter
