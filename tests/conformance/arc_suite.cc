// Runs the public ARC suite: arc_suite TESTDATA-DIRECTORY
//
// Prints the cases that differ, and how many of how many are as expected. Exit: 0 all are, 1 some
// are not, 77 no test data.

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>

#include <authmilter/arc.h>
#include <authmilter/message.h>

#include "base/ascii.h"
#include "published_json.h"
#include "published_zone.h"

namespace {

using authmilter::ArcOutcome;
using authmilter::published::File;
using authmilter::published::MapResolver;
using authmilter::published::Value;
using authmilter::published::zone_of;

constexpr int kSkipped = 77;
constexpr std::int64_t kNow = 1'800'000'000;  // the seals carry t= of 1970

ArcOutcome validate(const authmilter::Message& message, authmilter::Resolver& keys) {
  authmilter::ArcVerifyOptions options;
  options.now = kNow;
  authmilter::ArcVerifier verifier(keys, options);
  for (const auto& field : message.fields) verifier.header(field);
  verifier.end_of_headers();
  if (verifier.wants_body()) verifier.body(message.body);
  return verifier.finish();
}

/// Where the newest seal says cv=fail the suite expects nothing; RFC 8617 section 5.2, step 2:
/// fail.
std::string expected_of(const Value& test) {
  const auto text = authmilter::to_lower(test.text_or("cv", ""));
  return text.empty() ? "fail" : text;
}

int run(const std::filesystem::path& path) {
  const auto file = File::read(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  int good = 0;
  int all = 0;
  for (const Value& test : file->root().list()) {
    MapResolver keys(zone_of(test.at("txt")));
    const auto message = authmilter::parse_message(test.text_or("message", ""));
    const ArcOutcome outcome = validate(message, keys);
    const std::string expected = expected_of(test);
    ++all;
    if (to_string(outcome.result) == expected) {
      ++good;
      continue;
    }
    std::cout << "arc-valimail: " << test.at("id").text() << ": expected " << expected << ", got "
              << to_string(outcome.result) << " (" << outcome.reason.text() << ")\n";
  }
  std::cout << "arc-valimail, validation: " << good << " of " << all << "\n";
  return good == all && all > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: arc_suite TESTDATA-DIRECTORY\n";
    return 64;
  }
  const auto cases = std::filesystem::path(argv[1]) / "arc-valimail" / "cases-arc-validate.json";
  if (!std::filesystem::exists(cases)) {
    std::cout << "skipped: no " << cases.string() << "\n";
    return kSkipped;
  }
  try {
    return run(cases);
  } catch (const std::exception& error) {
    std::cout << "arc_suite: " << error.what() << "\n";
    return 1;
  }
}
