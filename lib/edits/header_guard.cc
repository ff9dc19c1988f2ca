#include "edits/header_guard.h"

#include <algorithm>
#include <string_view>

#include "base/ascii.h"

namespace authmilter {
namespace {

// Beyond the limits. Of a longer field nothing is kept, so that it is taken for a forgery (RFC 8601
// section 5): a later line of it may look like ours.
constexpr std::size_t kKeptFields = 1000;
constexpr std::size_t kKeptOctets = 1024;

/// A field's name, where it can be said to a stranger: one that real fields have.
std::string name_to_tell(std::string_view name) {
  constexpr std::size_t kLongestName = 76;
  const bool plain = !name.empty() && name.size() <= kLongestName &&
                     std::all_of(name.begin(), name.end(),
                                 [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
  return plain ? "field " + std::string(name) : "a field";
}

}  // namespace

bool HeaderGuard::add(const HeaderField& field) {
  const std::size_t octets = field.name.size() + field.value.size() + 3;  // colon and CRLF
  total_octets_ += octets;
  if (exceeded()) {
    // The log names what was too much first.
  } else if (octets > limits_.field_octets) {
    excess_ = name_to_tell(field.name) + " has more than " + std::to_string(limits_.field_octets) +
              " octets";
  } else if (fields_.size() >= limits_.fields) {
    excess_ = "more than " + std::to_string(limits_.fields) + " fields";
  } else if (total_octets_ > limits_.total_octets) {
    excess_ = "more than " + std::to_string(limits_.total_octets) + " octets";
  }
  if (!exceeded()) {
    fields_.push_back(field);
  } else if (may_be_forged(field)) {
    overflowed_ = overflowed_ || field.name.size() > kKeptOctets || kept_ >= kKeptFields;
    if (!overflowed_) {
      ++kept_;
      fields_.push_back({field.name, field.value.size() > kKeptOctets ? "" : field.value});
    }
  }
  return !exceeded();
}

}  // namespace authmilter
