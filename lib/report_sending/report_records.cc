#include "report_sending/report_records.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>

namespace authmilter {
namespace {

/// Everything of a record that a report shows but the count. Texts of strangers have no control
/// characters.
std::string key_of(const AggregateRecord& record) {
  std::string key = record.source_ip.text();
  const auto add = [&key](std::string_view part) { (key += '\n') += part; };
  add(to_string(record.disposition));
  add(to_string(record.dkim));
  add(to_string(record.spf));
  add(record.header_from);
  add(record.envelope_from ? "<" + *record.envelope_from + ">" : "");
  add(record.envelope_to);
  for (const PolicyOverrideReason& reason : record.reasons) {
    add(to_string(reason.type));
    add(reason.comment);
  }
  key += '\f';
  for (const ReportedDkim& dkim : record.dkim_results) {
    add(dkim.domain);
    add(dkim.selector);
    add(to_string(dkim.result));
    add(dkim.human_result);
  }
  key += '\f';
  for (const ReportedSpf& spf : record.spf_results) {
    add(spf.domain);
    add(spf.scope ? to_string(*spf.scope) : "");
    add(to_string(spf.result));
    add(spf.human_result);
  }
  return key;
}

/// What RFC 9990 has no place for is taken away, whoever wrote the row.
AggregateRecord as_reported(const AggregateRecord& record) {
  AggregateRecord shown = record;
  // RFC 9990 section 3.1.3: no more than 100 signatures, in decreasing priority.
  if (shown.dkim_results.size() > kReportDkim) shown.dkim_results.resize(kReportDkim);
  // RFC 9990 section 3.1.1.12: at most one SPF result, that of MAIL FROM.
  std::erase_if(shown.spf_results,
                [](const ReportedSpf& spf) { return spf.scope && *spf.scope != SpfScope::mfrom; });
  if (shown.spf_results.size() > 1)
    shown.spf_results.erase(shown.spf_results.begin() + 1, shown.spf_results.end());
  return shown;
}

bool wants_no_namespace(const ReportsConfig& config, const std::vector<ReportAddress>& recipients) {
  return std::any_of(recipients.begin(), recipients.end(), [&](const ReportAddress& address) {
    return std::any_of(
        config.without_namespace.begin(), config.without_namespace.end(),
        [&](const DomainName& domain) { return address.domain.is_equal_or_below(domain); });
  });
}

}  // namespace

void ReportRecords::add(const ReportRow& row) {
  messages_ += row.record.count;
  AggregateRecord shown = as_reported(row.record);
  const std::string key = key_of(shown);
  if (const auto known = places_.find(key); known != places_.end()) {
    entries_[known->second].record.count += row.record.count;
    return;
  }
  if (entries_.size() >= most_) {
    left_out_ += row.record.count;
    return;
  }
  const auto place = places_.emplace(key, entries_.size()).first;
  entries_.push_back({std::move(shown), &place->first});
}

std::vector<AggregateRecord> ReportRecords::sorted() const {
  std::vector<const Entry*> order;
  order.reserve(entries_.size());
  for (const Entry& entry : entries_) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](const Entry* a, const Entry* b) {
    return a->record.count != b->record.count ? a->record.count > b->record.count
                                              : *a->key < *b->key;
  });
  std::vector<AggregateRecord> records;
  records.reserve(order.size());
  for (const Entry* entry : order) records.push_back(entry->record);
  return records;
}

AggregateReport report_head(const SendEntry& entry, const PolicyInForce& policy,
                            const ReportSender& sender, ReportForm form, std::uint64_t left_out) {
  ReportMetadata metadata;
  metadata.org_name = sender.organization;
  metadata.email = sender.email;
  metadata.extra_contact_info = sender.contact;
  metadata.report_id = entry.report_id;
  // RFC 9990 section 3.1.1.4: one UTC day; the next period begins a second later.
  metadata.begin = entry.day * kDaySeconds;
  metadata.end = metadata.begin + kDaySeconds - 1;
  metadata.error = policy.error;
  metadata.generator = sender.generator;
  if (left_out > 0) {
    metadata.error += fmt::format("{}{} messages are left out: the report would be too large",
                                  metadata.error.empty() ? "" : "; ", left_out);
  }
  PolicyPublished published = policy.published;
  published.pct.reset();
  return {form, "1.0", std::move(metadata), std::move(published)};
}

Result<FittedReport> fit_report(const ReportRecords& records, const SendEntry& entry,
                                const PolicyInForce& policy, const ReportSender& sender,
                                const ReportsConfig& config,
                                const std::vector<ReportAddress>& recipients,
                                const ReportComposer& compose) {
  const std::vector<AggregateRecord> sorted = records.sorted();
  // RFC 9990 section 3.1.1.2: there must be at least one record.
  if (sorted.empty()) return Error{"nothing is stored of it any more"};
  const ReportForm form =
      wants_no_namespace(config, recipients) ? ReportForm::rfc7489 : ReportForm::rfc9990;
  std::span<const AggregateRecord> shown = sorted;
  std::uint64_t left_out = records.messages_left_out();
  for (;;) {
    auto mail =
        compose(report_head(entry, policy, sender, form, left_out), shown, entry, recipients);
    if (!mail) return mail.error();
    if (mail->octets.size() <= config.maximum_octets)
      return FittedReport{std::move(*mail), shown.size(), left_out};
    if (shown.size() == 1) {
      return Error{
          fmt::format("with one record the mail has {} octets already", mail->octets.size())};
    }
    const std::size_t kept = shown.size() / 2;
    for (const AggregateRecord& record : shown.subspan(kept)) left_out += record.count;
    shown = shown.first(kept);
  }
}

}  // namespace authmilter
