#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <authmilter/aggregate_report.h>

namespace authmilter {

/// Which namespace a report that we write is in: RFC 9990's, or none, for a destination whose
/// reader knows RFC 7489 only and stops at any.
enum class ReportNamespace : std::uint8_t { rfc9990, none };

/// Writes an aggregate report (RFC 9990 appendix A), a record at a time, packed by gzip as it
/// comes. The same values give the same octets. Elements stand in the schema's order; what the
/// policy does not say carries its default (RFC 9990 section 3.1.1). Texts are cleaned and escaped,
/// whatever is in them; words that only RFC 7489 has become `other`.
class AggregateWriter {
 public:
  AggregateWriter(const AggregateReport& report, ReportNamespace name_space);
  AggregateWriter(AggregateWriter&&) noexcept;
  AggregateWriter& operator=(AggregateWriter&&) noexcept;
  ~AggregateWriter();

  /// One record; of its DKIM results those of reported_dkim(), of SPF's one.
  void add(const AggregateRecord& record);
  /// Once, behind the last record, of which there must be one: the octets of the file.
  std::string finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The DKIM results of a record that are written, in the order of RFC 9990 section 3.1.3: passes
/// of the author's own domain, passes of its relatives, other passes, the rest; within each as they
/// were; a hundred at most. Relatives are names at or below the policy domain, and those that the
/// author's is below of: no walk is made for it.
std::vector<ReportedDkim> reported_dkim(const AggregateRecord& record,
                                        const DomainName& policy_domain);

}  // namespace authmilter
