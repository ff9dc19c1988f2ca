#include <authmilter/aggregate_writer.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "archive/gzip.h"
#include "base/ascii.h"
#include "reports/aggregate_elements.h"
#include "reports/report_text.h"

namespace authmilter {
namespace {

/// RFC 9990 section 3.1.3: no more than a hundred, which keeps what a sender can make us write
/// within bounds.
constexpr std::size_t kMostDkimResults = 100;

/// XML 1.0 section 2.4, and U+FFFE and U+FFFF, which are no characters of it.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
  for (const std::string_view none : {"\xef\xbf\xbe", "\xef\xbf\xbf"}) {
    for (std::size_t at = 0; (at = out.find(none, at)) != std::string::npos;) {
      out.replace(at, none.size(), "\xef\xbf\xbd");
    }
  }
  return out;
}

/// One element with text in it.
std::string element(int indent, std::string_view name, std::string_view text) {
  return fmt::format("{:{}}<{}>{}</{}>\n", "", indent, name, escaped(clean_text(text)), name);
}

std::string_view alignment_word(AlignmentMode mode) {
  return mode == AlignmentMode::strict ? "s" : "r";
}

std::string metadata_text(const ReportMetadata& metadata) {
  std::string out = " <report_metadata>\n";
  out += element(2, "org_name", metadata.org_name);
  out += element(2, "email", metadata.email);
  if (!metadata.extra_contact_info.empty()) {
    out += element(2, "extra_contact_info", metadata.extra_contact_info);
  }
  out += element(2, "report_id", metadata.report_id);
  out += fmt::format("  <date_range>\n   <begin>{}</begin>\n   <end>{}</end>\n  </date_range>\n",
                     metadata.begin, metadata.end);
  if (!metadata.error.empty()) out += element(2, "error", metadata.error);
  if (!metadata.generator.empty()) out += element(2, "generator", metadata.generator);
  return out + " </report_metadata>\n";
}

std::string policy_text(const PolicyPublished& policy) {
  // RFC 9990 section 3.1.1: unspecified tags have their default values. RFC 9989 section 4.7: sp
  // is as p, np as sp.
  const AssessmentPolicy p = policy.p.value_or(AssessmentPolicy::none);
  const AssessmentPolicy sp = policy.sp.value_or(p);
  const AssessmentPolicy np = policy.np.value_or(sp);
  std::string out = " <policy_published>\n";
  out += element(2, "domain", policy.domain.text());
  out += element(2, "p", to_string(p));
  out += element(2, "sp", to_string(sp));
  out += element(2, "np", to_string(np));
  out += element(2, "adkim", alignment_word(policy.adkim.value_or(AlignmentMode::relaxed)));
  out += element(2, "aspf", alignment_word(policy.aspf.value_or(AlignmentMode::relaxed)));
  out += element(2, "discovery_method",
                 to_string(policy.discovery_method.value_or(DiscoveryMethod::treewalk)));
  out += element(2, "fo", policy.fo.empty() ? "0" : policy.fo);
  out += element(2, "testing", policy.testing.value_or(false) ? "y" : "n");
  return out + " </policy_published>\n";
}

std::string reason_text(const PolicyOverrideReason& reason) {
  const bool gone = reason.type == PolicyOverrideType::forwarded ||
                    reason.type == PolicyOverrideType::sampled_out;
  const PolicyOverrideType type = gone ? PolicyOverrideType::other : reason.type;
  const std::string comment =
      gone && reason.comment.empty() ? std::string(to_string(reason.type)) : reason.comment;
  std::string out = "    <reason>\n" + element(5, "type", to_string(type));
  if (!comment.empty()) out += element(5, "comment", comment);
  return out + "    </reason>\n";
}

/// RFC 9990 has one result of SPF, of the MAIL FROM identity, which for a null reverse-path is the
/// HELO name's (RFC 7208 section 2.4).
const ReportedSpf* reported_spf(const AggregateRecord& record) {
  const auto& results = record.spf_results;
  const auto mail_from = std::find_if(results.begin(), results.end(), [](const ReportedSpf& spf) {
    return spf.scope != SpfScope::helo;
  });
  if (mail_from != results.end()) return &*mail_from;
  return results.empty() ? nullptr : &results.front();
}

std::string results_text(const AggregateRecord& record, const DomainName& policy_domain) {
  std::string out = "  <auth_results>\n";
  for (const ReportedDkim& dkim : reported_dkim(record, policy_domain)) {
    // Of DKIM there is no softfail.
    const ReportedResult result =
        dkim.result == ReportedResult::softfail ? ReportedResult::fail : dkim.result;
    out += "   <dkim>\n" + element(4, "domain", dkim.domain) +
           element(4, "selector", dkim.selector) + element(4, "result", to_string(result));
    if (!dkim.human_result.empty()) out += element(4, "human_result", dkim.human_result);
    out += "   </dkim>\n";
  }
  if (const ReportedSpf* spf = reported_spf(record)) {
    out += "   <spf>\n" + element(4, "domain", spf->domain) +
           element(4, "scope", to_string(SpfScope::mfrom)) +
           element(4, "result", to_string(spf->result));
    if (!spf->human_result.empty()) out += element(4, "human_result", spf->human_result);
    out += "   </spf>\n";
  }
  return out + "  </auth_results>\n";
}

std::string record_text(const AggregateRecord& record, const DomainName& policy_domain) {
  std::string out = " <record>\n  <row>\n";
  out += element(3, "source_ip", record.source_ip.text());
  out += fmt::format("   <count>{}</count>\n   <policy_evaluated>\n", record.count);
  out += element(4, "disposition", to_string(record.disposition));
  out += element(4, "dkim", to_string(record.dkim));
  out += element(4, "spf", to_string(record.spf));
  for (const PolicyOverrideReason& reason : record.reasons) out += reason_text(reason);
  out += "   </policy_evaluated>\n  </row>\n  <identifiers>\n";
  out += element(3, "header_from", record.header_from);
  // Empty, not missing, where the reverse-path was null.
  if (record.envelope_from) out += element(3, "envelope_from", *record.envelope_from);
  if (!record.envelope_to.empty()) out += element(3, "envelope_to", record.envelope_to);
  out += "  </identifiers>\n";
  return out + results_text(record, policy_domain) + " </record>\n";
}

}  // namespace

struct AggregateWriter::Impl {
  DomainName policy_domain;
  GzipWriter packed;
};

AggregateWriter::AggregateWriter(const AggregateReport& report, ReportNamespace name_space)
    : impl_(std::make_unique<Impl>(Impl{report.policy_published.domain, GzipWriter()})) {
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out += name_space == ReportNamespace::none
             ? "<feedback>\n"
             : fmt::format("<feedback xmlns=\"{}\">\n", kAggregateNamespace);
  out += element(1, "version", "1.0");
  out += metadata_text(report.metadata);
  impl_->packed.add(out + policy_text(report.policy_published));
}
AggregateWriter::AggregateWriter(AggregateWriter&&) noexcept = default;
AggregateWriter& AggregateWriter::operator=(AggregateWriter&&) noexcept = default;
AggregateWriter::~AggregateWriter() = default;

void AggregateWriter::add(const AggregateRecord& record) {
  impl_->packed.add(record_text(record, impl_->policy_domain));
}

std::string AggregateWriter::finish() {
  impl_->packed.add("</feedback>\n");
  return impl_->packed.finish();
}

std::vector<ReportedDkim> reported_dkim(const AggregateRecord& record,
                                        const DomainName& policy_domain) {
  const auto author = DomainName::parse(record.header_from);
  const auto rank = [&](const ReportedDkim& dkim) {
    if (dkim.result != ReportedResult::pass) return 3;
    if (equals_ignoring_case(dkim.domain, record.header_from)) return 0;
    const auto domain = DomainName::parse(dkim.domain);
    const bool related = domain && (domain->is_equal_or_below(policy_domain) ||
                                    (author && author->is_equal_or_below(*domain)));
    return related ? 1 : 2;
  };
  std::vector<ReportedDkim> results = record.dkim_results;
  std::stable_sort(results.begin(), results.end(),
                   [&](const ReportedDkim& a, const ReportedDkim& b) { return rank(a) < rank(b); });
  if (results.size() > kMostDkimResults) results.resize(kMostDkimResults);
  return results;
}

}  // namespace authmilter
