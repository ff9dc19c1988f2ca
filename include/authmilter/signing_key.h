#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include <authmilter/domain_name.h>
#include <authmilter/private_key.h>
#include <authmilter/selector.h>

namespace authmilter {

/// When a key was used last, for those who ask whether anybody still does. Thread-safe.
struct KeyUse {
  std::atomic<std::int64_t> day = 0;  // days since 1970; 0: not by this process
};

/// A private key under the names that its signatures bear (RFC 6376 section 3.5). Immutable once
/// made; copies share the key.
struct SigningKey {
  DomainName domain;  // d=
  Selector selector;  // s=
  std::shared_ptr<const PrivateKey> key;
  std::shared_ptr<KeyUse> use = nullptr;  // of keys that a state file names; otherwise null
};

}  // namespace authmilter
