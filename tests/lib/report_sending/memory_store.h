#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <authmilter/report_store.h>

namespace authmilter {

/// A store in memory that does what ReportStore says, as far as sending needs it. `before` is
/// called before each call and may throw, `after` once it has taken effect: what a crash leaves
/// behind is what is in here then.
class MemoryStore final : public ReportStore {
 public:
  std::vector<ReportRow> kept;
  std::vector<SendEntry> sent;
  std::vector<Bounce> bounced;
  std::string lease_holder;  // of the run
  std::int64_t lease_until = 0;
  std::map<std::string, std::int64_t, std::less<>> other_leases;  // until when, by name
  std::function<void(std::string_view call)> before = nullptr, after = nullptr;
  std::map<std::string, StoreError, std::less<>> failing;  // by the call's name
  std::vector<std::string> calls;

  unsigned schema_version() const override { return 1; }
  StoreResult<std::string> secret() override {
    return call<std::string>("secret", [] { return std::string("a secret of the store"); });
  }
  StoreResult<BatchOutcome> add(const BatchId&, std::span<const ReportRow> rows) override {
    kept.insert(kept.end(), rows.begin(), rows.end());
    return BatchOutcome::counted;
  }

  StoreResult<std::vector<ReportSubject>> subjects(ReportDay first, ReportDay last) override {
    return call<std::vector<ReportSubject>>("subjects", [&] {
      std::map<std::pair<ReportDay, DomainName>, std::uint64_t> found;
      for (const ReportRow& row : kept) {
        if (!row.policy || row.policy->rua.empty() || row.day < first || row.day > last) continue;
        found[{row.day, row.policy->published.domain}] += row.record.count;
      }
      std::vector<ReportSubject> list;
      for (const auto& [key, messages] : found) list.push_back({key.first, key.second, messages});
      return list;
    });
  }
  StoreStatus rows(ReportDay day, const DomainName& policy_domain,
                   const std::function<void(const ReportRow&)>& take) override {
    return call<Done>("rows", [&] {
      for (const ReportRow& row : kept) {
        if (row.day == day && row.policy && row.policy->published.domain == policy_domain)
          take(row);
      }
      return Done{};
    });
  }

  StoreResult<std::vector<SendEntry>> plan(std::span<const SendEntry> entries) override {
    return call<std::vector<SendEntry>>("plan", [&] {
      std::vector<SendEntry> now;
      for (const SendEntry& entry : entries) {
        if (find(entry) == sent.end()) sent.push_back(entry);
        now.push_back(*find(entry));
      }
      return now;
    });
  }
  StoreResult<std::vector<SendEntry>> sends(ReportDay first, ReportDay last) override {
    return call<std::vector<SendEntry>>("sends", [&] {
      std::vector<SendEntry> found;
      for (const SendEntry& entry : sent) {
        if (entry.day >= first && entry.day <= last) found.push_back(entry);
      }
      return found;
    });
  }
  StoreResult<bool> advance(const SendEntry& entry, SendState from, SendState to, std::int64_t now,
                            std::string_view detail) override {
    return call<bool>("advance", [&] {
      const auto found = find(entry);
      if (found == sent.end() || found->state != from) return false;
      found->state = to;
      found->attempts += to == SendState::sending ? 1 : 0;
      found->changed = now;
      found->detail = detail;
      return true;
    });
  }
  StoreStatus note_bounce(std::string_view destination, std::int64_t now,
                          std::string_view detail) override {
    return call<Done>("note_bounce", [&] {
      const auto known = std::find_if(bounced.begin(), bounced.end(), [&](const Bounce& bounce) {
        return bounce.destination == destination;
      });
      if (known == bounced.end()) {
        bounced.push_back({std::string(destination), 1, now, std::string(detail)});
      } else {
        *known = {known->destination, known->times + 1, now, std::string(detail)};
      }
      return Done{};
    });
  }
  StoreStatus forget_bounces(std::string_view destination) override {
    std::erase_if(bounced, [&](const Bounce& bounce) { return bounce.destination == destination; });
    return Done{};
  }
  StoreResult<std::vector<Bounce>> bounces() override {
    return call<std::vector<Bounce>>("bounces", [&] { return bounced; });
  }

  StoreResult<bool> take_lease(std::string_view name, std::string_view holder, std::int64_t now,
                               std::chrono::seconds time) override {
    return call<bool>("take_lease", [&] {
      if (name != "report-send") {
        const auto [lease, is_new] = other_leases.try_emplace(std::string(name), 0);
        if (!is_new && now < lease->second) return false;
        lease->second = now + time.count();
        return true;
      }
      if (!lease_holder.empty() && lease_holder != holder && now < lease_until) return false;
      lease_holder = holder;
      lease_until = now + time.count();
      return true;
    });
  }
  StoreStatus release_lease(std::string_view, std::string_view holder) override {
    return call<Done>("release_lease", [&] {
      if (lease_holder == holder) lease_holder.clear();
      return Done{};
    });
  }

  // What sending has nothing to do with.
  StoreResult<std::unique_ptr<AggregateIntake>> take(const AggregateReport&,
                                                     const ReportOrigin&) override {
    return std::unique_ptr<AggregateIntake>();
  }
  StoreResult<Kept> keep(const TlsReport&, const ReportOrigin&) override { return Kept::stored; }
  StoreResult<Kept> keep(const FailureReport&, const ReportOrigin&) override {
    return Kept::stored;
  }
  StoreResult<std::vector<ReceivedReport>> received(ReportDay, ReportDay) override {
    return std::vector<ReceivedReport>();
  }
  StoreStatus view(const ViewQuery&, const std::function<void(const ViewRow&)>&) override {
    return Done{};
  }
  StoreStatus view_tls(ReportDay, ReportDay,
                       const std::function<void(const TlsViewRow&)>&) override {
    return Done{};
  }
  StoreResult<Pruned> prune(ReportDay, ReportDay) override { return Pruned::done; }
  StoreStatus settle(ReportDay) override { return Done{}; }

 private:
  std::vector<SendEntry>::iterator find(const SendEntry& entry) {
    return std::find_if(sent.begin(), sent.end(), [&](const SendEntry& known) {
      return known.report_id == entry.report_id && known.destination == entry.destination;
    });
  }
  template <class T, class Body>
  StoreResult<T> call(std::string_view name, Body body) {
    calls.emplace_back(name);
    if (before) before(name);
    if (const auto failure = failing.find(name); failure != failing.end()) return failure->second;
    T result = body();
    if (after) after(name);
    return result;
  }
};

}  // namespace authmilter
