#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <authmilter/report_row.h>
#include <authmilter/report_sending.h>

namespace authmilter {

inline DomainName domain_name(std::string_view text) { return DomainName::parse(text).value(); }

/// 2026-11-28, and a moment in the night after it.
constexpr ReportDay kDay = 20'785;
constexpr std::int64_t kNight = (kDay + 1) * kDaySeconds + 2 * 3600;

inline PolicyInForce policy(std::string_view domain, std::vector<std::string> rua) {
  PolicyInForce made{.published = {.domain = domain_name(domain)}};
  made.published.p = made.published.sp = made.published.np = AssessmentPolicy::reject;
  made.published.adkim = made.published.aspf = AlignmentMode::relaxed;
  made.published.discovery_method = DiscoveryMethod::treewalk;
  made.published.fo = "0";
  made.published.testing = false;
  made.rua = std::move(rua);
  return made;
}

/// So many failing messages of an address, by an author in the policy's domain.
inline ReportRow row(PolicyInForce of, std::string_view address, std::uint64_t count,
                     ReportDay day = kDay) {
  ReportRow made;
  made.day = day;
  made.record.source_ip = IpAddress::parse(address).value();
  made.record.count = count;
  made.record.disposition = ReportedDisposition::reject;
  made.record.header_from = of.published.domain.text();
  made.record.envelope_from = of.published.domain.text();
  made.record.spf_results = {
      {of.published.domain.text(), SpfScope::mfrom, ReportedResult::fail, ""}};
  made.policy = std::move(of);
  return made;
}

inline ReportSender sample_sender() {
  return {"Example Organization", "dmarc@example.org",        "",
          "authmilter test",      domain_name("example.org"), domain_name("mx.example.org")};
}

}  // namespace authmilter
