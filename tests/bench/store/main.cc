// How large a store of reports gets: days of made-up mail, and the size of the file after each.
//
//     bench_store FILE.db [DAYS [MESSAGES_A_DAY]]
//
// The mail of one day, as a provider of mailboxes sees it:
// - a third from ten free mail services, each with 2000 addresses, half of them IPv6;
// - the rest from 150,000 domains by Zipf's law: 45 % of these with one of three hosters (200
//   addresses of its region each), 30 % with a service for bulk mail (8 addresses, a second
//   signature, a return path of the service), 25 % with one or two hosts of their own; a quarter
//   publish no policy;
// - 4 % forged in the name of one of those, from 100,000 addresses;
// - 2000 messages of domains that were never seen before and never come again.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <authmilter/report_store.h>

namespace authmilter {
namespace {

constexpr std::size_t kDomains = 150'000;
constexpr ReportDay kFirstDay = 20'700;
constexpr std::size_t kBatch = 5'000;

/// Always the same numbers, whatever the standard library.
class Chance {
 public:
  std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }
  double share() { return static_cast<double>(engine_() >> 11U) * 0x1p-53; }

 private:
  std::mt19937_64 engine_{7489};
};

IpAddress v4(std::uint32_t number) {
  return IpAddress::v4(std::array<std::uint8_t, 4>{
      static_cast<std::uint8_t>(number >> 24U), static_cast<std::uint8_t>(number >> 16U),
      static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)});
}

IpAddress v6(std::uint32_t net, std::uint32_t host) {
  return *IpAddress::parse(fmt::format("2001:db8:{:x}:{:x}::{:x}", net, host % 16, host + 0x200));
}

/// Pseudo-random, but the same for the same thing.
std::uint32_t trait(std::uint64_t of, std::uint64_t what) {
  std::uint64_t x = of * 0x9e3779b97f4a7c15ULL + what * 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 31U;
  x *= 0x94d049bb133111ebULL;
  return static_cast<std::uint32_t>(x >> 32U);
}

ReportRow base(const std::string& domain, bool policy, std::uint32_t traits) {
  ReportRow row;
  if (policy) {
    row.policy = PolicyInForce{.published = {.domain = *DomainName::parse(domain)}};
    PolicyPublished& published = row.policy->published;
    published.p = published.sp = published.np = static_cast<AssessmentPolicy>(traits % 3);
    published.adkim = published.aspf = AlignmentMode::relaxed;
    published.discovery_method = DiscoveryMethod::treewalk;
    published.fo.assign(1, traits % 5 == 0 ? '1' : '0');
    published.testing = false;
    row.policy->rua = {"mailto:dmarc@" + domain};
    if (traits % 2 == 0) row.policy->rua.push_back("mailto:x7f3" + domain + "@rua.example");
  }
  AggregateRecord& record = row.record;
  record.count = 1;
  record.header_from = domain;
  record.dkim = record.spf = AlignedResult::pass;
  record.disposition =
      policy && traits % 3 != 0 ? ReportedDisposition::pass : ReportedDisposition::none;
  record.envelope_from = domain;
  record.dkim_results = {{domain, fmt::format("s{}", traits % 40), ReportedResult::pass, ""}};
  record.spf_results = {{domain, SpfScope::mfrom, ReportedResult::pass, ""}};
  row.rule = Rule::dmarc_pass;
  return row;
}

/// Nobody is told of it.
ReportRow without_policy(ReportRow row) {
  if (row.policy) return row;
  row.record.envelope_from.reset();
  row.record.dkim_results.clear();
  row.record.spf_results = {{"", SpfScope::mfrom, row.record.spf_results.front().result, ""}};
  row.rule = Rule::nothing;
  row.record.dkim = row.record.spf = AlignedResult::fail;
  return row;
}

std::string domain_name(std::uint64_t rank) {
  return fmt::format("{}-{:x}.example", trait(rank, 1) % 2 == 0 ? "company" : "shop",
                     trait(rank, 2));
}

ReportRow free_mail(Chance& chance) {
  const auto service = static_cast<std::uint32_t>(chance.below(10));
  ReportRow row = base(fmt::format("mail{}.example", service), true, service * 7 + 1);
  const auto host = static_cast<std::uint32_t>(chance.below(2000));
  row.record.source_ip =
      host % 2 == 0 ? v6(service, host) : v4((60U << 24U) + (service << 16U) + host * 29);
  return row;
}

ReportRow of_domain(Chance& chance, std::uint64_t rank) {
  const std::uint32_t traits = trait(rank, 3);
  ReportRow row = base(domain_name(rank), traits % 4 != 0, traits / 4);
  const std::uint32_t home = trait(rank, 4);
  const std::uint32_t kind = trait(rank, 5) % 100;
  if (kind < 45) {
    const std::uint32_t pool = home % 15;  // three hosters, five regions each
    row.record.source_ip =
        v4((40U << 24U) + (pool << 16U) + static_cast<std::uint32_t>(chance.below(200)) * 131);
  } else if (kind < 75) {
    const std::uint32_t service = home % 20;
    row.record.source_ip = v4((50U << 24U) + (service << 16U) + (home / 20 % 500) * 8 +
                              static_cast<std::uint32_t>(chance.below(8)));
    row.record.envelope_from = fmt::format("bounce.bulk{}.example", service);
    row.record.dkim_results.push_back(
        {fmt::format("bulk{}.example", service), "k1", ReportedResult::pass, ""});
    row.record.spf_results.front().domain = *row.record.envelope_from;
    row.record.spf = AlignedResult::fail;
  } else {
    row.record.source_ip =
        v4(0x20000000U + home % 0x10000000U + static_cast<std::uint32_t>(chance.below(2)));
  }
  return without_policy(std::move(row));
}

ReportRow forged(Chance& chance, ReportRow row) {
  const auto bot = static_cast<std::uint32_t>(chance.below(100'000));
  row.record.source_ip = v4(0x60000000U + trait(bot, 6) % 0x40000000U);
  row.record.dkim_results.clear();
  row.record.dkim = row.record.spf = AlignedResult::fail;
  row.record.spf_results.front().result = ReportedResult::fail;
  if (!row.policy) return row;
  const AssessmentPolicy p = *row.policy->published.p;
  row.rule = p == AssessmentPolicy::none         ? Rule::dmarc_none
             : p == AssessmentPolicy::quarantine ? Rule::dmarc_quarantine
                                                 : Rule::dmarc_reject;
  row.record.disposition = p == AssessmentPolicy::none         ? ReportedDisposition::none
                           : p == AssessmentPolicy::quarantine ? ReportedDisposition::quarantine
                                                               : ReportedDisposition::reject;
  row.decided = p == AssessmentPolicy::none         ? Disposition::accept
                : p == AssessmentPolicy::quarantine ? Disposition::quarantine
                                                    : Disposition::reject;
  return row;
}

/// Ranks by Zipf's law, the first the most frequent.
class Zipf {
 public:
  Zipf() {
    double sum = 0;
    for (std::size_t rank = 1; rank <= kDomains; ++rank) {
      sum += 1 / static_cast<double>(rank);
      sums_.push_back(sum);
    }
  }
  std::uint64_t rank(Chance& chance) const {
    const double at = chance.share() * sums_.back();
    return static_cast<std::uint64_t>(std::lower_bound(sums_.begin(), sums_.end(), at) -
                                      sums_.begin());
  }

 private:
  std::vector<double> sums_;
};

std::uint64_t octets_of(const std::string& file) {
  std::error_code none;
  const auto size = std::filesystem::file_size(file, none);
  return none ? 0 : size;
}

int fill(const std::string& file, int days, std::uint64_t messages) {
  auto store = ReportStore::open({StoreEngine::sqlite, file}, ReportStore::Access::write);
  if (!store) {
    std::cerr << store.error().message << '\n';
    return 1;
  }
  const Zipf zipf;
  Chance chance;
  std::uint64_t batch = 0;
  std::uint64_t before = 0;
  for (int d = 0; d < days; ++d) {
    const ReportDay day = kFirstDay + d;
    const auto began = std::chrono::steady_clock::now();
    RowSums sums;
    std::uint64_t rows = 0;
    const auto flush = [&] {
      const auto batch_rows = sums.take();
      rows += batch_rows.size();
      const auto added = (*store)->add({"bench", ++batch}, batch_rows);
      if (!added) std::cerr << added.error().message << '\n';
    };
    for (std::uint64_t m = 0; m < messages; ++m) {
      ReportRow row;
      const double what = chance.share();
      if (m % (messages / std::min<std::uint64_t>(messages, 2000)) == 0) {
        row = base(fmt::format("new{}-{}.example", d, m), trait(m, 7) % 2 == 0,
                   trait(m, static_cast<std::uint64_t>(d)));
        row.record.source_ip = v4(0x60000000U + trait(m, 8) % 0x40000000U);
        row = without_policy(std::move(row));
      } else if (what < 0.33) {
        row = free_mail(chance);
      } else {
        row = of_domain(chance, zipf.rank(chance));
      }
      if (what > 0.96) row = forged(chance, std::move(row));
      row.day = day;
      const std::string key = RowSums::key_of(row);
      sums.add(key, std::move(row), kBatch);
      if (sums.size() == kBatch) flush();
    }
    flush();
    // What the daemon does once a day.
    if (auto pruned = (*store)->settle(day - 2); !pruned)
      std::cerr << pruned.error().message << '\n';
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    const std::uint64_t now = octets_of(file);
    std::cout << fmt::format(
                     "day {:>3}  rows written {:>7}  file {:>11}  grown by {:>9}  {:.1f} s\n",
                     d + 1, rows, now, static_cast<std::int64_t>(now - before), took.count())
              << std::flush;
    before = now;
  }
  return 0;
}

}  // namespace
}  // namespace authmilter

int main(int argc, char** argv) {
  if (argc < 2) return 64;
  return authmilter::fill(argv[1], argc > 2 ? std::atoi(argv[2]) : 10,
                          argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1'000'000);
}
