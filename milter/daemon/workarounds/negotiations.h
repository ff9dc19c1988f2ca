#pragma once

#include <mutex>
#include <unordered_map>

namespace authmilter {

/// What the MTA and we agreed on, as far as it changes what we say.
struct MtaFeatures {
  bool quarantine = true;     // it can hold a message
  bool skip_body = true;      // it can be told that the rest of the body is not wanted
  bool leading_space = true;  // header values come and go with the blank after the colon
};

/// What was agreed on with each MTA that is connected, by the address of libmilter's context.
///
/// A connection's own data cannot hold it: when an MTA uses a connection for a second SMTP session
/// (QUIT_NC) libmilter calls `close` and then `connect` again, without another negotiation. Nor
/// does it say when the connection itself ends, so an entry stays until libmilter uses its address
/// again: there are about as many as connections were open at one time. Thread-safe.
class Negotiations {
 public:
  void set(const void* context, const MtaFeatures& features) {
    const std::lock_guard lock(mutex_);
    features_[context] = features;
  }
  MtaFeatures get(const void* context) const {
    const std::lock_guard lock(mutex_);
    const auto at = features_.find(context);
    return at == features_.end() ? MtaFeatures{} : at->second;
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<const void*, MtaFeatures> features_;
};

}  // namespace authmilter
