#include "report/load_view.h"

#include <chrono>

#include "report/address_names.h"

namespace authmilter::tools {
namespace {

void settle(ReportView& view, Resolver* resolver) {
  if (resolver == nullptr) return view.settle({});
  view.settle(names_of(view.nameless_addresses(kNamedAddresses), *resolver,
                       std::chrono::steady_clock::now() + kNamesTime));
}

}  // namespace

StoreResult<ReportView> load_view(ReportStore& store, ViewQuery::Rows rows, const Period& period,
                                  const std::string& domain, Resolver* resolver) {
  const bool received = rows == ViewQuery::Rows::received;
  ViewQuery query;
  query.rows = rows;
  query.by = {true, true, received, true, true, true};
  query.first = period.first;
  query.last = period.last;
  if (!domain.empty()) query.domain = domain;
  ReportView view(period.first, period.last);
  const auto read = store.view(query, [&](const ViewRow& row) { view.add(row); });
  if (!read) return read.error();
  if (received) {
    const auto tls = store.view_tls(period.first, period.last, [&](const TlsViewRow& row) {
      if (domain.empty() || row.domain == domain) view.add(row);
    });
    if (!tls) return tls.error();
  }
  settle(view, resolver);
  return view;
}

StoreResult<ReportView> load_own_days(ReportStore& store, const Period& period,
                                      const std::string& domain) {
  ViewQuery query;
  query.rows = ViewQuery::Rows::own;
  query.by.day = query.by.domain = query.by.results = true;
  query.first = period.first;
  query.last = period.last;
  if (!domain.empty()) query.domain = domain;
  ReportView view(period.first, period.last);
  const auto read = store.view(query, [&](const ViewRow& row) { view.add(row); });
  if (!read) return read.error();
  view.settle({});
  return view;
}

}  // namespace authmilter::tools
