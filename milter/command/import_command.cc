#include <cerrno>
#include <cstdio>
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

void tell(const importer::Remarks& remarks) {
  for (const Remark& remark : remarks) {
    fmt::print(stderr, "authmilter: {}: {}: {}: {}\n", word_of(remark.weight),
               printable(remark.place.text()), printable(remark.setting), printable(remark.text));
  }
}

/// Of what was written elsewhere the JSON has the remarks alone.
ExitStatus write_remarks(const importer::Imported& imported, const CommonOptions& common) {
  if (common.json) {
    std::vector<Json> warnings;
    for (const Remark& remark : imported.remarks) warnings.push_back(remark_json(remark));
    return write_json({{"warnings", warnings}}, ExitStatus::done);
  }
  tell(imported.remarks);
  return ExitStatus::done;
}

ExitStatus write_import(const importer::Imported& imported, const CommonOptions& common) {
  if (common.json) {
    std::vector<Json> warnings;
    for (const Remark& remark : imported.remarks) warnings.push_back(remark_json(remark));
    return write_json({{"configuration", imported.configuration}, {"warnings", warnings}},
                      ExitStatus::done);
  }
  tell(imported.remarks);
  return write_out(imported.configuration, ExitStatus::done);
}

/// Of all files of an import together, each as often as it is named. The tables of 100,000 domains
/// have a fifth of it.
constexpr std::size_t kMostOctets = 64UL * 1024 * 1024;

constexpr const char* kDomains = "domains.d";

/// Writes a file that is not there yet.
Status write_new(const std::filesystem::path& path, const std::string& text) {
  const auto cannot = [&] {
    return Error{fmt::format("{}: {}", path.string(), std::generic_category().message(errno))};
  };
  // "x": of C++23's standard, which glibc has; never what is there already.
  std::FILE* const file = std::fopen(path.c_str(), "wx");
  if (file == nullptr) return cannot();
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !written) return cannot();
  return Done{};
}

/// DIR/authmilter.toml, and DIR/domains.d with a file for each domain.
Status write_directory(const std::filesystem::path& directory, const importer::Imported& imported) {
  const auto domains = directory / kDomains;
  std::error_code error;
  std::filesystem::create_directories(domains, error);
  if (error) return Error{fmt::format("{}: {}", domains.string(), error.message())};
  if (auto written = write_new(directory / "authmilter.toml", imported.configuration); !written)
    return written;
  for (const importer::Draft::Part& part : imported.domains) {
    // In quotes stands a domain name, which is the name of a file too.
    const std::string name = part.value.substr(1, part.value.size() - 2);
    if (auto written = write_new(domains / (name + ".toml"), part.text); !written) return written;
  }
  return Done{};
}

/// What a main file and its drop-ins say together.
std::string whole(const importer::Imported& imported) {
  std::string text = imported.configuration;
  for (const importer::Draft::Part& part : imported.domains) text += "\n" + part.text;
  return text;
}

ExitStatus run_import(const importer::Sources& sources, const std::string& out,
                      const CommonOptions& common) {
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
  if (const auto parsed = parse_config(whole(*imported), "import", "localhost"); !parsed) {
    return fail(ExitStatus::configuration,
                "the configuration has no equal: " + parsed.error().message);
  }
  if (out.empty()) return write_import(*imported, common);
  if (const auto written = write_directory(out, *imported); !written)
    return fail(ExitStatus::cannot_create, written.error());
  note(fmt::format("{}: authmilter.toml and {} files in {} written", out, imported->domains.size(),
                   kDomains));
  return write_remarks(*imported, common);
}

}  // namespace

void add_import_command(const Command& app, Context& context) {
  const Command parent =
      app.add_subcommand("import", "Print the configuration that equals another filter's");
  parent.require_subcommand();
  const auto sources = std::make_shared<importer::Sources>();
  const auto out = std::make_shared<std::string>();
  const auto run = [sources, out, &context] {
    if (!out->empty()) {
      sources->domains_directory = kDomains;
      // What is relative would start at the directory of the domains.
      std::error_code ignored;
      if (!sources->keys_directory.empty())
        sources->keys_directory = std::filesystem::absolute(sources->keys_directory, ignored);
    }
    context.status = run_import(*sources, *out, context.common);
  };

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
  opendkim
      .add_text("--out", *out,
                "write authmilter.toml and, in domains.d, a file for each domain into this "
                "directory")
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
