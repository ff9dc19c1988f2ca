// Runs the public ARC suite: arc_suite TESTDATA-DIRECTORY
//
// Prints the cases that differ, and how many of how many are as expected: of those that are
// validated, and of those that are sealed, octet by octet. Exit: 0 all are, 1 some
// are not, 77 no test data.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/arc.h>
#include <authmilter/arc_sealer.h>
#include <authmilter/authentication_results.h>
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

int validation(const std::filesystem::path& path) {
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

using Tags = std::map<std::string, std::string>;

std::string without_blanks(std::string_view text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out),
               [](char c) { return !authmilter::is_fws(c); });
  return out;
}

/// The suite compares the tags of a field as a set, whatever the blanks in them.
Tags tags_of(std::string_view value) {
  Tags tags;
  for (const auto spec : authmilter::split(value, ';')) {
    const auto equals = spec.find('=');
    if (equals == std::string_view::npos) continue;
    tags[without_blanks(spec.substr(0, equals))] = without_blanks(spec.substr(equals + 1));
  }
  return tags;
}

/// All results in the name of `id`, in the order of the message, as one.
std::string consolidated(const authmilter::Message& message, const std::string& id) {
  std::string results = id;
  for (const auto& field : message.fields) {
    if (!has_name(field, "Authentication-Results") ||
        authmilter::parse_authserv_id(field.value) != id)
      continue;
    const std::string_view payload = std::string_view(field.value).substr(field.value.find(';'));
    for (const auto one : authmilter::split(payload, ';')) {
      const auto text = authmilter::trim_fws(one);
      if (!text.empty()) results.append("; ").append(text);
    }
  }
  return results;
}

/// Empty, or what is wrong.
std::string seal(const Value& test) {
  const auto message = authmilter::parse_message(test.at("message").text());
  const auto key = authmilter::private_key_from_pem(test.at("privatekey").text(), "suite");
  if (!key) return key.error().message;
  authmilter::ArcSealOptions options;
  options.now = test.at("t").number();
  options.layout = authmilter::ArcLayout::alphabetical;
  options.headers.clear();
  const auto names = test.at("sig-headers").text();
  for (const auto name : authmilter::split(names, ':')) options.headers.emplace_back(name);
  authmilter::ArcSealer sealer({authmilter::DomainName::parse(test.at("domain").text()).value(),
                                authmilter::Selector::parse(test.at("sel").text()).value(), *key},
                               options);
  for (const auto& field : message.fields) sealer.header(field);
  sealer.body(message.body);
  MapResolver keys(zone_of(test.at("txt")));
  const auto fields = sealer.finish(validate(message, keys).result,
                                    consolidated(message, test.at("srv-id").text()));
  if (!fields) return fields.error().message;
  const auto expected = test.text_or("AS", "");
  if (expected.empty() || fields->empty()) {
    return expected.empty() && fields->empty() ? "" : "sealed, or not, against expectation";
  }
  std::string wrong;
  if (tags_of((*fields)[0].value) != tags_of(expected)) wrong += " ARC-Seal" + (*fields)[0].value;
  if (tags_of((*fields)[1].value) != tags_of(test.at("AMS").text()))
    wrong += " ARC-Message-Signature" + (*fields)[1].value;
  if (without_blanks((*fields)[2].value) != without_blanks(test.at("AAR").text()))
    wrong += " ARC-Authentication-Results" + (*fields)[2].value;
  return wrong;
}

int sealing(const std::filesystem::path& path) {
  const auto file = File::read(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  int good = 0;
  int all = 0;
  for (const Value& test : file->root().list()) {
    const std::string wrong = seal(test);
    ++all;
    if (wrong.empty()) ++good;
    if (!wrong.empty())
      std::cout << "arc-valimail: " << test.at("id").text() << ": " << wrong << "\n";
  }
  std::cout << "arc-valimail, sealing: " << good << " of " << all << "\n";
  return good == all && all > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: arc_suite TESTDATA-DIRECTORY\n";
    return 64;
  }
  const auto folder = std::filesystem::path(argv[1]) / "arc-valimail";
  if (!std::filesystem::exists(folder / "cases-arc-validate.json")) {
    std::cout << "skipped: no ARC suite in " << argv[1] << "\n";
    return kSkipped;
  }
  try {
    const int validated = validation(folder / "cases-arc-validate.json");
    const int sealed = sealing(folder / "cases-arc-sign.json");
    return std::max(validated, sealed);
  } catch (const std::exception& error) {
    std::cout << "arc_suite: " << error.what() << "\n";
    return 1;
  }
}
