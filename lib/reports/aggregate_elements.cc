#include "reports/aggregate_elements.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace authmilter {
namespace {

using E = AggregateElement;

struct Child {
  E parent;
  std::string_view name;
  E element;
};

/// RFC 9990 appendix A, and what only RFC 7489 has. Those of one parent stand together, parents in
/// the order of the enumeration.
constexpr Child kChildren[] = {
    {E::document, "feedback", E::feedback},
    {E::feedback, "version", E::version},
    {E::feedback, "report_metadata", E::report_metadata},
    {E::feedback, "policy_published", E::policy_published},
    {E::feedback, "record", E::record},
    {E::report_metadata, "org_name", E::org_name},
    {E::report_metadata, "email", E::email},
    {E::report_metadata, "extra_contact_info", E::extra_contact_info},
    {E::report_metadata, "report_id", E::report_id},
    {E::report_metadata, "date_range", E::date_range},
    {E::report_metadata, "error", E::error},
    {E::report_metadata, "generator", E::generator},
    {E::date_range, "begin", E::begin},
    {E::date_range, "end", E::end},
    {E::policy_published, "domain", E::policy_domain},
    {E::policy_published, "p", E::p},
    {E::policy_published, "sp", E::sp},
    {E::policy_published, "np", E::np},
    {E::policy_published, "adkim", E::adkim},
    {E::policy_published, "aspf", E::aspf},
    {E::policy_published, "discovery_method", E::discovery_method},
    {E::policy_published, "fo", E::fo},
    {E::policy_published, "testing", E::testing},
    {E::policy_published, "pct", E::pct},
    {E::record, "row", E::row},
    {E::record, "identifiers", E::identifiers},
    {E::record, "identities", E::identifiers},  // of an early draft, and still written
    {E::record, "auth_results", E::auth_results},
    {E::row, "source_ip", E::source_ip},
    {E::row, "count", E::count},
    {E::row, "policy_evaluated", E::policy_evaluated},
    {E::policy_evaluated, "disposition", E::disposition},
    {E::policy_evaluated, "dkim", E::evaluated_dkim},
    {E::policy_evaluated, "spf", E::evaluated_spf},
    {E::policy_evaluated, "reason", E::reason},
    {E::reason, "type", E::reason_type},
    {E::reason, "comment", E::reason_comment},
    {E::identifiers, "header_from", E::header_from},
    {E::identifiers, "envelope_from", E::envelope_from},
    {E::identifiers, "envelope_to", E::envelope_to},
    {E::auth_results, "dkim", E::dkim},
    {E::auth_results, "spf", E::spf},
    {E::dkim, "domain", E::dkim_domain},
    {E::dkim, "selector", E::dkim_selector},
    {E::dkim, "result", E::dkim_result},
    {E::dkim, "human_result", E::dkim_human_result},
    {E::spf, "domain", E::spf_domain},
    {E::spf, "scope", E::spf_scope},
    {E::spf, "result", E::spf_result},
    {E::spf, "human_result", E::spf_human_result},
};
static_assert(std::is_sorted(std::begin(kChildren), std::end(kChildren),
                             [](const Child& a, const Child& b) { return a.parent < b.parent; }));

}  // namespace

AggregateElement child_element(AggregateElement parent, std::string_view name) {
  const auto* child =
      std::lower_bound(std::begin(kChildren), std::end(kChildren), parent,
                       [](const Child& row, E wanted) { return row.parent < wanted; });
  for (; child != std::end(kChildren) && child->parent == parent; ++child) {
    if (child->name == name) return child->element;
  }
  return E::unknown;
}

}  // namespace authmilter
