#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

#include <authmilter/report_view.h>

#include "report_views/row_facts.h"

namespace authmilter {
namespace {

// What strangers can grow. Of own rows every author of the world is a domain; a host of many
// domains has some thousand.
constexpr std::size_t kDomains = 20'000;
// Of all domains together: whoever forges mail can do it from any address, under any domain.
constexpr std::size_t kSources = 50'000;
constexpr std::size_t kAddresses = 100'000;
constexpr std::size_t kOrganizations = 50'000;  // of all domains together
constexpr std::size_t kSelectors = 64;          // of a domain
constexpr std::size_t kRules = 200;
constexpr std::size_t kTlsRows = 20'000;
// What is shown of a source.
constexpr std::size_t kAddressesShown = 8;
constexpr std::size_t kSelectorsShown = 8;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};
template <class Value>
using ByText = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

struct SourceHash {
  std::size_t operator()(const ReportSource& source) const {
    return std::hash<std::string>()(source.name) * 7 + static_cast<std::size_t>(source.kind);
  }
};

/// The entry of a day, in order; most rows come for the last one or near it.
template <class Number>
Number& of_day(std::vector<std::pair<ReportDay, Number>>& days, ReportDay day) {
  if (!days.empty() && days.back().first == day) return days.back().second;
  const auto place =
      std::lower_bound(days.begin(), days.end(), day,
                       [](const auto& entry, ReportDay d) { return entry.first < d; });
  if (place != days.end() && place->first == day) return place->second;
  return days.insert(place, {day, Number{}})->second;
}

void keep_some(std::vector<std::string>& list, const std::string& text, std::size_t most) {
  if (text.empty()) return;
  const auto place = std::lower_bound(list.begin(), list.end(), text);
  if (place != list.end() && *place == text) return;
  if (list.size() < most) list.insert(place, text);
}

void add_to(SourceView& source, ReportDay day, const RowFacts& facts) {
  source.total += facts.tally;
  of_day(source.days, day) += facts.tally;
  source.what_if += facts.what_if;
  source.causes += facts.causes;
  if (source.other_domain.empty()) source.other_domain = facts.other_domain;
}

void merge(SourceView& into, const SourceView& from) {
  into.total += from.total;
  for (const auto& [day, tally] : from.days) of_day(into.days, day) += tally;
  into.what_if += from.what_if;
  into.causes += from.causes;
  if (into.other_domain.empty()) into.other_domain = from.other_domain;
  for (const auto& selector : from.selectors) keep_some(into.selectors, selector, kSelectorsShown);
  for (const auto& address : from.addresses) keep_some(into.addresses, address, kAddressesShown);
}

/// Where the mail of an address that authenticates comes from: the source with the most of it.
struct Home {
  std::size_t source = 0;
  std::uint64_t messages = 0;
};

/// What fails from one address, until all is known of that.
struct Failing {
  std::string address;
  std::optional<ReportSource> source;  // what authenticates it all the same
  SourceView view;
};

struct DomainState {
  DomainView view;
  std::unordered_map<ReportSource, std::size_t, SourceHash> source_places;
  ByText<std::size_t> organization_places;
  std::map<std::pair<std::string, std::string>, std::size_t> selector_places;
  ByText<Home> homes;       // by address
  ByText<Failing> failing;  // by address and source
};

template <class View>
void sort_by_messages(std::vector<View>& views) {
  std::sort(views.begin(), views.end(), [](const View& a, const View& b) {
    if (a.total.messages != b.total.messages) return a.total.messages > b.total.messages;
    if constexpr (requires { a.name; }) {
      return a.name < b.name;
    } else {
      return a.source < b.source;
    }
  });
}

}  // namespace

struct ReportView::Impl {
  Impl(ReportDay its_first, ReportDay its_last) : first(its_first), last(its_last) {}

  ReportDay first, last;
  ReportTally total;
  std::deque<DomainState> states;  // until settle()
  ByText<std::size_t> domain_places;
  std::vector<DomainView> domains;  // from then on
  std::map<std::string, std::uint64_t> rule_counts;
  std::vector<RuleView> rules;
  using TlsKey = std::tuple<ReportDay, std::string, std::string, std::string, std::string,
                            std::string, std::string>;
  std::map<TlsKey, std::uint64_t> tls_counts;
  std::vector<TlsViewRow> tls;
  std::size_t sources = 0, addresses = 0, organizations = 0;
  DomainState* latest = nullptr;  // rows of one domain often stand together

  DomainState& state_of(const std::string& name) {
    if (latest != nullptr && latest->view.name == name) return *latest;
    const auto found = domain_places.find(name);
    if (found != domain_places.end()) return *(latest = &states[found->second]);
    if (states.size() >= kDomains && name != kRest) return state_of(std::string(kRest));
    domain_places.emplace(name, states.size());
    latest = &states.emplace_back();
    latest->view.name = name;
    return *latest;
  }

  std::size_t source_place(DomainState& state, ReportSource source) {
    const auto found = state.source_places.find(source);
    if (found != state.source_places.end()) return found->second;
    if (sources >= kSources && source.kind != ReportSource::Kind::rest)
      return source_place(state, {ReportSource::Kind::rest, std::string(kRest)});
    ++sources;
    const std::size_t place = state.view.sources.size();
    state.view.sources.push_back({.source = source});
    state.source_places.emplace(std::move(source), place);
    return place;
  }

  void note_home(DomainState& state, const ViewRow& row, std::size_t place) {
    if (row.source.empty()) return;
    const auto known = state.homes.find(row.source);
    if (known == state.homes.end()) {
      if (addresses >= kAddresses) return;
      ++addresses;
      state.homes.emplace(row.source, Home{place, row.count});
    } else if (known->second.source == place) {
      known->second.messages += row.count;
    } else if (known->second.messages < row.count) {
      known->second = {place, row.count};
    }
  }

  SourceView& source_of(DomainState& state, const ViewRow& row, const RowFacts& facts) {
    auto source = authenticated_source(row);
    const bool pass = row.dkim_aligned || row.spf_aligned;
    if (source && (pass || facts.causes.forwarded > 0 || row.source.empty())) {
      const std::size_t place = source_place(state, std::move(*source));
      if (pass) note_home(state, row, place);
      return state.view.sources[place];
    }
    std::string key = row.source;
    if (source) key += " " + source->name;
    const auto known = state.failing.find(key);
    if (known != state.failing.end()) return known->second.view;
    if (addresses < kAddresses) {
      ++addresses;
      Failing& made = state.failing[std::move(key)];
      made.address = row.source;
      made.source = std::move(source);
      return made.view;
    }
    if (!source) source = address_source(row.source, {});
    return state.view.sources[source_place(state, std::move(*source))];
  }

  void add_organization(DomainState& state, const ViewRow& row, const ReportTally& tally) {
    if (row.organization.empty()) return;
    const auto find = [&](const std::string& name) -> OrganizationView* {
      const auto found = state.organization_places.find(name);
      return found == state.organization_places.end() ? nullptr
                                                      : &state.view.organizations[found->second];
    };
    OrganizationView* view = find(row.organization);
    const std::string name =
        view != nullptr || organizations < kOrganizations ? row.organization : std::string(kRest);
    if (view == nullptr) view = find(name);
    if (view == nullptr) {
      ++organizations;
      state.organization_places.emplace(name, state.view.organizations.size());
      view = &state.view.organizations.emplace_back();
      view->name = name;
    }
    view->total += tally;
    of_day(view->days, row.day) += tally;
  }

  static void add_selectors(DomainState& state, const ViewRow& row) {
    const std::string& author = row.header_from.empty() ? row.domain : row.header_from;
    const auto own = [&](const ViewRow::Auth& signature) {
      return !signature.selector.empty() && of_one_organization(signature.domain, author);
    };
    const auto passing = std::count_if(row.dkim.begin(), row.dkim.end(), [&](const auto& one) {
      return own(one) && one.result == "pass";
    });
    for (const auto& signature : row.dkim) {
      if (!own(signature)) continue;
      const std::pair key(signature.domain, signature.selector);
      auto found = state.selector_places.find(key);
      if (found == state.selector_places.end()) {
        if (state.view.selectors.size() >= kSelectors) continue;
        found = state.selector_places.emplace(key, state.view.selectors.size()).first;
        state.view.selectors.push_back({.domain = signature.domain,
                                        .selector = signature.selector,
                                        .first = row.day,
                                        .last = row.day});
      }
      SelectorView& view = state.view.selectors[found->second];
      const bool pass = signature.result == "pass";
      (pass ? view.messages : view.failing) += row.count;
      if (pass && row.dkim_aligned && !row.spf_aligned && passing == 1) view.only += row.count;
      view.first = std::min(view.first, row.day);
      view.last = std::max(view.last, row.day);
      of_day(view.days, row.day) += row.count;
    }
  }

  void settle(DomainState& state, const AddressNames& names) {
    for (auto& [key, found] : state.failing) {
      const auto home = state.homes.find(found.address);
      const std::size_t place = home != state.homes.end() ? home->second.source
                                : found.source
                                    ? source_place(state, *found.source)
                                    : source_place(state, address_source(found.address, names));
      merge(state.view.sources[place], found.view);
    }
    sort_by_messages(state.view.sources);
    sort_by_messages(state.view.organizations);
    std::sort(state.view.selectors.begin(), state.view.selectors.end(),
              [](const SelectorView& a, const SelectorView& b) {
                return std::tuple(b.messages, a.domain, a.selector) <
                       std::tuple(a.messages, b.domain, b.selector);
              });
    domains.push_back(std::move(state.view));
  }
};

ReportView::ReportView(ReportDay first, ReportDay last)
    : impl_(std::make_unique<Impl>(first, last)) {}
ReportView::~ReportView() = default;
ReportView::ReportView(ReportView&&) noexcept = default;
ReportView& ReportView::operator=(ReportView&&) noexcept = default;

void ReportView::add(const ViewRow& row, Facet facet) {
  if (row.day < impl_->first || row.day > impl_->last || row.count == 0) return;
  const RowFacts facts = row_facts(row);
  DomainState& state = impl_->state_of(row.domain);
  if (facet != Facet::sources) impl_->add_organization(state, row, facts.tally);
  if (facet == Facet::organizations) return;
  impl_->total += facts.tally;
  state.view.total += facts.tally;
  of_day(state.view.days, row.day) += facts.tally;
  SourceView& source = impl_->source_of(state, row, facts);
  add_to(source, row.day, facts);
  if (source.addresses.size() < kAddressesShown)
    keep_some(source.addresses, row.source, kAddressesShown);
  if (row.dkim_aligned && source.selectors.size() < kSelectorsShown) {
    const std::string& author = row.header_from.empty() ? row.domain : row.header_from;
    for (const auto& signature : row.dkim) {
      if (signature.result == "pass" && of_one_organization(signature.domain, author))
        keep_some(source.selectors, signature.selector, kSelectorsShown);
    }
  }
  Impl::add_selectors(state, row);
  if (row.rule.empty()) return;
  const auto rule = impl_->rule_counts.find(row.rule);
  if (rule != impl_->rule_counts.end()) {
    rule->second += row.count;
  } else {
    impl_->rule_counts[impl_->rule_counts.size() < kRules ? row.rule : std::string(kRest)] +=
        row.count;
  }
}

void ReportView::add(const TlsViewRow& row) {
  if (row.day < impl_->first || row.day > impl_->last || row.sessions == 0) return;
  const auto key = [](const TlsViewRow& r) {
    return Impl::TlsKey{r.day,         r.domain,       r.organization, r.policy_type,
                        r.result_type, r.receiving_mx, r.detail};
  };
  if (impl_->tls_counts.size() < kTlsRows || impl_->tls_counts.contains(key(row))) {
    impl_->tls_counts[key(row)] += row.sessions;
    return;
  }
  TlsViewRow rest;
  rest.day = row.day;
  rest.domain = kRest;
  rest.result_type = row.result_type.empty() ? "" : kRest;
  impl_->tls_counts[key(rest)] += row.sessions;
}

std::vector<std::string> ReportView::nameless_addresses(std::size_t most) const {
  std::map<std::string, std::uint64_t> counts;
  for (const DomainState& state : impl_->states) {
    for (const auto& [key, found] : state.failing) {
      if (!found.source && !found.address.empty() && !state.homes.contains(found.address))
        counts[found.address] += found.view.total.messages;
    }
  }
  std::vector<std::pair<std::uint64_t, std::string>> sorted;
  for (const auto& [address, count] : counts) sorted.emplace_back(count, address);
  const std::size_t size = std::min(most, sorted.size());
  std::partial_sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(size),
                    sorted.end(), std::greater<>());
  std::vector<std::string> addresses;
  for (std::size_t i = 0; i < size; ++i) addresses.push_back(std::move(sorted[i].second));
  return addresses;
}

void ReportView::settle(const AddressNames& names) {
  for (DomainState& state : impl_->states) impl_->settle(state, names);
  impl_->states.clear();
  impl_->domain_places.clear();
  impl_->latest = nullptr;
  sort_by_messages(impl_->domains);
  for (const auto& [rule, messages] : impl_->rule_counts) impl_->rules.push_back({rule, messages});
  std::stable_sort(impl_->rules.begin(), impl_->rules.end(),
                   [](const RuleView& a, const RuleView& b) { return a.messages > b.messages; });
  for (const auto& [key, sessions] : impl_->tls_counts) {
    const auto& [day, domain, organization, policy, result, mx, detail] = key;
    impl_->tls.push_back({day, domain, organization, policy, result, mx, detail, sessions});
  }
  impl_->tls_counts.clear();
  std::stable_sort(
      impl_->tls.begin(), impl_->tls.end(),
      [](const TlsViewRow& a, const TlsViewRow& b) { return a.sessions > b.sessions; });
}

ReportDay ReportView::first_day() const { return impl_->first; }
ReportDay ReportView::last_day() const { return impl_->last; }
ReportTally ReportView::total() const { return impl_->total; }
const std::vector<DomainView>& ReportView::domains() const { return impl_->domains; }
const std::vector<RuleView>& ReportView::rules() const { return impl_->rules; }
const std::vector<TlsViewRow>& ReportView::tls() const { return impl_->tls; }

const DomainView* ReportView::domain(std::string_view name) const {
  const auto found = std::find_if(impl_->domains.begin(), impl_->domains.end(),
                                  [&](const DomainView& view) { return view.name == name; });
  return found == impl_->domains.end() ? nullptr : &*found;
}

}  // namespace authmilter
