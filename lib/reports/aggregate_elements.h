#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace authmilter {

/// The elements of an aggregate report, by where they stand: `domain` of the policy is another than
/// `domain` of a signature. `unknown` is what no report has: an extension, and all in it.
enum class AggregateElement : std::uint8_t {
  unknown,
  document,
  feedback,
  version,
  report_metadata,
  org_name,
  email,
  extra_contact_info,
  report_id,
  error,
  generator,
  date_range,
  begin,
  end,
  policy_published,
  policy_domain,
  p,
  sp,
  np,
  adkim,
  aspf,
  discovery_method,
  fo,
  testing,
  pct,
  record,
  row,
  source_ip,
  count,
  policy_evaluated,
  disposition,
  evaluated_dkim,
  evaluated_spf,
  reason,
  reason_type,
  reason_comment,
  identifiers,
  header_from,
  envelope_from,
  envelope_to,
  auth_results,
  dkim,
  dkim_domain,
  dkim_selector,
  dkim_result,
  dkim_human_result,
  spf,
  spf_domain,
  spf_scope,
  spf_result,
  spf_human_result,
};

constexpr std::size_t kAggregateElements =
    static_cast<std::size_t>(AggregateElement::spf_human_result) + 1;

/// The element of that name in `parent`.
AggregateElement child_element(AggregateElement parent, std::string_view name);

/// RFC 9990's namespace.
constexpr std::string_view kAggregateNamespace = "urn:ietf:params:xml:ns:dmarc-2.0";

}  // namespace authmilter
