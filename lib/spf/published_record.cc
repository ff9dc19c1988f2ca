#include <utility>
#include <variant>

#include "base/held_octets.h"
#include "spf/grammar.h"

namespace authmilter::spf {
namespace {

std::size_t held_octets(const MacroString& text) {
  std::size_t octets = authmilter::held_octets(text.pieces());
  for (const MacroString::Piece& piece : text.pieces())
    octets += authmilter::held_octets(piece.literal) + authmilter::held_octets(piece.delimiters);
  return octets;
}

std::size_t held_octets(const std::optional<Modifier>& modifier) {
  if (!modifier) return 0;
  return authmilter::held_octets(modifier->text) + held_octets(modifier->domain_spec);
}

std::size_t held_octets(const Record& record) {
  std::size_t octets = authmilter::held_octets(record.terms);
  for (const Term& term : record.terms) {
    octets += authmilter::held_octets(term.text);
    if (term.domain_spec) octets += held_octets(*term.domain_spec);
  }
  return octets + held_octets(record.redirect) + held_octets(record.explanation);
}

}  // namespace

PublishedRecord PublishedRecord::parse(const DnsAnswer& answer) {
  const std::string* only = nullptr;
  for (const DnsRecord& one : answer.records) {
    const auto* const txt = std::get_if<TxtRecord>(&one);
    if (txt == nullptr || !is_spf_record(txt->text)) continue;
    if (only != nullptr) return {Reason<SpfReason>(SpfReason::multiple_records)};
    only = &txt->text;
  }
  if (only == nullptr) return {std::nullopt};
  auto record = parse_record(*only);
  if (record) record->terms.shrink_to_fit();  // it is kept for long, and its memory counted
  return {std::move(record)};
}

std::size_t PublishedRecord::octets() const {
  if (!record) return 0;
  return *record ? held_octets(**record) : authmilter::held_octets(record->error().text());
}

}  // namespace authmilter::spf
