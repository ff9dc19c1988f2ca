#include "store/own_rows.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include <authmilter/crypto.h>

#include "rows/row_text.h"
#include "store/day_rows.h"

namespace authmilter {
namespace {

constexpr std::string_view kPutWriter =
    "INSERT INTO writer (id, number, last_day) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET "
    "number = excluded.number, last_day = excluded.last_day WHERE writer.number < excluded.number";
constexpr std::string_view kPutPolicy =
    "INSERT INTO policy (hash, last_day, domain, wanted, content) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (hash) DO UPDATE SET last_day = excluded.last_day WHERE policy.last_day < "
    "excluded.last_day";
constexpr std::string_view kPutKind =
    "INSERT INTO kind (hash, last_day, policy, content) SELECT CAST($1 AS BIGINT), CAST($2 AS "
    "BIGINT), p.id, CAST($3 AS TEXT) FROM policy p WHERE p.hash = $4 ON CONFLICT (hash) DO UPDATE "
    "SET last_day = excluded.last_day WHERE kind.last_day < excluded.last_day";
constexpr std::string_view kPutRow =
    "INSERT INTO own_row (day, kind, source, messages) SELECT $1, k.id, $2, $3 FROM kind k WHERE "
    "k.hash = $4 ON CONFLICT (day, kind, source) DO UPDATE SET messages = own_row.messages + "
    "excluded.messages";

/// A policy on its way into the database.
struct PolicyText {
  ReportDay day = 0;
  std::string domain, content;
  bool wanted = false;  // somebody wants reports
};

constexpr std::string_view kNoPolicy = "";

struct RowKey {
  ReportDay day;
  std::int64_t kind;
  std::string source;
  auto operator<=>(const RowKey&) const = default;
};

/// A batch, sorted: writers that take the same things in the same order do not block each other.
struct Sorted {
  std::map<std::int64_t, PolicyText> policies;
  std::vector<KindText> kinds;
  std::map<RowKey, std::uint64_t> rows;
  ReportDay last_day = 0;
};

Sorted sorted(std::span<const ReportRow> rows) {
  Sorted batch;
  for (const ReportRow& row : rows) {
    PolicyText policy{.day = row.day, .domain = "", .content = std::string(kNoPolicy)};
    if (row.policy) {
      policy.domain = row.policy->published.domain.text();
      policy.content = sql_text(policy_text(*row.policy), kKindOctets);
      policy.wanted = !row.policy->rua.empty();
    }
    const std::int64_t policy_hash = text_hash(policy.domain + '\n' + policy.content);
    std::string content = sql_text(kind_text(row), kKindOctets);
    const std::int64_t hash = text_hash(fmt::format("{}\n{}", policy_hash, content));
    const auto [place, added] = batch.policies.try_emplace(policy_hash, policy);
    place->second.day = std::max(place->second.day, row.day);
    batch.kinds.push_back({hash, policy_hash, row.day, std::move(content)});
    batch.rows[{row.day, hash, source_octets(row.record.source_ip).octets}] += row.record.count;
    batch.last_day = std::max(batch.last_day, row.day);
  }
  return batch;
}

SqlStatus put_policies(SqlDatabase& database, KnownTexts& known,
                       const std::map<std::int64_t, PolicyText>& policies) {
  std::vector<SqlValues> values;
  for (const auto& [hash, policy] : policies) {
    if (known.has(hash, policy.day)) continue;
    values.push_back({hash, std::int64_t{policy.day}, policy.domain,
                      std::int64_t{policy.wanted ? 1 : 0}, policy.content});
    known.add(hash, policy.day);
  }
  const auto put = database.run_each(kPutPolicy, values);
  if (!put) return put.error();
  return Done{};
}

SqlResult<std::uint64_t> put_rows(SqlDatabase& database,
                                  const std::map<RowKey, std::uint64_t>& rows) {
  std::vector<SqlValues> values;
  for (const auto& [key, messages] : rows) {
    values.push_back({std::int64_t{key.day}, SqlOctets{key.source},
                      static_cast<std::int64_t>(messages), key.kind});
  }
  return database.run_each(kPutRow, values);
}

void take_row(ReportDay day, const DomainName& policy_domain, std::string_view policy_content,
              std::string_view kind_content, std::string_view source, std::uint64_t messages,
              const std::function<void(const ReportRow&)>& take) {
  auto row = parse_kind(kind_content);
  auto policy = parse_policy(policy_domain, policy_content);
  const auto address = source_of_octets(source);
  if (!row || !policy || !address) return;
  row->day = day;
  row->policy = std::move(policy);
  row->record.source_ip = *address;
  row->record.count = messages;
  take(*row);
}

SqlStatus find_plain_rows(SqlDatabase& database, ReportDay day, const DomainName& policy_domain,
                          const std::function<void(const ReportRow&)>& take) {
  return database.query(
      "SELECT p.content, k.content, r.source, r.messages FROM policy p JOIN kind k ON k.policy = "
      "p.id JOIN own_row r ON r.kind = k.id WHERE r.day = $1 AND p.domain = $2 ORDER BY p.id, "
      "k.id, r.source",
      {std::int64_t{day}, policy_domain.text()}, [&](const SqlRow& row) {
        take_row(day, policy_domain, row.text(0), row.text(1), row.octets(2),
                 static_cast<std::uint64_t>(row.integer(3)), take);
      });
}

/// Of a day that is over. Whoever asks for a report of one does so once or twice.
SqlStatus find_packed_rows(SqlDatabase& database, ReportDay day, const DomainName& policy_domain,
                           const std::function<void(const ReportRow&)>& take) {
  auto sums = sum_up(database, day, day, {.day = false, .source = true});
  if (!sums) return sums.error();
  return database.query(
      "SELECT p.content, k.content, k.id FROM policy p JOIN kind k ON k.policy = p.id WHERE "
      "p.domain = $1 ORDER BY p.id, k.id",
      {policy_domain.text()}, [&](const SqlRow& row) {
        const auto sum = sums->find(row.integer(2));
        if (sum == sums->end()) return;
        for (const KindSum& each : sum->second)
          take_row(day, policy_domain, row.text(0), row.text(1), each.source, each.messages, take);
      });
}

}  // namespace

std::int64_t text_hash(std::string_view text) {
  const Sha256Digest digest = sha256(text);
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) number = number << 8U | digest[i];
  // SQLite keeps small and positive numbers in fewer octets; these are neither.
  return static_cast<std::int64_t>(number >> 1U);
}

SqlOctets source_octets(const IpAddress& address) {
  const auto octets = address.octets();
  return {std::string(octets.begin(), octets.end())};
}

std::optional<IpAddress> source_of_octets(std::string_view octets) {
  std::array<std::uint8_t, 16> all{};
  if (octets.size() != 4 && octets.size() != 16) return std::nullopt;
  std::transform(octets.begin(), octets.end(), all.begin(),
                 [](char c) { return static_cast<std::uint8_t>(c); });
  if (octets.size() == 16) return IpAddress::v6(all);
  return IpAddress::v4(std::span<const std::uint8_t, 4>(all.data(), 4));
}

SqlStatus put_kinds(SqlDatabase& database, KnownTexts& known, std::vector<KindText> kinds) {
  std::sort(kinds.begin(), kinds.end(), [](const KindText& a, const KindText& b) {
    return std::tie(a.hash, b.day) < std::tie(b.hash, a.day);  // the latest day first
  });
  std::vector<SqlValues> values;
  for (KindText& kind : kinds) {
    if (known.has(kind.hash, kind.day)) continue;
    known.add(kind.hash, kind.day);
    values.push_back(
        {kind.hash, std::int64_t{kind.day}, std::move(kind.content), kind.policy_hash});
  }
  const auto put = database.run_each(kPutKind, values);
  if (!put) return put.error();
  return Done{};
}

SqlResult<std::int64_t> put_no_policy(SqlDatabase& database, KnownTexts& known, ReportDay day) {
  const std::int64_t hash = text_hash("\n" + std::string(kNoPolicy));
  if (auto put = put_policies(
          database, known,
          {{hash, PolicyText{.day = day, .domain = "", .content = std::string(kNoPolicy)}}});
      !put)
    return put.error();
  return hash;
}

SqlResult<BatchOutcome> add_rows(SqlDatabase& database, KnownTexts& known, const BatchId& batch,
                                 std::span<const ReportRow> rows) {
  const Sorted content = sorted(rows);
  SqlTransaction transaction(database);
  if (!transaction.begun()) return transaction.begun().error();
  const auto writer =
      database.run(kPutWriter, {sql_text(batch.writer), static_cast<std::int64_t>(batch.number),
                                std::int64_t{content.last_day}});
  if (!writer) return writer.error();
  if (*writer == 0) return BatchOutcome::counted_before;
  if (auto put = put_policies(database, known, content.policies); !put) return put.error();
  if (auto put = put_kinds(database, known, content.kinds); !put) return put.error();
  const auto put = put_rows(database, content.rows);
  if (!put) return put.error();
  if (*put != content.rows.size()) {
    // Somebody has removed a kind that was known to be there: next time all are written down.
    return SqlError{SqlError::Kind::cancelled, "a kind of rows has been removed meanwhile"};
  }
  if (auto done = transaction.commit(); !done) return done.error();
  return BatchOutcome::counted;
}

SqlResult<std::vector<ReportSubject>> find_subjects(SqlDatabase& database, ReportDay first,
                                                    ReportDay last) {
  const auto sums = sum_up(database, first, last, {.day = true});
  if (!sums) return sums.error();
  struct Subject {
    bool wanted = false;
    std::uint64_t messages = 0;
  };
  std::map<std::pair<ReportDay, std::string>, Subject> found;
  auto asked = database.query(
      "SELECT k.id, p.domain, p.wanted FROM kind k JOIN policy p ON p.id = k.policy WHERE "
      "p.domain <> '' AND k.last_day >= $1",
      {std::int64_t{first}}, [&](const SqlRow& row) {
        const auto sum = sums->find(row.integer(0));
        if (sum == sums->end()) return;
        for (const KindSum& each : sum->second) {
          Subject& subject = found[{each.day, row.text(1)}];
          subject.wanted = subject.wanted || row.integer(2) != 0;
          subject.messages += each.messages;
        }
      });
  if (!asked) return asked.error();
  std::vector<ReportSubject> subjects;
  for (const auto& [key, subject] : found) {
    auto domain = DomainName::parse(key.second);
    if (domain && subject.wanted)
      subjects.push_back({key.first, std::move(*domain), subject.messages});
  }
  return subjects;
}

SqlStatus find_rows(SqlDatabase& database, ReportDay day, const DomainName& policy_domain,
                    const std::function<void(const ReportRow&)>& take) {
  bool packed = false;
  auto asked = database.query("SELECT COUNT(*) FROM own_pack WHERE day = $1", {std::int64_t{day}},
                              [&](const SqlRow& row) { packed = row.integer(0) != 0; });
  if (!asked) return asked;
  return packed ? find_packed_rows(database, day, policy_domain, take)
                : find_plain_rows(database, day, policy_domain, take);
}

}  // namespace authmilter
