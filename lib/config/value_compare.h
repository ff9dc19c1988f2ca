#pragma once

#include <algorithm>

#include "config/document.h"

namespace authmilter {

/// The same values, wherever they stand.
inline bool same_values(const Value& a, const Value& b) {
  return a.kind == b.kind && a.key == b.key && a.string == b.string && a.integer == b.integer &&
         a.boolean == b.boolean &&
         std::equal(a.children.begin(), a.children.end(), b.children.begin(), b.children.end(),
                    same_values);
}

}  // namespace authmilter
