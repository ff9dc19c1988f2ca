#pragma once

#include <memory>

namespace authmilter {

/// Deleter that calls a C library's free function.
template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* handle) const noexcept {
    Free(handle);
  }
};

/// Owner of a handle from a C library: `using DkimHandle = CHandle<DKIM, dkim_free>;`
template <class T, auto Free>
using CHandle = std::unique_ptr<T, FreeWith<Free>>;

}  // namespace authmilter
