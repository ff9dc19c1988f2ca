#include "spf/trace.h"

#include <stdexcept>

#include "base/ascii.h"

namespace authmilter::spf {
namespace {

constexpr std::size_t kTermOctets = 128;  // of a term, in explanations

/// A term is printable ASCII by its grammar, so there is rarely anything to escape.
std::string shown(std::string_view term) {
  if (term.size() <= kTermOctets && term.find('\\') == std::string_view::npos)
    return std::string(term);
  return printable(term, kTermOctets);
}

}  // namespace

std::size_t Trace::add_step(const Level& level, std::string_view term, std::string_view outcome) {
  steps_.push_back({level.domain, shown(term), std::string(outcome)});
  return steps_.size() - 1;
}

Trace::Level& Trace::level_of(const OpenRecord& record) {
  while (!levels_.empty() && levels_.back().record != &record) {
    // RFC 7208 section 5.2: the walk goes on behind an include, so that did not match; but the
    // term that ended the included record did.
    if (levels_.back().step) steps_[*levels_.back().step].outcome = "match";
    levels_.pop_back();
  }
  if (levels_.empty()) throw std::logic_error("SPF walk is in a record that it has left");
  return levels_.back();
}

void Trace::pass_over(Level& level, std::size_t end) {
  if (level.step) steps_[*level.step].outcome = "no match";
  level.step.reset();
  level.term = nullptr;
  for (; level.next < end; ++level.next)
    add_step(level, level.record->record.terms[level.next].text, "no match");
}

void Trace::enter(const OpenRecord& record) {
  levels_.push_back({&record, printable(record.domain.text()), 0, {}, nullptr});
}

void Trace::replace(const OpenRecord& record) {
  Level& level = levels_.back();
  if (level.step) steps_[*level.step].outcome = "followed";
  level = {&record, printable(record.domain.text()), 0, {}, nullptr};
}

void Trace::reach(const OpenRecord& record, std::size_t term) {
  Level& level = level_of(record);
  pass_over(level, term);
  level.step = add_step(level, record.record.terms[term].text, {});
  level.term = &record.record.terms[term];
  level.next = term + 1;
}

void Trace::reach_end(const OpenRecord& record) {
  pass_over(level_of(record), record.record.terms.size());
}

void Trace::reach_redirect(const OpenRecord& record) {
  Level& level = level_of(record);
  pass_over(level, record.record.terms.size());
  level.step = add_step(level, record.record.redirect->text, {});
}

void Trace::finish() {
  for (const Level& level : levels_)
    if (level.step) steps_[*level.step].outcome = "match";
}

void Trace::abort(std::string_view innermost, std::string_view outer) {
  for (const Level& level : levels_)
    if (level.step) steps_[*level.step].outcome = outer;
  if (!levels_.empty() && levels_.back().step) steps_[*levels_.back().step].outcome = innermost;
}

const OpenRecord* Trace::deciding_record() const {
  return levels_.empty() ? nullptr : levels_.front().record;
}

const Term* Trace::current_term() const { return levels_.empty() ? nullptr : levels_.front().term; }

}  // namespace authmilter::spf
