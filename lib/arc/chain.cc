#include "arc/chain.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"

namespace authmilter {
namespace {

constexpr std::string_view kSeal = "arc-seal";
constexpr std::string_view kMessageSignature = "arc-message-signature";
constexpr std::string_view kResults = "arc-authentication-results";

/// A field of one kind, under its instance.
template <class Read>
struct Placed {
  Read read;
  std::size_t place;
};

/// The fields of one kind by their instances: place 0 is that of instance 1.
template <class Read>
class ByInstance {
 public:
  /// False where there is one already.
  bool add(Placed<Read> field) {
    const std::size_t index = field.read.instance - 1;
    if (fields_.size() <= index) fields_.resize(index + 1);
    if (fields_[index]) return false;
    fields_[index] = std::move(field);
    return true;
  }
  std::size_t size() const { return fields_.size(); }
  std::optional<Placed<Read>>& at(std::size_t index) { return fields_[index]; }
  bool has(std::size_t index) const { return index < fields_.size() && fields_[index]; }

 private:
  std::vector<std::optional<Placed<Read>>> fields_;
};

std::string_view value_of(const MessageField& field) {
  return std::string_view(field.text).substr(field.text.find(':') + 1);
}

class ChainReader {
 public:
  using Failure = std::optional<Reason<ArcReason>>;

  Failure add(const MessageField& field, std::size_t place) {
    const std::string_view value = value_of(field);
    if (field.name == kSeal) {
      auto seal = read_seal(value);
      if (!seal) return Reason(ArcReason::malformed_seal, std::string(seal.error().what));
      return add_to(seals_, {*std::move(seal), place}, "ARC-Seal");
    }
    if (field.name == kMessageSignature) {
      auto signature = read_message_signature(value);
      if (!signature) return Reason(ArcReason::bad_instance, "ARC-Message-Signature");
      return add_to(signatures_, {*std::move(signature), place}, "ARC-Message-Signature");
    }
    auto results = read_arc_results(value);
    if (!results) return Reason(ArcReason::bad_instance, "ARC-Authentication-Results");
    return add_to(results_, {*std::move(results), place}, "ARC-Authentication-Results");
  }

  Result<ArcChain, Reason<ArcReason>> chain() {
    const std::size_t sets = std::max({seals_.size(), signatures_.size(), results_.size()});
    // Step 2: the newest sealer has said it all, whatever the rest looks like.
    if (seals_.has(sets - 1) && seals_.at(sets - 1)->read.chain == ArcResult::fail)
      return Reason(ArcReason::sealed_as_failed, set_text(sets));
    ArcChain chain;
    for (std::size_t i = 0; i < sets; ++i) {
      // Step 3.A and 3.B: one field of each kind, without gaps.
      if (!seals_.has(i) || !signatures_.has(i) || !results_.has(i))
        return Reason(ArcReason::incomplete_set, set_text(i + 1));
      ArcSeal& seal = seals_.at(i)->read;
      // Step 3.C.
      if (seal.chain != (i == 0 ? ArcResult::none : ArcResult::pass))
        return Reason(ArcReason::wrong_chain_status,
                      fmt::format("{}, cv={}", set_text(i + 1), to_string(seal.chain)));
      chain.push_back({.seal = std::move(seal),
                       .message_signature = std::move(signatures_.at(i)->read.signature),
                       .results = std::move(results_.at(i)->read.results),
                       .seal_place = seals_.at(i)->place,
                       .message_signature_place = signatures_.at(i)->place,
                       .results_place = results_.at(i)->place});
    }
    return chain;
  }

 private:
  static std::string set_text(std::size_t instance) { return fmt::format("i={}", instance); }

  template <class Read>
  static Failure add_to(ByInstance<Read>& kind, Placed<Read> field, const char* name) {
    const unsigned instance = field.read.instance;
    if (kind.add(std::move(field))) return std::nullopt;
    return Reason(ArcReason::duplicate_field, fmt::format("{}, {}", set_text(instance), name));
  }

  ByInstance<ArcSeal> seals_;
  ByInstance<ArcMessageSignatureField> signatures_;
  ByInstance<ArcResultsField> results_;
};

bool is_arc_name(std::string_view name) {
  return name == kSeal || name == kMessageSignature || name == kResults;
}

/// Step 1, before anything is parsed: what makes a flood is not worth a look.
bool has_too_many_sets(const std::vector<MessageField>& fields) {
  const auto more = [&](std::string_view name) {
    return std::count_if(fields.begin(), fields.end(), [&](const MessageField& field) {
             return field.name == name;
           }) > static_cast<std::ptrdiff_t>(kMostArcSets);
  };
  return more(kSeal) || more(kMessageSignature) || more(kResults);
}

}  // namespace

bool is_arc_field(std::string_view name) {
  while (!name.empty() && is_wsp(name.back())) name.remove_suffix(1);
  return starts_with_ignoring_case(name, "arc-") && is_arc_name(to_lower(name));
}

Result<ArcChain, Reason<ArcReason>> read_chain(const std::vector<MessageField>& fields) {
  if (has_too_many_sets(fields)) return Reason(ArcReason::too_many_sets);
  ChainReader reader;
  bool any = false;
  for (std::size_t place = 0; place < fields.size(); ++place) {
    if (!is_arc_name(fields[place].name)) continue;
    any = true;
    if (auto failure = reader.add(fields[place], place)) return *failure;
  }
  return any ? reader.chain() : ArcChain{};
}

}  // namespace authmilter
