#pragma once

#include <string>
#include <utility>
#include <variant>

namespace authmilter {

/// Why an operation could not be done: one line that starts with the object
/// ("/etc/x.toml:12:3: unknown key \"sokcet\"") and has no full stop.
struct Error {
  std::string message;
  bool operator==(const Error&) const = default;
};

/// A value, or the reason why there is none: a line for people, or an `E` that callers act on.
template <class T, class E = Error>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const E& error() const { return std::get<1>(state_); }
  bool operator==(const Result&) const = default;

 private:
  std::variant<T, E> state_;
};

/// The result of an operation that yields nothing but success.
struct Done {
  bool operator==(const Done&) const = default;
};
using Status = Result<Done>;

}  // namespace authmilter
