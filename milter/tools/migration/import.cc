#include "import.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "opendkim_import.h"
#include "opendkim_settings.h"
#include "opendmarc_import.h"
#include "opendmarc_settings.h"

namespace authmilter::migration {
namespace {

std::string title(const Sources& sources) {
  const bool both = !sources.opendkim.empty() && !sources.opendmarc.empty();
  return fmt::format(
      "Made by \"authmilter import\" from {}{}{}. What is not written here has "
      "authmilter's default; see authmilter.toml(5).",
      sources.opendkim, both ? " and " : "", sources.opendmarc);
}

/// OpenDKIM can tempfail what it cannot verify for want of a key; the nearest equal is DMARC's.
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

Result<Imported> import_configurations(const Sources& sources, const ReadFile& read_file) {
  Translation translation;
  std::optional<Settings> opendkim;
  std::optional<DkimFacts> dkim;
  if (!sources.opendkim.empty()) {
    const auto settings = Settings::read(sources.opendkim, opendkim_settings(), read_file);
    if (!settings) return settings.error();
    opendkim = *settings;
    const auto facts =
        translate_opendkim(*opendkim, read_file, sources.keys_directory, translation);
    if (!facts) return facts.error();
    dkim = *facts;
  }
  if (sources.opendmarc.empty()) {
    judge_nothing(translation.draft,
                  "OpenDKIM alone refuses nothing for SPF or DMARC; without this line authmilter "
                  "does");
  } else {
    const auto settings = Settings::read(sources.opendmarc, opendmarc_settings(), read_file);
    if (!settings) return settings.error();
    const auto done = translate_opendmarc(*settings, read_file, dkim, translation);
    if (!done) return done.error();
  }
  if (dkim) apply_dns_error(*dkim, *opendkim, translation);
  return Imported{translation.draft.text(title(sources)), std::move(translation.remarks)};
}

}  // namespace authmilter::migration
