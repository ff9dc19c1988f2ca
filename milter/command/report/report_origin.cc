#include "report/report_origin.h"

#include <algorithm>
#include <optional>

#include <authmilter/authentication_results.h>
#include <authmilter/report_source.h>

namespace authmilter::tools {
namespace {

/// Empty: nobody of ours has said.
std::string dmarc_result(const ReportMail& mail, const OurNames& ours) {
  for (const std::string& value : mail.authentication_results) {
    const bool of_ours = std::any_of(ours.begin(), ours.end(), [&](const DomainName& name) {
      return parse_authserv_id(value) == name.text();
    });
    if (!of_ours) continue;
    const auto results = parse_authentication_results(value);
    if (!results) return "";
    for (const MethodResult& result : results->results) {
      if (result.method == "dmarc") return result.result;
    }
  }
  return "";
}

/// Of "dmarc@receiver.example" or "<dmarc@receiver.example>".
std::optional<DomainName> domain_of(std::string_view address) {
  const std::size_t at = address.rfind('@');
  if (at == std::string_view::npos) return std::nullopt;
  address.remove_prefix(at + 1);
  return DomainName::parse(address.substr(0, address.find_first_of("> \t,;")));
}

}  // namespace

ReportOrigin report_origin(const ReportMail& mail, std::string_view organization_email,
                           const OurNames& ours, std::int64_t now) {
  ReportOrigin origin;
  origin.received = now;
  if (!mail.there) return origin;
  if (mail.author_domain) origin.submitter = mail.author_domain->text();
  origin.dmarc = dmarc_result(mail, ours);
  const auto contact = domain_of(organization_email);
  const bool speaks_for_it =
      mail.author_domain &&
      (!contact || of_one_organization(mail.author_domain->text(), contact->text()));
  origin.doubtful = !speaks_for_it || (!origin.dmarc.empty() && origin.dmarc != "pass");
  return origin;
}

}  // namespace authmilter::tools
