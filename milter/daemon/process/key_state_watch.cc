#include "process/key_state_watch.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace authmilter {
namespace {

using namespace std::chrono_literals;

constexpr auto kLook = 3s;
constexpr auto kMinute = 60s;
constexpr auto kWarning = 1h;
/// The state_directory that authmilter-keys.service is written for.
constexpr const char* kUnitDirectory = "/var/lib/authmilter/keys";

std::int64_t unix_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

const KeyLife* find_key(const KeyStates* states, const std::string& domain,
                        const Selector& selector) {
  const DomainKeys* keys = states == nullptr ? nullptr : states->find(domain);
  return keys == nullptr ? nullptr : keys->find(selector);
}

std::string signers(const DomainKeys& keys) {
  std::string text;
  for (const KeyLife& key : keys.keys) {
    if (key.signs) text += (text.empty() ? "" : ",") + key.selector.text();
  }
  return text.empty() ? "-" : text;
}

std::string advice_for(const std::filesystem::path& directory) {
  std::string text = "see whether authmilter-keys.timer runs (authmilter key watch)";
  if (directory.lexically_normal() != kUnitDirectory) {
    text += ", and that authmilter-keys.service has a drop-in for " + directory.string() +
            " as authmilter(1) says";
  }
  return text;
}

}  // namespace

KeyStateWatch::KeyStateWatch(RuntimeHolder& runtimes, Logger& logger, Metrics& metrics,
                             std::size_t process)
    : runtimes_(runtimes), logger_(logger), metrics_(metrics), process_(process) {
  tell_of(*runtimes_.get());
}

KeyStateWatch::Found KeyStateWatch::look(Clock::time_point now) {
  if (loading_.valid() && loading_.wait_for(0s) == std::future_status::ready)
    take_over(loading_.get());
  const auto runtime = runtimes_.get();
  tell_of(*runtime);
  if (now >= next_look_ && !loading_.valid()) {
    next_look_ = now + kLook;
    if (directory_changed(runtime->config().signing.state_directory)) {
      loading_from_ = runtime;
      loading_ =
          std::async(std::launch::async, [runtime] { return runtime->with_key_states_of_now(); });
    }
  }
  if (now >= next_minute_) {
    next_minute_ = now + kMinute;
    note_uses();
    if (const auto& states = runtime->key_states(); states && now >= next_warning_) {
      warn_of_old_looks(*states, runtime->config());
    }
  }
  const auto& lacking = runtime->keys().lacking();
  if (lacking.empty()) return Found::nothing;
  std::string wanted;
  for (const std::string& key : lacking) wanted += key + '\n';
  // Once: where a reload does not find them they are not configured.
  if (wanted == asked_for_) return Found::nothing;
  asked_for_ = std::move(wanted);
  logger_.warning("a signing key of a state file has not been read, reading the configuration",
                  {{"key", lacking.front()}});
  return Found::unread_keys;
}

bool KeyStateWatch::directory_changed(const std::filesystem::path& directory) {
  std::error_code error;
  const auto time = std::filesystem::last_write_time(directory, error);
  if (error) return false;
  // A file that is replaced just after a look may leave the directory's time as it was.
  if (time != std::exchange(seen_, time)) looks_to_come_ = 2;
  if (looks_to_come_ == 0) return false;
  --looks_to_come_;
  return true;
}

void KeyStateWatch::take_over(const Loaded& loaded) {
  const auto from = std::exchange(loading_from_, nullptr);
  if (runtimes_.get() != from) {
    looks_to_come_ = 2;  // a reload came between
    return;
  }
  if (!loaded) return;
  note_uses();
  runtimes_.set(loaded);
}

void KeyStateWatch::tell_of(const Runtime& runtime) {
  const auto& states = runtime.key_states();
  if (!states || states == told_) return;
  say_what_changed(told_.get(), *states);
  count(*states);
  told_ = states;
}

void KeyStateWatch::say_what_changed(const KeyStates* before, const KeyStates& now) {
  if (process_ != 0) return;
  if (!now.error().empty())
    logger_.error("states of keys are not known", {{"reason", now.error()}});
  for (const auto& [domain, entry] : now.entries()) {
    if (!entry.error.empty()) {
      logger_.error("the state of a domain's keys cannot be read",
                    {{"domain", domain},
                     {"reason", entry.error},
                     {"signing", entry.keys ? "as before" : "with all of its keys"}});
    }
    if (!entry.keys) continue;
    const DomainKeys* old = before == nullptr ? nullptr : before->find(domain);
    if (old != nullptr && signers(*old) != signers(*entry.keys)) {
      logger_.info("signing keys have changed",
                   {{"domain", domain}, {"from", signers(*old)}, {"to", signers(*entry.keys)}});
    }
    for (const KeyLife& key : entry.keys->keys) {
      const KeyLife* known = find_key(before, domain, key.selector);
      if (!key.lost || (known != nullptr && known->lost)) continue;
      logger_.error("the record of a signing key is not in the DNS any more",
                    {{"domain", domain},
                     {"selector", key.selector.text()},
                     {"found", std::string(to_string(key.published))},
                     {"detail", key.trouble.empty() ? "-" : key.trouble},
                     {"signing", signers(*entry.keys)}});
    }
  }
}

void KeyStateWatch::count(const KeyStates& states) {
  if (process_ != 0) return;
  std::array<std::uint64_t, 4> by_state{};
  std::uint64_t lost = 0;
  std::uint64_t unreadable = states.error().empty() ? 0 : 1;
  std::int64_t oldest = 0;
  for (const auto& [domain, entry] : states.entries()) {
    if (!entry.error.empty()) ++unreadable;
    if (!entry.keys) continue;
    for (const KeyLife& key : entry.keys->keys) {
      ++by_state[static_cast<std::size_t>(key.state)];
      if (key.lost) ++lost;
    }
    const std::int64_t since = unwatched_since(*entry.keys);
    if (since != 0 && (oldest == 0 || since < oldest)) oldest = since;
  }
  for (std::size_t i = 0; i < by_state.size(); ++i) metrics_.rotation_keys[i] = by_state[i];
  metrics_.rotation_lost_records = lost;
  metrics_.rotation_unreadable_states = unreadable;
  metrics_.rotation_oldest_look = static_cast<std::uint64_t>(oldest);
}

void KeyStateWatch::warn_of_old_looks(const KeyStates& states, const Config& config) {
  if (process_ != 0) return;
  const std::int64_t now = unix_time();
  for (const auto& [domain, entry] : states.entries()) {
    if (!entry.keys || !unwatched_too_long(*entry.keys, now, config.rotation)) continue;
    next_warning_ = Clock::now() + kWarning;
    const bool ever = entry.keys->looked.time != 0;
    logger_.warning("nobody watches the records of keys that are changing",
                    {{"domain", domain},
                     {"last_look", ever ? print_utc(entry.keys->looked.time) : "never"},
                     {"waiting_since", print_utc(unwatched_since(*entry.keys))},
                     {"advice", advice_for(config.signing.state_directory)}});
    return;
  }
}

void KeyStateWatch::note_uses() {
  const auto runtime = runtimes_.get();
  const KeyStateFiles files(runtime->config().signing.state_directory);
  if (!std::exchange(uses_read_, true)) uses_ = files.uses_of(process_);
  bool changed = false;
  for (const KeyRing::UseOf& key : runtime->keys().uses()) {
    const std::int64_t day = key.use->day.load(std::memory_order_relaxed);
    if (day == 0) continue;
    auto& last = uses_[{key.domain.text(), key.selector.text()}];
    if (day == last) continue;
    last = day;
    changed = true;
  }
  if (!changed) return;
  // Keys that are not there any more are forgotten with their states.
  if (const auto& states = runtime->key_states()) {
    std::erase_if(uses_, [&](const auto& use) {
      const auto selector = Selector::parse(use.first.second);
      return !selector || find_key(states.get(), use.first.first, *selector) == nullptr;
    });
  }
  const auto written = files.write_uses(process_, uses_);
  if (!written && !uses_failed_)
    logger_.warning("the use of keys cannot be noted", {{"reason", written.error().message}});
  uses_failed_ = !written;
}

}  // namespace authmilter
