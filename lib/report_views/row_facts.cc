#include "report_views/row_facts.h"

#include <algorithm>
#include <string_view>

namespace authmilter {
namespace {

using Auths = std::vector<ViewRow::Auth>;

/// Of a report that names no result at all, its word for "aligned" has to do.
bool passes_for(const Auths& results, const std::string& author) {
  return results.empty() || std::any_of(results.begin(), results.end(), [&](const auto& result) {
           return result.result == "pass" && result.domain == author;
         });
}

const std::string* first_pass(const Auths& results) {
  const auto found = std::find_if(results.begin(), results.end(), [](const auto& result) {
    return result.result == "pass" && !result.domain.empty();
  });
  return found == results.end() ? nullptr : &found->domain;
}

/// One of the author's organization that does not pass.
const std::string* own_without_pass(const Auths& results, const std::string& author) {
  const auto found = std::find_if(results.begin(), results.end(), [&](const auto& result) {
    return result.result != "pass" && of_one_organization(result.domain, author);
  });
  return found == results.end() ? nullptr : &found->result;
}

void add_causes(RowFacts& facts, const ViewRow& row, const std::string& author) {
  const auto count = row.count;
  const auto* signer = first_pass(row.dkim);
  const auto* sender = first_pass(row.spf);
  const auto* broken = own_without_pass(row.dkim, author);
  if (sender != nullptr || signer != nullptr)
    facts.other_domain = signer != nullptr && broken == nullptr ? *signer
                         : sender != nullptr                    ? *sender
                                                                : *signer;
  // A key that is gone or bad is an error, a message that was changed a failure (RFC 8601
  // section 2.7.1).
  if (broken != nullptr && *broken == "fail" && !facts.other_domain.empty()) {
    facts.causes.forwarded = count;
  } else if (broken != nullptr) {
    facts.causes.broken_signature = count;
  } else if (signer != nullptr) {
    facts.causes.foreign_dkim = count;
  } else if (sender != nullptr) {
    facts.causes.foreign_spf = count;
  } else if (own_without_pass(row.spf, author) != nullptr) {
    facts.causes.not_in_spf = count;
  } else {
    facts.causes.nothing = count;
  }
}

void add_what_if(RowFacts& facts, const ViewRow& row, const std::string& author) {
  const bool pass = row.dkim_aligned || row.spf_aligned;
  const bool strict_dkim = row.dkim_aligned && passes_for(row.dkim, author);
  const bool strict_spf = row.spf_aligned && passes_for(row.spf, author);
  if (pass && !strict_dkim && !row.spf_aligned) facts.what_if.strict_dkim = row.count;
  if (pass && !row.dkim_aligned && !strict_spf) facts.what_if.strict_spf = row.count;
  if (pass && !strict_dkim && !strict_spf) facts.what_if.strict_both = row.count;
  // RFC 7208 section 5.1: "-all" turns what matches no term into fail.
  const bool open = std::any_of(row.spf.begin(), row.spf.end(), [&](const auto& result) {
    return (result.result == "softfail" || result.result == "neutral") &&
           of_one_organization(result.domain, row.domain);
  });
  if (!open) return;
  facts.what_if.hard_spf = row.count;
  if (pass) facts.what_if.hard_spf_passing = row.count;
}

void add_tally(ReportTally& tally, const ViewRow& row) {
  const auto count = row.count;
  const bool pass = row.dkim_aligned || row.spf_aligned;
  tally.messages = count;
  if (pass) tally.pass = count;
  if (row.dkim_aligned) tally.dkim = count;
  if (row.spf_aligned) tally.spf = count;
  if (row.disposition == "quarantine") tally.quarantined = count;
  if (row.disposition == "reject") tally.rejected = count;
  if (!pass && !row.reasons.empty()) tally.excused = count;
  if (!row.monitored) return;
  if (row.decided == "quarantine" || row.decided == "tag") tally.would_quarantine = count;
  if (row.decided == "reject" || row.decided == "discard") tally.would_reject = count;
}

}  // namespace

RowFacts row_facts(const ViewRow& row) {
  const std::string& author = row.header_from.empty() ? row.domain : row.header_from;
  RowFacts facts;
  add_tally(facts.tally, row);
  add_what_if(facts, row, author);
  if (facts.tally.pass == 0) add_causes(facts, row, author);
  return facts;
}

}  // namespace authmilter
