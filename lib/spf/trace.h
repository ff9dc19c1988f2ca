#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/dns_name.h>
#include <authmilter/spf.h>

#include "spf/grammar.h"

namespace authmilter::spf {

/// A record under evaluation, and the <domain> it was found at.
struct OpenRecord {
  DnsName domain;
  std::shared_ptr<const Record> shared;  // with whoever else reads the same answer
  const Record& record = *shared;
};

/// Which terms were tried and what came of them, told from the order in which a walk reaches them:
/// a term is left behind because it did not match, and the walk ends at the one that did. Records
/// must outlive it.
class Trace {
 public:
  /// The first record, or one that the term last reached includes.
  void enter(const OpenRecord& record);
  /// The record that takes the place of the one whose redirect was reached last.
  void replace(const OpenRecord& record);
  /// The walk has come to `term` of `record`; records included by earlier terms are done.
  void reach(const OpenRecord& record, std::size_t term);
  /// No term of `record` matched.
  void reach_end(const OpenRecord& record);
  void reach_redirect(const OpenRecord& record);

  /// The walk is over; the terms it stopped at matched.
  void finish();
  /// The walk broke off: the innermost term says `innermost`, those that include it `outer`.
  void abort(std::string_view innermost, std::string_view outer);

  /// The record that decides: the first one, or where its redirects led.
  const OpenRecord* deciding_record() const;
  /// The term of it that the walk stands at; nothing: past the last one, or at none yet.
  const Term* current_term() const;
  std::vector<SpfStep> take_steps() { return std::move(steps_); }

 private:
  struct Level {
    const OpenRecord* record;
    std::string domain;               // of the record, printable
    std::size_t next = 0;             // first term not yet written down
    std::optional<std::size_t> step;  // where the walk stands: a term, or the redirect
    const Term* term = nullptr;       // that step's, if it is one
  };
  Level& level_of(const OpenRecord& record);
  void pass_over(Level& level, std::size_t end);
  std::size_t add_step(const Level& level, std::string_view term, std::string_view outcome);

  std::vector<Level> levels_;
  std::vector<SpfStep> steps_;
};

}  // namespace authmilter::spf
