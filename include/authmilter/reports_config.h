#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/match_set.h>
#include <authmilter/network_set.h>
#include <authmilter/result.h>

namespace authmilter {

enum class StoreEngine : std::uint8_t { sqlite, postgresql };

/// Where reports are stored: "sqlite:/var/lib/authmilter/reports.db", or a connection URI of
/// PostgreSQL ("postgresql://reports@db.example.org/authmilter"), whose password is better kept in
/// a passfile.
struct StoreAddress {
  StoreEngine engine = StoreEngine::sqlite;
  std::string target;  // the file's absolute path; or the whole URI
  static Result<StoreAddress> parse(std::string_view text);
  std::string text() const;
  /// The same without a password, to be shown.
  std::string printable() const;
  bool operator==(const StoreAddress&) const = default;
};

/// How report mail leaves: through a program that takes a message as sendmail(1) does, or by SMTP.
struct ReportDelivery {
  enum class Way : std::uint8_t { sendmail, smtp };
  Way way = Way::sendmail;
  std::string target = "/usr/sbin/sendmail";  // the program's path; or "smtp://127.0.0.1:25"
  /// "/usr/sbin/sendmail", "smtp://HOST[:PORT]", "smtps://HOST[:PORT]".
  static Result<ReportDelivery> parse(std::string_view text);
  const std::string& text() const { return target; }
  bool operator==(const ReportDelivery&) const = default;
};

/// What rows hold only where it is asked for.
enum class ReportKeep : std::uint8_t { envelope_to };

/// `[reports]`: see authmilter.toml(5). Off without a store.
struct ReportsConfig {
  std::optional<StoreAddress> store;
  /// A directory of ours in which rows wait for a PostgreSQL that cannot be reached. Empty: they
  /// are dropped.
  std::string spool = "/var/lib/authmilter/spool";
  std::chrono::milliseconds retention = std::chrono::hours(24 * 90);
  /// What is not kept, in any form: mail of these authors, from these networks, to these
  /// recipients.
  DomainPatternSet exclude_authors;
  NetworkSet exclude_networks;
  AddressPatternSet exclude_recipients;
  std::vector<ReportKeep> keep;

  // What is sent.
  std::string organization;  // `org_name`; empty: nothing is sent
  std::string email;         // the author of reports, and `email` in them
  std::string contact;       // `extra_contact_info`; may be empty
  ReportDelivery deliver;
  unsigned maximum_octets = 10U << 20U;  // of a report's mail
  unsigned destinations = 5;             // of a policy record that get the report
  /// Destinations whose reader knows no XML namespace (RFC 7489's form of the root element).
  std::vector<DomainName> without_namespace;
  bool failure_reports = false;            // RFC 9991
  unsigned failure_reports_per_hour = 10;  // to one destination
};

}  // namespace authmilter
