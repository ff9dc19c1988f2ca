#pragma once

#include <optional>

#include <authmilter/config_place.h>
#include <authmilter/domain_name.h>
#include <authmilter/key_source.h>
#include <authmilter/match_set.h>
#include <authmilter/selector.h>

namespace authmilter {

/// `[arc]`: how mail that is handed on is sealed.
struct ArcConfig {
  bool seal = false;
  std::optional<DomainName> domain;  // d=; there when `seal` is true
  std::optional<Selector> selector;  // s=; nothing: whichever of the domain's keys signs
  std::optional<KeySource> source;   // nothing: a key of the `[[signing.domain]]` of that name
  AddressPatternSet recipient;       // of whom one at least gets what is sealed; empty: anybody
  ConfigPlace place;                 // of the table
};

}  // namespace authmilter
