#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <authmilter/report_row.h>
#include <authmilter/report_source.h>
#include <authmilter/report_store.h>

namespace authmilter {

/// How many messages there were, and what of them.
struct ReportTally {
  std::uint64_t messages = 0;
  std::uint64_t pass = 0;  // DMARC: at least one of the next two
  std::uint64_t dkim = 0;  // aligned, and passes
  std::uint64_t spf = 0;
  std::uint64_t quarantined = 0, rejected = 0;  // what happened
  std::uint64_t excused = 0;                    // failed, and a reason is given for doing less
  // Own rows: what monitor mode kept from happening.
  std::uint64_t would_quarantine = 0, would_reject = 0;

  std::uint64_t fail() const { return messages - pass; }
  ReportTally& operator+=(const ReportTally& other);
  bool operator==(const ReportTally&) const = default;
};

/// One number for each day that has one, sorted.
using TallyDays = std::vector<std::pair<ReportDay, ReportTally>>;
ReportTally sum(const TallyDays& days);
/// Those of `days` in a period, both ends included.
ReportTally sum(const TallyDays& days, ReportDay first, ReportDay last);

/// What would have become of messages had something else been published. A message is counted where
/// it passes today and would not, or (`hard_spf`) where SPF would say fail and does not.
struct WhatIf {
  std::uint64_t strict_dkim = 0;  // adkim=s
  std::uint64_t strict_spf = 0;   // aspf=s
  std::uint64_t strict_both = 0;
  /// With "-all", of a domain of theirs: SPF said softfail or neutral. The second are those that
  /// pass DMARC by a signature, which a receiver that refuses by SPF alone never looks at.
  std::uint64_t hard_spf = 0, hard_spf_passing = 0;
  WhatIf& operator+=(const WhatIf& other);
  bool operator==(const WhatIf&) const = default;
};

/// Why messages that fail DMARC do; each is counted once, by the first that is true.
struct FailureCauses {
  /// A signature of the domain fails, and the message authenticates as somebody else's: it was
  /// changed on its way, by a list or a forwarder.
  std::uint64_t forwarded = 0;
  std::uint64_t broken_signature = 0;  // another signature of the domain that does not pass
  std::uint64_t foreign_dkim = 0;      // signed by another domain
  std::uint64_t foreign_spf = 0;       // the envelope is of another domain
  std::uint64_t not_in_spf = 0;        // the envelope is of the domain, the address is not allowed
  std::uint64_t nothing = 0;           // nothing authenticates it
  FailureCauses& operator+=(const FailureCauses& other);
  bool operator==(const FailureCauses&) const = default;
};

struct SourceView {
  ReportSource source;
  ReportTally total;
  TallyDays days;
  WhatIf what_if;
  FailureCauses causes;
  std::string other_domain;  // of foreign_dkim, foreign_spf or forwarded: one that was seen
  std::vector<std::string> selectors;  // of aligned signatures, sorted, a few
  std::vector<std::string> addresses;  // sorted, a few
};

/// A receiver that reports, and what became of the messages there.
struct OrganizationView {
  std::string name;
  ReportTally total;
  TallyDays days;
};

/// A selector that signs in a domain's name.
struct SelectorView {
  std::string domain, selector;
  std::uint64_t messages = 0;  // whose signature passes
  std::uint64_t failing = 0;   // whose signature does not
  std::uint64_t only = 0;      // that pass DMARC by this one alone
  ReportDay first = 0, last = 0;
  std::vector<std::pair<ReportDay, std::uint64_t>> days;  // messages, passing or not
};

/// All that was seen of one policy domain. Largest first, the lists too.
struct DomainView {
  std::string name;  // empty: no policy
  ReportTally total;
  TallyDays days;
  std::vector<SourceView> sources;
  std::vector<OrganizationView> organizations;
  std::vector<SelectorView> selectors;
};

/// Which rule of ours decided how often, of own rows.
struct RuleView {
  std::string rule;
  std::uint64_t messages = 0;
};

/// The rows of a store, added up as people look at them. Give it the rows, then settle it once;
/// from then on it can be read from several threads. Rows of other days are left out. What
/// strangers can grow is bounded; what exceeds that is counted in a domain, source or organization
/// of the name `kRest`, never dropped.
class ReportView {
 public:
  static constexpr std::string_view kRest = "(others)";
  /// Which columns of a row are to be told apart beyond domain, day and results.
  enum class Facet : std::uint8_t { sources, organizations, all };

  ReportView(ReportDay first, ReportDay last);
  ~ReportView();
  ReportView(ReportView&&) noexcept;
  ReportView& operator=(ReportView&&) noexcept;

  /// In any order. `organizations` counts for those alone, so that rows may come twice, once
  /// without the one and once without the other column; `all` has both.
  void add(const ViewRow& row, Facet facet = Facet::all);
  void add(const TlsViewRow& row);

  /// Addresses by which alone a source is known, those of most messages first.
  std::vector<std::string> nameless_addresses(std::size_t most) const;
  /// Finds the source of what fails: that of the same address where it also passes for the domain,
  /// unless it was forwarded; otherwise what authenticates it, or its name or network. Ends the
  /// adding.
  void settle(const AddressNames& names);

  ReportDay first_day() const;
  ReportDay last_day() const;
  ReportTally total() const;
  const std::vector<DomainView>& domains() const;
  const DomainView* domain(std::string_view name) const;
  const std::vector<RuleView>& rules() const;
  /// Failures and successes, added up; sorted by sessions.
  const std::vector<TlsViewRow>& tls() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One character for each of `columns` equal parts of the period, as tall as the messages in it.
enum class Glyphs : std::uint8_t { blocks, ascii };
std::string sparkline(const TallyDays& days, ReportDay first, ReportDay last, std::size_t columns,
                      Glyphs glyphs);

}  // namespace authmilter
