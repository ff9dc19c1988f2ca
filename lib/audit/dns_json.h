#pragma once

#include <authmilter/audit_facts.h>

#include "audit/facts_json.h"

namespace authmilter {

template <>
inline constexpr Word<DnsFault> kJsonWords<DnsFault>[] = {
    {DnsFault::none, "none"},           {DnsFault::timeout, "timeout"},
    {DnsFault::servfail, "servfail"},   {DnsFault::bogus, "bogus"},
    {DnsFault::malformed, "malformed"}, {DnsFault::limit, "limit"},
    {DnsFault::overload, "overload"}};
static_assert(is_complete(kJsonWords<DnsFault>, DnsFault::overload));

/// A list with an object for each question and its answer; what is as usual is left out.
template <>
struct JsonForm<DnsFacts> {
  static FactsJson write(const DnsFacts& facts);
  static Result<DnsFacts> read(const FactsJson& json);
};

}  // namespace authmilter
