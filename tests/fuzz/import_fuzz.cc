#include <map>

#include <fmt/format.h>

#include <authmilter/config.h>

#include "import/import.h"
#include "input.h"

// Configurations of OpenDKIM and OpenDMARC: the first line is "k", "m" or "km" for the programs
// that there are, with "c" for keys that are copied; then opendkim.conf, opendmarc.conf and the
// files /1, /2, ... that they may name, parted by lines "%%". "/k" and "/m" are themselves. What is
// imported can be read by the daemon, and every remark has its place.

using namespace authmilter;
using namespace authmilter::importer;
using authmilter::fuzz::Input;
using authmilter::fuzz::require;

namespace {

constexpr std::size_t kMostFiles = 8;
// Include goes five files deep, and each of them may include others any number of times.
constexpr std::size_t kMostReads = 2000;
constexpr std::size_t kMostOctets = 4096;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kMostOctets) return 0;
  Input input(data, size);
  const std::string_view programs = input.line();
  const auto asks_for = [&](char c) { return programs.find(c) != std::string_view::npos; };
  std::map<std::string, std::string> files;
  files["/k"] = input.part();
  files["/m"] = input.part();
  for (std::size_t i = 1; i <= kMostFiles && !input.empty(); ++i)
    files[fmt::format("/{}", i)] = input.part();

  std::size_t reads = 0;
  const ReadFile read = [&](const std::string& path) -> Result<std::string> {
    const auto found = files.find(path);
    if (found == files.end()) return Error{path + ": no such file"};
    if (++reads > kMostReads) return Error{path + ": read too often"};
    return found->second;
  };
  const auto missing = [&](const std::string& path) { return path.size() % 2 == 0; };
  Sources sources{"/k", "", asks_for('c') ? "/keys" : ""};
  if (asks_for('m')) sources.opendmarc = "/m";
  if (asks_for('m') && !asks_for('k')) sources.opendkim = "";

  const auto imported = import_configurations(sources, {read, missing});
  if (!imported) {
    require(!imported.error().message.empty(), "an error says why");
    return 0;
  }
  const auto config = parse_config(imported->configuration, "import", "host.example");
  if (!config) std::fputs(config.error().message.c_str(), stderr);
  require(bool(config), "what is imported can be read");
  for (const Remark& remark : imported->remarks) {
    require(files.contains(remark.place.file), "a remark has its place");
    require(!remark.setting.empty() && !remark.text.empty(), "a remark says something");
  }
  return 0;
}
