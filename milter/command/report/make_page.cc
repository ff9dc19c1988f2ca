#include "report/make_page.h"

#include <algorithm>
#include <utility>

#include <authmilter/report_page.h>

#include "report/load_view.h"

namespace authmilter::tools {

StoreResult<std::string> make_page(ReportStore& store, const Period& period,
                                   const std::string& domain, const std::string& host,
                                   std::int64_t now, Resolver* resolver) {
  const auto received = load_view(store, ViewQuery::Rows::received, period, domain, resolver);
  if (!received) return received.error();
  const auto own = load_own_days(store, period, domain);
  if (!own) return own.error();
  auto sent = store.sends(period.first, period.last);
  if (!sent) return sent.error();
  auto reports = store.received(period.first, period.last);
  if (!reports) return reports.error();
  // Such a page may be made for somebody whom the other domains do not concern.
  if (!domain.empty()) {
    std::erase_if(*sent,
                  [&](const SendEntry& entry) { return entry.policy_domain.text() != domain; });
    std::erase_if(*reports, [&](const ReceivedReport& report) { return report.domain != domain; });
  }
  return report_page({host, now, *received, *own, std::move(*sent), std::move(*reports)});
}

}  // namespace authmilter::tools
