#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace authmilter::importer {

/// Where something was written; without a line it is a program's default.
struct Place {
  std::string file;
  unsigned line = 0;

  std::string text() const { return line == 0 ? file : file + ":" + std::to_string(line); }
  bool operator==(const Place&) const = default;
};

/// `warning`: something that was asked for is lost or changes. `note`: something that the
/// administrator has to do or to know, which nobody asked for.
enum class Weight : std::uint8_t { warning, note };

struct Remark {
  Weight weight;
  Place place;
  std::string setting;
  std::string text;
  bool operator==(const Remark&) const = default;
};

using Remarks = std::vector<Remark>;

}  // namespace authmilter::importer
