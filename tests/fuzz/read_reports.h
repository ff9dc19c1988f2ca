#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <authmilter/aggregate_writer.h>
#include <authmilter/report_reader.h>

#include "base/utf8.h"
#include "input.h"
#include "support/written_reports.h"

namespace authmilter::fuzz {

/// What every text of a report that was read is: valid UTF-8 without controls, and no longer than
/// `most`.
inline void require_text(std::string_view text, std::size_t most = 1000) {
  require(text.size() <= most, "a text is bounded");
  while (!text.empty()) {
    const Utf8Character next = first_utf8_character(text);
    require(next.octets > 0, "a text is UTF-8");
    require(next.code >= 0x20 && (next.code < 0x7f || next.code >= 0xa0), "a text has no controls");
    text.remove_prefix(next.octets);
  }
}

inline void require_outcomes(const std::vector<ReportOutcome>& outcomes) {
  require(!outcomes.empty(), "something is always said");
  for (const ReportOutcome& outcome : outcomes) {
    using Status = ReportOutcome::Status;
    require(outcome.status != Status::failed, "the store does not fail here");
    require((outcome.status == Status::rejected) == !outcome.reason.empty(),
            "what is rejected has a reason");
    require(outcome.status == Status::rejected || outcome.kind, "what is stored has a kind");
    require_text(outcome.reason);
    require_text(outcome.organization, 255);
    require_text(outcome.report_id, 255);
  }
}

inline void require_aggregate(const WrittenReports::Aggregate& read) {
  const ReportMetadata& metadata = read.report.metadata;
  for (const std::string* text : {&metadata.org_name, &metadata.email, &metadata.report_id}) {
    require_text(*text, 255);
  }
  for (const std::string* text :
       {&metadata.extra_contact_info, &metadata.error, &metadata.generator}) {
    require_text(*text);
  }
  require(!metadata.report_id.empty(), "a report has a name");
  require(metadata.begin > 0 && metadata.begin <= metadata.end, "a period has a beginning");
  for (const AggregateRecord& record : read.records) {
    require_text(record.header_from, 255);
    if (record.envelope_from) require_text(*record.envelope_from, 255);
    for (const auto& dkim : record.dkim_results) {
      require_text(dkim.domain, 255);
      require_text(dkim.selector, 255);
      require_text(dkim.human_result);
    }
    for (const auto& spf : record.spf_results) require_text(spf.domain, 255);
    for (const auto& reason : record.reasons) require_text(reason.comment);
  }
}

inline std::string written(const WrittenReports::Aggregate& read) {
  AggregateWriter writer(read.report, ReportNamespace::rfc9990);
  for (const AggregateRecord& record : read.records) writer.add(record);
  return writer.finish();
}

}  // namespace authmilter::fuzz
