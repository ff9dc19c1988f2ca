#pragma once

namespace authmilter {

/// A member of a structure and its name in JSON, for tables of them.
template <class Object, class Value>
struct JsonMember {
  const char* name;
  Value Object::*place;
};
template <class Object, class Value>
constexpr JsonMember<Object, Value> json_member(const char* name, Value Object::*place) {
  return {name, place};
}

}  // namespace authmilter
