#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "commands.h"
#include "import/import.h"
#include "options/input.h"
#include "output/json.h"
#include "output/output.h"

namespace authmilter::tools {
namespace {

using importer::Remark;
using importer::Weight;

const char* word_of(Weight weight) { return weight == Weight::warning ? "warning" : "note"; }

Json remark_json(const Remark& remark) {
  Json json = {{"level", word_of(remark.weight)}, {"file", remark.place.file}};
  json.add("line", remark.place.line == 0 ? Json() : Json(remark.place.line));
  json.add("setting", remark.setting);
  json.add("text", remark.text);
  return json;
}

ExitStatus write_import(const importer::Imported& imported, const CommonOptions& common) {
  if (common.json) {
    std::vector<Json> warnings;
    for (const Remark& remark : imported.remarks) warnings.push_back(remark_json(remark));
    return write_json({{"configuration", imported.configuration}, {"warnings", warnings}},
                      ExitStatus::done);
  }
  for (const Remark& remark : imported.remarks) {
    fmt::print(stderr, "authmilter: {}: {}: {}: {}\n", word_of(remark.weight),
               printable(remark.place.text()), printable(remark.setting), printable(remark.text));
  }
  return write_out(imported.configuration, ExitStatus::done);
}

/// Of all files of an import together, each as often as it is named. The tables of 100,000 domains
/// have a fifth of it.
constexpr std::size_t kMostOctets = 64UL * 1024 * 1024;

ExitStatus run_import(const importer::Sources& sources, const CommonOptions& common) {
  bool unreadable = false;
  std::size_t octets = 0;
  const auto read = [&](const std::string& path) {
    auto text = read_regular_file(path, kMostOctets);
    if (text) octets += text->size();
    if (octets > kMostOctets) text = Error{path + ": with it there are more than 64 MiB to import"};
    if (!text) unreadable = true;
    return text;
  };
  const auto missing = [](const std::string& path) {
    std::error_code error;
    return std::filesystem::status(path, error).type() == std::filesystem::file_type::not_found;
  };
  const auto imported = importer::import_configurations(sources, {read, missing});
  if (!imported)
    return fail(unreadable ? ExitStatus::no_input : ExitStatus::configuration, imported.error());
  // Whatever it was made from, what is printed can be used.
  if (const auto parsed = parse_config(imported->configuration, "import", "localhost"); !parsed) {
    return fail(ExitStatus::configuration,
                "the configuration has no equal: " + parsed.error().message);
  }
  return write_import(*imported, common);
}

}  // namespace

void add_import_command(const Command& app, Context& context) {
  const Command parent =
      app.add_subcommand("import", "Print the configuration that equals another filter's");
  parent.require_subcommand();
  const auto sources = std::make_shared<importer::Sources>();
  const auto run = [sources, &context] { context.status = run_import(*sources, context.common); };

  const Command opendkim = parent.add_subcommand("opendkim", "Import opendkim.conf");
  add_common_options(opendkim, context.common);
  opendkim.add_text("file", sources->opendkim, "OpenDKIM's configuration")
      .required()
      .stands_as("FILE");
  opendkim
      .add_text("--opendmarc", sources->opendmarc,
                "configuration of the OpenDMARC behind it, for one that equals both")
      .stands_as("FILE");
  opendkim
      .add_text("--keys", sources->keys_directory,
                "name copies of the keys in this directory, and say how to make them")
      .stands_as("DIR");
  opendkim.runs(run);

  const Command opendmarc = parent.add_subcommand("opendmarc", "Import opendmarc.conf");
  add_common_options(opendmarc, context.common);
  opendmarc.add_text("file", sources->opendmarc, "OpenDMARC's configuration")
      .required()
      .stands_as("FILE");
  opendmarc.runs(run);
}

}  // namespace authmilter::tools
