#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <authmilter/domain_name.h>

namespace authmilter {

/// What makes an aggregate report this one and no other: who sends it, about which domain, for
/// which period and under which published policy. What follows from it is the same each time, so a
/// report that is sent again after a crash has the same file name and Report-ID, and whoever has it
/// already sees so.
struct ReportIdentity {
  DomainName receiver;  // who saw the mail and writes
  DomainName policy_domain;
  std::int64_t begin = 0;  // seconds since 1970, both in the period
  std::int64_t end = 0;
  /// The policy in any text that is the same for the same policy. Two in one day are two reports.
  std::string policy;
  /// What nobody else knows and is the same each time. Whoever could work out a Report-ID could
  /// say that the report came back, or send another one with it before us.
  std::string secret = {};
};

/// RFC 9990 section 3.5.1: "example.org.20261128.5d41402abc4b2a76@receiver.example".
/// Readers take reports of the same organisation and id for one, even of other domains, so the
/// domain is in it. Of letters, digits and `.-_@` only.
std::string report_id(const ReportIdentity& identity);

/// Whether a domain's report of a period is the only one, or there are others under other policies.
/// The unique-id is in the file name only where it tells apart: there are readers that want none.
enum class ReportPlace : std::uint8_t { first, further };

/// RFC 9990 section 3.5.2: "receiver!example.org!1764288000!1764374399.xml.gz", with
/// "!5d41402abc4b2a76", a part of the Report-ID, before ".xml.gz" for a further one.
std::string report_file_name(const ReportIdentity& identity, ReportPlace place);

/// RFC 9990 section 3.5.2: "Report Domain: example.org Submitter: receiver.example Report-ID:
/// <...>".
std::string report_subject(const ReportIdentity& identity);

}  // namespace authmilter
