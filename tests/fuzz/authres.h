#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include <authmilter/authentication_results.h>

#include "base/ascii.h"
#include "input.h"

// What both targets of Authentication-Results need.

namespace authmilter::fuzz {

inline std::string marked(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return !is_printable(c); }, '?');
  return text;
}

inline std::string keyword(std::string_view text) {
  std::string word = to_lower(text);
  std::replace_if(
      word.begin(), word.end(), [](char c) { return !is_alnum(c) && c != '-' && c != '_'; }, '_');
  return word.empty() ? "_" : word;
}

inline std::string version(const std::string& text) {
  return std::all_of(text.begin(), text.end(), is_digit) ? text : "";
}

/// What compose() writes of any results.
inline AuthenticationResults as_composed(AuthenticationResults results) {
  results.authserv_id = marked(results.authserv_id);
  results.version = version(results.version);
  for (auto& result : results.results) {
    result.method = keyword(result.method);
    result.version = version(result.version);
    result.result = keyword(result.result);
    result.reason = marked(result.reason);
    result.comment.clear();
    for (auto& property : result.properties) {
      property = {keyword(property.ptype), keyword(property.property), marked(property.value)};
    }
  }
  return results;
}

inline bool same(const AuthenticationResults& a, const AuthenticationResults& b) {
  const auto same_result = [](const MethodResult& x, const MethodResult& y) {
    return x.method == y.method && x.version == y.version && x.result == y.result &&
           x.reason == y.reason && x.comment == y.comment && x.properties == y.properties;
  };
  return a.authserv_id == b.authserv_id && a.version == b.version &&
         std::equal(a.results.begin(), a.results.end(), b.results.begin(), b.results.end(),
                    same_result);
}

/// A124: nothing but printable ASCII and our own folds goes into the message.
inline void require_clean(std::string_view value) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\n') {
      require(i + 1 < value.size() && value[i + 1] == '\t', "a line end begins a fold");
    } else if (value[i] == '\t') {
      require(i > 0 && value[i - 1] == '\n', "a tab is part of a fold");
    } else {
      require(is_printable(value[i]), "only printable ASCII is composed");
    }
  }
}

}  // namespace authmilter::fuzz
