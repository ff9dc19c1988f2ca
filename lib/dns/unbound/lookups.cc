#include "dns/unbound/lookups.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace authmilter {

DnsAnswerRef Lookup::answer() const {
  const std::lock_guard lock(mutex_);
  return answer_;
}

DnsAnswerRef Lookup::wait_until(Deadline until) const {
  std::unique_lock lock(mutex_);
  ended_.wait_until(lock, until, [this] { return over_.load(); });
  return answer_;
}

void Lookup::end(DnsAnswerRef answer) {
  {
    const std::lock_guard lock(mutex_);
    if (over_) return;
    answer_ = std::move(answer);
    over_ = true;
  }
  ended_.notify_all();
}

Lookups::Interest::Interest(Interest&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)),
      lookup_(std::move(other.lookup_)),
      id_(other.id_) {}

Lookups::Interest& Lookups::Interest::operator=(Interest&& other) noexcept {
  if (this == &other) return *this;
  end();
  owner_ = std::exchange(other.owner_, nullptr);
  lookup_ = std::move(other.lookup_);
  id_ = other.id_;
  return *this;
}

void Lookups::Interest::end() noexcept {
  try {
    if (owner_ != nullptr) std::exchange(owner_, nullptr)->leave(*lookup_, id_);
  } catch (const std::exception&) {
    // Memory is short. Its time ends the look-up.
  }
  lookup_.reset();
}

void Lookups::Interest::stop_waiting() {
  if (owner_ != nullptr) owner_->stop_waiting(*lookup_, id_);
}

/// `found` is the look-up under way; null for a new one.
std::optional<DnsShare> Lookups::refusal(const ShareKeys& client, const DnsQuestion& question,
                                         const Lookup* found, Use use) {
  if (const auto share = places_.used_up(client, use)) return share;
  const bool takes_place = found == nullptr || (found->use_ == Use::ahead && use == Use::waiting);
  return takes_place ? places_.used_up(shares_of(question.name), use) : std::nullopt;
}

/// While the table is full: what nobody waits for goes, the oldest first.
void Lookups::make_room() {
  if (by_age_.size() < limits_.table.waiting) return;
  const auto found = std::find_if(by_age_.begin(), by_age_.end(), [](const LookupRef& lookup) {
    return lookup->use_ == Use::ahead;
  });
  if (found == by_age_.end()) return;
  const LookupRef lookup = *found;
  unlist(*lookup, Lookup::State::left_over);
  lookup->end(nullptr);
}

Lookups::Joined Lookups::join(const DnsQuestion& question, const DnsClient& client, Use use,
                              Deadline now, Freshness freshness) {
  const ShareKeys client_keys = shares_of(client);
  const std::lock_guard lock(mutex_);
  const auto found = listed_.find({question, freshness});
  const bool is_new = found == listed_.end();
  if (const auto share =
          refusal(client_keys, question, is_new ? nullptr : found->second.get(), use))
    return {{}, false, share};

  LookupRef lookup;
  if (is_new) {
    make_room();
    lookup = std::make_shared<Lookup>(question, freshness, client, now);
    listed_.emplace(std::pair(question, freshness), lookup);
    lookup->place_ = by_age_.insert(by_age_.end(), lookup);
    places_.add(shares_of(question.name), lookup->use_);
  } else {
    lookup = found->second;
  }
  const auto id = ++last_id_;
  lookup->holders_.emplace(id, Lookup::Holder{client, use});
  places_.add(client_keys, use);
  settle_use(*lookup);
  return {Interest(*this, std::move(lookup), id), is_new, std::nullopt};
}

/// It is waited for as long as one of its holders waits.
void Lookups::settle_use(Lookup& lookup) {
  const bool waited_for =
      std::any_of(lookup.holders_.begin(), lookup.holders_.end(),
                  [](const auto& holder) { return holder.second.use == Use::waiting; });
  const Use use = waited_for ? Use::waiting : Use::ahead;
  places_.change(shares_of(lookup.question_.name), lookup.use_, use);
  lookup.use_ = use;
}

void Lookups::unlist(Lookup& lookup, Lookup::State state) {
  const ShareKeys name_keys = shares_of(lookup.question_.name);
  for (const auto& [id, holder] : lookup.holders_)
    places_.remove(shares_of(holder.client), holder.use);
  lookup.holders_.clear();
  places_.remove(name_keys, lookup.use_);
  if (state == Lookup::State::left_over) {
    places_.add(name_keys, Use::left_over);
    places_.add(shares_of(lookup.client_), Use::left_over);
  }
  lookup.state_ = state;
  by_age_.erase(lookup.place_);
  listed_.erase({lookup.question_, lookup.freshness_});
}

void Lookups::leave(Lookup& lookup, std::uint64_t id) {
  {
    const std::lock_guard lock(mutex_);
    const auto holder = lookup.holders_.find(id);
    if (holder == lookup.holders_.end()) return;
    if (lookup.holders_.size() > 1) {
      places_.remove(shares_of(holder->second.client), holder->second.use);
      lookup.holders_.erase(holder);
      settle_use(lookup);
      return;
    }
    unlist(lookup, Lookup::State::left_over);
  }
  lookup.end(nullptr);
}

void Lookups::stop_waiting(Lookup& lookup, std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  const auto holder = lookup.holders_.find(id);
  if (holder == lookup.holders_.end()) return;
  places_.change(shares_of(holder->second.client), holder->second.use, Use::ahead);
  holder->second.use = Use::ahead;
  settle_use(lookup);
}

void Lookups::finish(const LookupRef& lookup, DnsAnswerRef answer) {
  {
    const std::lock_guard lock(mutex_);
    switch (lookup->state_) {
      case Lookup::State::listed:
        unlist(*lookup, Lookup::State::gone);
        break;
      case Lookup::State::left_over:
        places_.remove(shares_of(lookup->question_.name), Use::left_over);
        places_.remove(shares_of(lookup->client_), Use::left_over);
        lookup->state_ = Lookup::State::gone;
        break;
      case Lookup::State::gone:
        break;
    }
  }
  lookup->end(std::move(answer));
}

bool Lookups::expire(const LookupRef& lookup, DnsAnswerRef silence) {
  {
    const std::lock_guard lock(mutex_);
    if (lookup->state_ != Lookup::State::listed) return false;
    unlist(*lookup, Lookup::State::left_over);
  }
  lookup->end(std::move(silence));
  return true;
}

std::vector<LookupRef> Lookups::overdue(Deadline now) const {
  const std::lock_guard lock(mutex_);
  std::vector<LookupRef> found;
  for (const LookupRef& lookup : by_age_) {
    if (now - lookup->begun_ < lifetime_) break;
    found.push_back(lookup);
  }
  return found;
}

void Lookups::finish_all(const DnsAnswerRef& answer) {
  std::vector<LookupRef> left;
  {
    const std::lock_guard lock(mutex_);
    left.assign(by_age_.begin(), by_age_.end());
    for (const LookupRef& lookup : left) unlist(*lookup, Lookup::State::gone);
  }
  for (const LookupRef& lookup : left) lookup->end(answer);
}

std::size_t Lookups::count(const ShareKey& key, Use use) const {
  const std::lock_guard lock(mutex_);
  return places_.count(key, use);
}

}  // namespace authmilter
