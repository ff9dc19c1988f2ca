#include "token/token.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "token/farewell.h"
#include "token/worker.h"

namespace authmilter {
namespace {

using namespace std::chrono_literals;

// A token in the network has several signatures made at once; more sessions than this few have.
constexpr std::size_t kThreads = 8;
constexpr auto kFirstTry = 200ms;
constexpr auto kLongestPause = 5s;
// What one try to have a token back may take, after which its thread counts as hanging.
constexpr auto kTryTime = 10s;
// What is looked at again at a reload, but not once for each of a thousand keys.
constexpr auto kJustTried = 1s;

Pkcs11Uri without_key(Pkcs11Uri uri) {
  uri.object.reset();
  uri.id.reset();
  return uri;
}

}  // namespace

Token::Token(Pkcs11Uri address, std::shared_ptr<Module> module, PinReader read_pin,
             std::shared_ptr<TokenJournal> journal)
    : address_(without_key(std::move(address))),
      module_(std::move(module)),
      read_pin_(std::move(read_pin)),
      journal_(std::move(journal)),
      most_threads_(kThreads) {}

bool Token::is_at(const Pkcs11Uri& uri) const { return without_key(uri) == address_; }

std::optional<TokenError> Token::trouble_now() const {
  if (down_) return down_;
  const auto now = Clock::now();
  const auto hanging = static_cast<std::size_t>(std::count_if(
      workers_.begin(), workers_.end(),
      [&](const Worker* worker) { return worker->busy_until && *worker->busy_until < now; }));
  if (hanging < most_threads_) return std::nullopt;
  return TokenError{TokenFault::slow, fmt::format("all {} calls to it hang", hanging)};
}

std::optional<TokenError> Token::trouble() {
  const std::lock_guard lock(mutex_);
  return trouble_now();
}

TokenResult<Done> Token::look(const std::shared_ptr<KeyEntry>& key, Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  std::erase_if(keys_, [](const auto& known) { return known.expired(); });
  keys_.push_back(key);
  attention_ = true;
  if (slow_) return TokenError{TokenFault::slow, "it does not answer"};
  if (down_ && Clock::now() - last_try_ < kJustTried) return *down_;
  if (down_) {
    const std::unique_lock login(login_, std::try_to_lock);
    if (login) refused_pin_.clear();
  }
  auto job = std::make_shared<Job>();
  job->key = key;
  job->deadline = deadline;
  auto result = wait_for(job, lock);
  if (!result) return result.error();
  return Done{};
}

TokenResult<Octets> Token::sign(const std::shared_ptr<KeyEntry>& key, const Sha256Digest& digest,
                                Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  if (auto trouble = trouble_now()) {
    journal_->count(trouble->fault);
    return *std::move(trouble);
  }
  auto job = std::make_shared<Job>();
  job->key = key;
  job->digest = digest;
  job->deadline = deadline;
  auto result = wait_for(job, lock);
  if (!result) journal_->count(result.error().fault);
  return result;
}

TokenResult<Octets> Token::wait_for(const std::shared_ptr<Job>& job,
                                    std::unique_lock<std::mutex>& lock) {
  queue_.push_back(job);
  need_worker();
  wake_.notify_one();
  const auto is_done = [&] { return job->state == Job::State::done; };
  if (job->done.wait_until(lock, job->deadline, is_done)) return *std::move(job->result);
  if (job->state == Job::State::queued) {
    std::erase(queue_, job);
    return TokenError{TokenFault::slow, "it is busy with others in front of this one"};
  }
  TokenError error{TokenFault::slow, "it does not answer in time (signing.token_timeout)"};
  if (!std::exchange(slow_, true) && !down_) journal_->failed(name(), error.message);
  return error;
}

/// One more thread, unless there is one that has nothing to do.
void Token::need_worker() {
  const auto busy = static_cast<std::size_t>(
      std::count_if(workers_.begin(), workers_.end(),
                    [](const Worker* worker) { return worker->busy_until.has_value(); }));
  const std::size_t free = threads_ - busy;
  if (threads_ >= most_threads_ || free >= queue_.size() + (has_to_try() ? 1 : 0)) return;
  join_those_over();
  Thread& own = all_threads_.emplace_back();
  try {
    own.thread = std::thread([self = shared_from_this(), &own] { self->work(own); });
    ++threads_;
  } catch (const std::system_error&) {
    // There may be no more threads: those that are there do it.
    all_threads_.pop_back();
  }
}

void Token::join_those_over() {
  std::erase_if(all_threads_, [](Thread& one) {
    if (one.is_over) one.thread.join();
    return one.is_over;
  });
}

bool Token::has_to_try() const { return attention_ && !trying_; }

/// The first of the keys that have not been seen, or else are of no use; it moves behind the
/// others. Of a token that is away any key will do.
std::shared_ptr<Token::Job> Token::next_to_try() {
  const auto take = [&](auto wanted) -> std::shared_ptr<Job> {
    for (auto at = keys_.begin(); at != keys_.end(); ++at) {
      auto key = at->lock();
      if (!key || !wanted(*key)) continue;
      std::rotate(at, at + 1, keys_.end());
      auto job = std::make_shared<Job>();
      job->key = std::move(key);
      job->deadline = Clock::now() + kTryTime;
      return job;
    }
    return nullptr;
  };
  auto job = take([](const KeyEntry& key) { return !key.known() && !key.fault(); });
  if (!job) job = take([](const KeyEntry& key) { return key.fault().has_value(); });
  if (!job && down_) job = take([](const KeyEntry&) { return true; });
  return job;
}

void Token::work(Thread& own) {
  Worker worker;
  std::unique_lock lock(mutex_);
  workers_.push_back(&worker);
  while (!stopping_ && threads_ <= most_threads_) {
    if (!queue_.empty()) {
      auto job = std::move(queue_.front());
      queue_.pop_front();
      run(worker, std::move(job), lock);
    } else if (!has_to_try()) {
      wake_.wait(lock);
    } else if (Clock::now() < next_try_) {
      wake_.wait_until(lock, next_try_);
    } else if (auto job = next_to_try()) {
      trying_ = true;
      run(worker, std::move(job), lock);
      trying_ = false;
    } else {
      attention_ = false;
    }
  }
  lock.unlock();
  if (worker.session) {
    const auto use = module_->use();
    const auto alone = use ? (*use)->one_at_a_time() : std::unique_lock<std::mutex>();
    if (use && (*use)->generation() == worker.generation) worker.close();
  }
  lock.lock();
  std::erase(workers_, &worker);
  --threads_;
  own.is_over = true;
  if (stopping_ && up_ && threads_ == 0) module_->token_is_down();
  ended_.notify_all();
}

void Token::run(Worker& worker, std::shared_ptr<Job> job, std::unique_lock<std::mutex>& lock) {
  job->state = Job::State::running;
  job->began = Clock::now();
  worker.busy_until = job->deadline;
  if (has_to_try()) wake_.notify_one();  // so that another thread sees to that
  lock.unlock();
  TokenResult<Octets> result = execute(worker, *job);
  lock.lock();
  worker.busy_until.reset();
  worker.has_session = worker.session.has_value();
  if (!result && give_up_session(job, result.error())) return;
  finish(*job, std::move(result));
}

/// The token has no session left for this thread, but others have: they take the job over.
bool Token::give_up_session(const std::shared_ptr<Job>& job, const TokenError& error) {
  if (error.value != CKR_SESSION_COUNT) return false;
  const auto sessions = static_cast<std::size_t>(std::count_if(
      workers_.begin(), workers_.end(), [](const Worker* worker) { return worker->has_session; }));
  if (sessions == 0 || threads_ < 2) return false;
  most_threads_ = std::min(most_threads_, threads_ - 1);
  job->state = Job::State::queued;
  queue_.push_front(job);
  wake_.notify_one();
  return true;
}

void Token::finish(Job& job, TokenResult<Octets> result) {
  last_try_ = Clock::now();
  if (result) {
    // What was under way when it failed tells nothing of now.
    if (!down_ || job.began >= failed_) is_up();
  } else {
    switch (result.error().fault) {
      case TokenFault::away:
      case TokenFault::refused:
        is_down(result.error());
        break;
      case TokenFault::key:
        is_up();
        next_try_ = last_try_ + kLongestPause;
        attention_ = true;
        if (job.key->fails(result.error()))
          journal_->failed(job.key->subject(), result.error().message);
        break;
      case TokenFault::slow:
        break;
    }
  }
  job.result = std::move(result);
  job.state = Job::State::done;
  job.done.notify_all();
}

void Token::is_up() {
  if (!std::exchange(up_, true)) module_->token_is_up();
  const bool was_bad = down_ || slow_;
  down_.reset();
  slow_ = false;
  tries_ = 0;
  if (!was_bad) return;
  next_try_ = last_try_;
  journal_->recovered(name());
}

void Token::is_down(const TokenError& error) {
  if (std::exchange(up_, false)) module_->token_is_down();
  if (!down_ && !slow_) journal_->failed(name(), error.message);
  down_ = error;
  failed_ = last_try_;
  attention_ = true;
  slow_ = false;
  const auto pause = std::chrono::milliseconds(kFirstTry) * (1U << std::min(tries_++, 6U));
  next_try_ = last_try_ + std::min<Clock::duration>(pause, kLongestPause);
  for (const auto& job : std::exchange(queue_, {})) {
    job->result = error;
    job->state = Job::State::done;
    job->done.notify_all();
  }
  wake_.notify_one();
}

std::string Token::name() const { return "token " + address_.token_name(); }

void Token::stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
  ended_.wait_for(lock, kFarewell, [&] { return threads_ == 0; });
  // Each of them holds this token, which is not to end on one of them while the process does.
  join_those_over();
  for (Thread& hanging : all_threads_) abandon(std::move(hanging.thread));
}

}  // namespace authmilter
