#pragma once

#include <string>
#include <utility>
#include <vector>

#include <authmilter/report_store.h>

namespace authmilter::test_rows {

constexpr ReportDay kDay = 20'000;  // 2024-10-04

/// A message of example.org by its own host, which passes by both.
inline ViewRow good(ReportDay day = kDay, std::uint64_t count = 1) {
  ViewRow row;
  row.day = day;
  row.domain = row.header_from = row.envelope_from = "example.org";
  row.organization = "receiver.example";
  row.source = "192.0.2.1";
  row.dkim = {{"example.org", "s1", "pass"}};
  row.spf = {{"example.org", "", "pass"}};
  row.disposition = "none";
  row.dkim_aligned = row.spf_aligned = true;
  row.count = count;
  return row;
}

/// What nothing authenticates.
inline ViewRow forged(std::string source, ReportDay day = kDay, std::uint64_t count = 1) {
  ViewRow row = good(day, count);
  row.source = std::move(source);
  row.envelope_from = "";
  row.dkim = {};
  row.spf = {{"", "", "none"}};
  row.dkim_aligned = row.spf_aligned = false;
  return row;
}

/// A service that signs and sends as itself.
inline ViewRow service(std::string name, ReportDay day = kDay, std::uint64_t count = 1) {
  ViewRow row = forged("198.51.100.7", day, count);
  row.dkim = {{name, "k1", "pass"}};
  row.spf = {{"bounce." + name, "", "pass"}};
  return row;
}

}  // namespace authmilter::test_rows
