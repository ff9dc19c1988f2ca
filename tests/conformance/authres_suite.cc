// Runs Authentication-Results fields from other projects' tests (go-msgauth, mox, authres, and
// whatever other cases-*.json lies beside them) against the parser.

#include <authmilter/authentication_results.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/ascii.h"
#include "published_json.h"

namespace {

using authmilter::published::File;
using authmilter::published::Value;

// Cases that are not ours to pass, and the line of the RFC that says so.
constexpr struct {
  std::string_view id;
  const char* why;
} kOut[] = {
    {"go-09", "RFC 8601 section 2.2: authres-payload has an authserv-id; an empty field is none"},
};

const char* why_out(std::string_view id) {
  for (const auto& out : kOut) {
    if (out.id == id) return out.why;
  }
  return nullptr;
}

std::string text_of(const Value& object, const char* key) {
  const auto found = object.find(key);
  if (!found || found->is_null()) return "";
  return found->is_text() ? found->text() : found->json();
}

/// Some projects keep the field's name in their tests.
std::string_view without_name(std::string_view header) {
  constexpr std::string_view kName = "Authentication-Results:";
  if (authmilter::starts_with_ignoring_case(header, kName)) header.remove_prefix(kName.size());
  return header;
}

/// Both sides in one form: the id, and each result with its properties in alphabetical order.
using Summary = std::vector<std::string>;

std::string summary_line(const std::string& method, const std::string& result,
                         const std::string& reason,
                         const std::map<std::string, std::string>& properties) {
  std::string line = method + "=" + result + " reason=[" + reason + "]";
  for (const auto& [name, value] : properties) line += " " + name + "=[" + value + "]";
  return line;
}

std::map<std::string, std::string> properties_of(const Value& result) {
  std::map<std::string, std::string> properties;
  for (const auto& [name, value] : result.at("props").members()) properties[name] = value.text();
  return properties;
}

Summary wanted(const Value& test) {
  Summary summary{text_of(test, "authserv_id") + "/" + text_of(test, "version")};
  for (const auto& result : test.at("results").list()) {
    summary.push_back(summary_line(text_of(result, "method"), text_of(result, "result"),
                                   text_of(result, "reason"), properties_of(result)));
  }
  return summary;
}

Summary found(const authmilter::AuthenticationResults& results, bool with_version) {
  Summary summary{results.authserv_id + "/" + (with_version ? results.version : "")};
  for (const auto& result : results.results) {
    std::map<std::string, std::string> properties;
    for (const auto& property : result.properties)
      properties[property.ptype + "." + property.property] = property.value;
    summary.push_back(summary_line(result.method, result.result, result.reason, properties));
  }
  return summary;
}

/// Empty, or what is wrong.
std::string judge(const Value& test) {
  const auto header = test.at("header").text();
  const auto results = authmilter::parse_authentication_results(without_name(header));
  if (test.find("error")) return results ? "read, but should not be" : "";
  if (!results) return results.error().message;
  const auto want = wanted(test);
  const auto have = found(*results, !text_of(test, "version").empty());
  std::string wrong;
  for (std::size_t i = 0; i < std::max(want.size(), have.size()); ++i) {
    const auto line = [i](const Summary& side) { return i < side.size() ? side[i] : "nothing"; };
    if (line(want) != line(have)) wrong += "\n  want " + line(want) + "\n  have " + line(have);
  }
  return wrong;
}

}  // namespace

int main(int argc, char** argv) {
  const auto folder = std::filesystem::path(argc > 1 ? argv[1] : "testdata") / "authres";
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(folder)) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const auto name = entry.path().filename().string();
      if (name.starts_with("cases-") && name.ends_with(".json")) files.push_back(entry.path());
    }
  }
  if (files.empty()) {
    std::printf("skipped: no cases-*.json in %s\n", folder.c_str());
    return 77;
  }
  std::sort(files.begin(), files.end());
  int run = 0;
  int good = 0;
  int out = 0;
  for (const auto& path : files) {
    const File suite = File::read(path).value();
    for (const auto& test : suite.root().at("cases").list()) {
      const auto id = test.at("id").text();
      if (const char* why = why_out(id)) {
        std::printf("out %s: %s\n", id.c_str(), why);
        ++out;
        continue;
      }
      ++run;
      const auto wrong = judge(test);
      if (wrong.empty()) {
        ++good;
      } else {
        std::printf("FAILED %s: %s\n", id.c_str(), wrong.c_str());
      }
    }
  }
  std::printf("authres: %d of %d (%d out)\n", good, run, out);
  return good == run && run > 0 ? 0 : 1;
}
