#include "store/schema.h"

#include <cstddef>
#include <string_view>

#include <fmt/format.h>

namespace authmilter {
namespace {

// A million messages a day are some hundred thousand rows, so these are small: a day, what kind,
// from where, how many; and smaller still once the day is over (packed_day.h). A kind is a text
// (rows/row_text.h) that comes back day after day, and so is a policy; both are found by the first
// octets of their SHA-256. `last_day` says how long they are needed, so that nobody has to search
// the rows for it.
constexpr std::string_view kVersion1 = R"(
INSERT INTO schema_version (version) VALUES (1);

CREATE TABLE writer (
  id TEXT NOT NULL PRIMARY KEY,
  number BIGINT NOT NULL,
  last_day BIGINT NOT NULL
) {by_key};

CREATE TABLE policy (
  id {number},
  hash BIGINT NOT NULL UNIQUE,
  last_day BIGINT NOT NULL,
  domain TEXT NOT NULL,
  wanted BIGINT NOT NULL,
  content TEXT NOT NULL
);
CREATE INDEX policy_domain ON policy (domain);

CREATE TABLE kind (
  id {number},
  hash BIGINT NOT NULL UNIQUE,
  last_day BIGINT NOT NULL,
  policy BIGINT NOT NULL,
  content TEXT NOT NULL
);
CREATE INDEX kind_policy ON kind (policy);

CREATE TABLE own_row (
  day BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  source {octets} NOT NULL,
  messages BIGINT NOT NULL,
  PRIMARY KEY (day, kind, source)
) {by_key};

CREATE TABLE own_pack (
  day BIGINT NOT NULL,
  part BIGINT NOT NULL,
  content {octets} NOT NULL,
  PRIMARY KEY (day, part)
);

CREATE TABLE send (
  day BIGINT NOT NULL,
  domain TEXT NOT NULL,
  destination TEXT NOT NULL,
  report_id TEXT NOT NULL,
  file_name TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts BIGINT NOT NULL,
  changed BIGINT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (day, domain, destination, report_id)
) {by_key};

CREATE TABLE bounce (
  destination TEXT NOT NULL PRIMARY KEY,
  times BIGINT NOT NULL,
  latest BIGINT NOT NULL,
  detail TEXT NOT NULL
) {by_key};

CREATE TABLE lease (
  name TEXT NOT NULL PRIMARY KEY,
  holder TEXT NOT NULL,
  ends BIGINT NOT NULL
) {by_key};

CREATE TABLE received_report (
  id {number},
  sort TEXT NOT NULL,
  organization TEXT NOT NULL,
  report_id TEXT NOT NULL,
  domain TEXT NOT NULL,
  day BIGINT NOT NULL,
  begins BIGINT NOT NULL,
  ends BIGINT NOT NULL,
  records BIGINT NOT NULL,
  messages BIGINT NOT NULL,
  received BIGINT NOT NULL,
  submitter TEXT NOT NULL,
  dmarc TEXT NOT NULL,
  doubtful BIGINT NOT NULL,
  published TEXT NOT NULL,
  UNIQUE (sort, organization, report_id, domain)
);
CREATE INDEX received_report_day ON received_report (day);

CREATE TABLE received_row (
  report BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  source {octets} NOT NULL,
  messages BIGINT NOT NULL,
  PRIMARY KEY (report, kind, source)
) {by_key};

CREATE TABLE tls_row (
  report BIGINT NOT NULL,
  domain TEXT NOT NULL,
  policy_type TEXT NOT NULL,
  result_type TEXT NOT NULL,
  receiving_mx TEXT NOT NULL,
  detail TEXT NOT NULL,
  sessions BIGINT NOT NULL
);
CREATE INDEX tls_row_report ON tls_row (report);

CREATE TABLE failure_row (
  report BIGINT NOT NULL PRIMARY KEY,
  source TEXT NOT NULL,
  failure TEXT NOT NULL,
  delivery TEXT NOT NULL,
  incidents BIGINT NOT NULL,
  author TEXT NOT NULL,
  subject TEXT NOT NULL,
  results TEXT NOT NULL,
  dkim TEXT NOT NULL,
  spf TEXT NOT NULL
) {by_key};
)";

// What Report-IDs are made by. And of failed messages nothing is kept any more that is private.
constexpr std::string_view kVersion2 = R"(
CREATE TABLE secret (content TEXT NOT NULL);
UPDATE failure_row SET author = '', subject = '', results = '';
INSERT INTO schema_version (version) VALUES (2);
)";

// From one version to the next: what stands at place n makes version n + 1 of version n.
constexpr std::string_view kSteps[] = {kVersion1, kVersion2};
static_assert(std::size(kSteps) == kSchemaVersion);

constexpr std::string_view kVersions =
    "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)";

// Of our own; any number that nobody else has.
constexpr std::string_view kOneAtATime = "SELECT pg_advisory_xact_lock(7489999091)";

}  // namespace

SqlResult<unsigned> schema_version(SqlDatabase& database) {
  // One statement for both engines that does not fail where the table is not there is not to be
  // had, and in PostgreSQL a failure would end a transaction.
  std::int64_t version = 0;
  auto asked = database.query("SELECT MAX(version) FROM schema_version", {},
                              [&](const SqlRow& row) { version = row.integer(0); });
  if (!asked && asked.error().kind == SqlError::Kind::wrong &&
      asked.error().message.find("schema_version") != std::string::npos)
    return 0U;
  if (!asked) return asked.error();
  return static_cast<unsigned>(version);
}

SqlStatus migrate(SqlDatabase& database, StoreEngine engine, const std::string& new_secret) {
  auto version = schema_version(database);
  if (!version) return version.error();
  if (*version >= kSchemaVersion) return Done{};
  SqlTransaction transaction(database);
  if (!transaction.begun()) return transaction.begun();
  if (engine == StoreEngine::postgresql) {
    if (auto locked = database.query(kOneAtATime, {}, [](const SqlRow&) {}); !locked) return locked;
  }
  // Somebody else may have made it meanwhile.
  if (auto made = database.define(kVersions); !made) return made;
  version = schema_version(database);
  if (!version) return version.error();
  for (unsigned next = *version; next < kSchemaVersion; ++next) {
    if (auto made = database.define(kSteps[next]); !made) return made;
  }
  const auto put = database.run(
      "INSERT INTO secret (content) SELECT $1 WHERE NOT EXISTS (SELECT content FROM secret)",
      {new_secret});
  if (!put) return put.error();
  return transaction.commit();
}

SqlResult<std::string> store_secret(SqlDatabase& database) {
  std::string secret;
  auto asked = database.query("SELECT content FROM secret", {},
                              [&](const SqlRow& row) { secret = row.text(0); });
  if (!asked) return asked.error();
  if (secret.empty()) return SqlError{SqlError::Kind::wrong, "the store has no secret"};
  return secret;
}

}  // namespace authmilter
