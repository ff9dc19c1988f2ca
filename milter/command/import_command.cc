#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "import/import.h"
#include "options/input.h"
#include "output/output.h"

namespace authmilter::tools {
namespace {

using Json = nlohmann::ordered_json;
using importer::Remark;
using importer::Weight;

const char* word_of(Weight weight) { return weight == Weight::warning ? "warning" : "note"; }

Json remark_json(const Remark& remark) {
  Json json = {{"level", word_of(remark.weight)}, {"file", remark.place.file}};
  json["line"] = remark.place.line == 0 ? Json() : Json(remark.place.line);
  json["setting"] = remark.setting;
  json["text"] = remark.text;
  return json;
}

ExitStatus write_import(const importer::Imported& imported, const CommonOptions& common) {
  if (common.json) {
    Json warnings = Json::array();
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

void add_import_command(CLI::App& app, Context& context) {
  CLI::App* parent =
      app.add_subcommand("import", "Print the configuration that equals another filter's");
  parent->require_subcommand(1);
  const auto sources = std::make_shared<importer::Sources>();
  const auto run = [sources, &context] { context.status = run_import(*sources, context.common); };

  CLI::App* opendkim = parent->add_subcommand("opendkim", "Import opendkim.conf");
  add_common_options(*opendkim, context.common);
  opendkim->add_option("file", sources->opendkim, "OpenDKIM's configuration")
      ->required()
      ->type_name("FILE");
  opendkim
      ->add_option("--opendmarc", sources->opendmarc,
                   "configuration of the OpenDMARC behind it, for one that equals both")
      ->type_name("FILE");
  opendkim
      ->add_option("--keys", sources->keys_directory,
                   "name copies of the keys in this directory, and say how to make them")
      ->type_name("DIR");
  opendkim->callback(run);

  CLI::App* opendmarc = parent->add_subcommand("opendmarc", "Import opendmarc.conf");
  add_common_options(*opendmarc, context.common);
  opendmarc->add_option("file", sources->opendmarc, "OpenDMARC's configuration")
      ->required()
      ->type_name("FILE");
  opendmarc->callback(run);
}

}  // namespace authmilter::tools
