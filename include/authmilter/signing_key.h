#pragma once

#include <memory>

#include <authmilter/domain_name.h>
#include <authmilter/private_key.h>
#include <authmilter/selector.h>

namespace authmilter {

/// A private key under the names that its signatures bear (RFC 6376 section 3.5). Immutable once
/// made; copies share the key.
struct SigningKey {
  DomainName domain;  // d=
  Selector selector;  // s=
  std::shared_ptr<const PrivateKey> key;
};

}  // namespace authmilter
