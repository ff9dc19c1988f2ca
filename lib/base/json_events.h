#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace authmilter {

/// What a parser of nlohmann::json that tells of events, `Json::sax_parse()`, wants to be told of
/// each: go on. Whoever bounds a text before it is kept has events of its own in place of these.
/// (The library's callback for this takes quadratic time for lists of objects.)
template <class Json>
struct JsonEvents {
  bool null() { return true; }
  bool boolean(bool) { return true; }
  bool number_integer(std::int64_t) { return true; }
  bool number_unsigned(std::uint64_t) { return true; }
  bool number_float(double, const std::string&) { return true; }
  bool string(std::string&) { return true; }
  bool binary(typename Json::binary_t&) { return true; }
  bool key(std::string&) { return true; }
  bool parse_error(std::size_t, const std::string&, const typename Json::exception&) {
    return false;
  }
};

}  // namespace authmilter
