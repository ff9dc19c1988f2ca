#include "import/import.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include <authmilter/toml_literal.h>

#include "import/opendkim_import.h"
#include "import/opendkim_settings.h"
#include "import/opendmarc_import.h"
#include "import/opendmarc_settings.h"

namespace authmilter::importer {
namespace {

std::string title(const Sources& sources) {
  const bool both = !sources.opendkim.empty() && !sources.opendmarc.empty();
  return fmt::format(
      "Made by \"authmilter import\" from {}{}{}. What is not written here has "
      "authmilter's default; see authmilter.toml(5).",
      sources.opendkim, both ? " and " : "", sources.opendmarc);
}

/// A program, and the other one that is often beside it.
struct Program {
  const char* name;
  const char* file;
  KnownSettings known;
};

Program opendkim_program() { return {"OpenDKIM", "opendkim.conf", opendkim_settings()}; }
Program opendmarc_program() { return {"OpenDMARC", "opendmarc.conf", opendmarc_settings()}; }

/// A configuration of the program. That of the other one is an error: it has more settings that are
/// the other's alone than its own, and a warning for each would hide what is wrong.
Result<Settings> read_settings(const std::string& path, const Program& program,
                               const Program& other, const ReadFile& read_file) {
  auto settings = Settings::read(path, program.known, read_file);
  if (!settings) return settings;
  const Setting* first = nullptr;
  long balance = 0;
  for (const Setting& setting : settings->all()) {
    const bool known = find_known(program.known, setting.name) != nullptr;
    const bool known_there = find_known(other.known, setting.name) != nullptr;
    if (known && !known_there) --balance;
    if (known || !known_there) continue;
    ++balance;
    if (first == nullptr) first = &setting;
  }
  if (balance <= 0) return settings;
  return Error{fmt::format("{}: this looks like {}, not {}: {} has no {}", first->place.text(),
                           other.file, program.file, program.name, first->name)};
}

/// OpenDKIM can tempfail what it cannot verify without a key; the nearest equal is DMARC's.
void apply_dns_error(const DkimFacts& dkim, const Settings& settings, Translation& translation) {
  if (!dkim.verifies || !dkim.tempfails_on_dns_error) return;
  const char* setting = settings.has("On-DNSError") ? "On-DNSError" : "On-Default";
  if (translation.draft.value("verify", "mode").empty()) {
    translation.draft.set("policy", "dmarc_temperror", "\"tempfail\"",
                          fmt::format("{}: {}", settings.place(setting).text(), setting));
    return;
  }
  translation.remarks.push_back(
      {Weight::warning, settings.place(setting), setting,
       "in monitor mode a message whose keys cannot be looked up is accepted, and its field says "
       "temperror; when you enforce, set policy.dmarc_temperror = \"tempfail\""});
}

}  // namespace

Result<Imported> import_configurations(const Sources& sources, const Files& files) {
  Translation translation;
  std::optional<Settings> opendkim;
  std::optional<DkimFacts> dkim;
  if (!sources.opendkim.empty()) {
    const auto settings =
        read_settings(sources.opendkim, opendkim_program(), opendmarc_program(), files.read);
    if (!settings) return settings.error();
    opendkim = *settings;
    const auto facts = translate_opendkim(*opendkim, files, sources.keys_directory, translation);
    if (!facts) return facts.error();
    dkim = *facts;
  }
  if (sources.opendmarc.empty()) {
    judge_nothing(translation.draft,
                  "OpenDKIM alone refuses nothing for SPF or DMARC; without this line authmilter "
                  "does");
  } else {
    const auto settings =
        read_settings(sources.opendmarc, opendmarc_program(), opendkim_program(), files.read);
    if (!settings) return settings.error();
    const auto done = translate_opendmarc(*settings, files, dkim, translation);
    if (!done) return done.error();
  }
  if (dkim) apply_dns_error(*dkim, *opendkim, translation);
  std::vector<Draft::Part> domains;
  if (!sources.domains_directory.empty()) {
    domains = translation.draft.take_tables("signing.domain", "domain");
    translation.draft.set("signing", "directory", literal(sources.domains_directory),
                          "each domain has a file of its own");
  }
  return Imported{translation.draft.text(title(sources)), std::move(domains),
                  std::move(translation.remarks)};
}

}  // namespace authmilter::importer
