#include "import/opendkim_signing.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include <fmt/format.h>

#include <authmilter/dkim.h>
#include <authmilter/domain_name.h>
#include <authmilter/toml_literal.h>

#include "import/accepted.h"
#include "import/data_set.h"
#include "import/signing_plan.h"
#include "import/signing_table.h"
#include "import/text.h"

namespace authmilter::importer {
namespace {

/// RFC 6376 section 5.4.1, as OpenDKIM has it.
const std::vector<std::string>& default_sign_headers() {
  static const std::vector<std::string> names = {"from",
                                                 "reply-to",
                                                 "subject",
                                                 "date",
                                                 "to",
                                                 "cc",
                                                 "resent-date",
                                                 "resent-from",
                                                 "resent-sender",
                                                 "resent-to",
                                                 "resent-cc",
                                                 "in-reply-to",
                                                 "references",
                                                 "list-id",
                                                 "list-help",
                                                 "list-unsubscribe",
                                                 "list-subscribe",
                                                 "list-post",
                                                 "list-owner",
                                                 "list-archive"};
  return names;
}

const std::vector<std::string>& default_omit_headers() {
  static const std::vector<std::string> names = {
      "return-path", "received", "comments", "keywords", "bcc", "resent-bcc", "dkim-signature"};
  return names;
}

/// opendkim.conf(5), OmitHeaders: a list replaces the default, or changes it when "*" is in it.
std::vector<std::string> changed_names(const std::vector<std::string>& defaults,
                                       const DataSet& set) {
  const auto& entries = set.entries;
  const bool delta = std::any_of(entries.begin(), entries.end(),
                                 [](const DataSetEntry& entry) { return entry.key == "*"; });
  std::vector<std::string> names = delta ? defaults : std::vector<std::string>{};
  for (const DataSetEntry& entry : entries) {
    std::string name = lower(entry.key);
    if (name == "*") continue;
    const bool removes = delta && name.starts_with('-');
    if (delta && (removes || name.starts_with('+'))) name.erase(0, 1);
    std::erase(names, name);
    if (!removes) names.push_back(name);
  }
  return names;
}

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// What signing.headers takes.
bool is_signable(std::string_view name) {
  const bool named = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  return named && can_be_signed(name);
}

class Signing {
 public:
  Signing(Translator& to, const std::string& keys_directory)
      : to_(to), settings_(to.settings()), keys_directory_(keys_directory) {}

  Status translate() {
    if (auto planned = plan(); !planned) return planned;
    if (planned_.empty()) return Done{};
    if (auto done = headers(); !done) return done;
    canonicalization();
    algorithm();
    lifetime();
    to_.draft().set(
        "signing", "require_sender_match", "false",
        "OpenDKIM signs whatever domain an authenticated user writes into From; without "
        "this line a user signs only for the domain that it sends as");
    for (const PlannedDomain& domain : planned_) write(domain);
    note_key_files();
    return Done{};
  }

 private:
  Result<DataSet> data_set(const char* name) {
    const Setting* setting = settings_.find(name);
    if (setting == nullptr) return DataSet{};
    auto set = read_data_set(*setting, to_.base_directory(), to_.read_file());
    if (set && set->kind == DataSetKind::other)
      to_.warn(name, fmt::format("data sets of the kind \"{}\" are not read: write what it holds "
                                 "into a file and import that",
                                 set->type));
    return set;
  }

  Status plan() {
    const bool keys = settings_.has("KeyTable");
    const bool authors = settings_.has("SigningTable");
    if (keys != authors) {
      to_.warn(keys ? "KeyTable" : "SigningTable",
               "KeyTable and SigningTable belong together; nothing is signed by one of them");
      return Done{};
    }
    if (keys) {
      for (const char* ignored : {"Domain", "KeyFile", "Selector", "SubDomains"}) {
        if (settings_.has(ignored)) to_.note(ignored, "has no effect beside a KeyTable");
      }
    }
    auto planned = keys ? by_tables() : by_domains();
    if (planned) keep_what_can_be_written();
    return planned;
  }

  Status by_tables() {
    const auto key_set = data_set("KeyTable");
    if (!key_set) return key_set.error();
    const auto signing_set = data_set("SigningTable");
    if (!signing_set) return signing_set.error();
    const KeyTable keys(*key_set, to_.base_directory(), to_.remarks());
    const Matches matches = settings_.boolean("MultipleSignatures") ? Matches::all : Matches::first;
    const SigningTable table(*signing_set, keys, matches, to_.remarks());
    planned_ = plan_signing([&](const std::string& user,
                                const std::string& domain) { return table.choose(user, domain); },
                            table.samples(), "SigningTable", to_.remarks());
    table.remark_on_users(to_.remarks());
    return Done{};
  }

  /// One key for each name in Domain.
  Status by_domains() {
    const auto selector = settings_.text("Selector");
    const auto file = settings_.text("KeyFile");
    if (!settings_.has("Domain") && !selector && !file) return Done{};
    if (!settings_.has("Domain") || !selector || !file) {
      const char* named = settings_.has("Domain") ? "Domain" : (file ? "KeyFile" : "Selector");
      to_.warn(named, "Domain, Selector and KeyFile belong together; nothing is signed");
      return Done{};
    }
    const auto domains = data_set("Domain");
    if (!domains) return domains.error();
    for (const DataSetEntry& entry : domains->entries) {
      if (entry.key.find('*') != std::string::npos) {
        to_.warn("Domain", fmt::format("\"{}\" is not a domain name", entry.key));
        continue;
      }
      const ChosenKey key{lower(entry.key), lower(*selector), below(to_.base_directory(), *file),
                          entry.place, settings_.place("KeyFile")};
      planned_.push_back({key.domain, settings_.boolean("SubDomains"), {key}});
    }
    return Done{};
  }

  /// Leaves out what authmilter's configuration has no form for.
  void keep_what_can_be_written() {
    std::vector<PlannedDomain> kept;
    std::set<std::string> known;
    for (const PlannedDomain& domain : planned_) {
      const auto name = DomainName::parse(domain.domain);
      if (!name) {
        warn_at(domain.keys.front(), fmt::format("\"{}\" is not a domain name", domain.domain));
        continue;
      }
      PlannedDomain made{name->text(), domain.subdomains, usable(domain.keys)};
      // One may stand twice in a list, or in two spellings.
      if (!made.keys.empty() && known.insert(made.domain).second) kept.push_back(std::move(made));
    }
    planned_ = std::move(kept);
  }

  std::vector<ChosenKey> usable(const std::vector<ChosenKey>& keys) {
    std::vector<ChosenKey> kept;
    for (const ChosenKey& key : keys) {
      const bool printable = std::none_of(key.file.begin(), key.file.end(), [](char c) {
        return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
      });
      if (printable && is_accepted_key(key.selector, key.file)) {
        kept.push_back(key);
      } else {
        warn_at(key, fmt::format("\"{}\" is not a selector, or its file has no usable name",
                                 key.selector));
      }
    }
    return kept;
  }

  void warn_at(const ChosenKey& key, std::string text) {
    to_.remarks().push_back({Weight::warning, key.place,
                             settings_.has("SigningTable") ? "SigningTable" : "Domain",
                             std::move(text)});
  }

  Status headers() {
    const auto sign_set = data_set("SignHeaders");
    if (!sign_set) return sign_set.error();
    const auto omit_set = data_set("OmitHeaders");
    if (!omit_set) return omit_set.error();
    auto names = settings_.has("SignHeaders") ? changed_names(default_sign_headers(), *sign_set)
                                              : default_sign_headers();
    const auto omitted = settings_.has("OmitHeaders")
                             ? changed_names(default_omit_headers(), *omit_set)
                             : default_omit_headers();
    std::erase_if(names, [&](const std::string& name) {
      if (is_signable(name) || holds(omitted, name)) return false;
      to_.warn("SignHeaders", fmt::format("\"{}\" cannot be signed", name));
      return true;
    });
    // Whichever setting it is that does not name it, or does.
    const char* without_subject = holds(names, "subject") ? "OmitHeaders" : "SignHeaders";
    for (const std::string& name : omitted) std::erase(names, name);
    if (!holds(names, "subject")) to_.warn(without_subject, "Subject is always signed");
    write_headers(names);
    return oversigned();
  }

  void write_headers(const std::vector<std::string>& names) {
    const bool omits = settings_.has("OmitHeaders");
    const std::string literal = quoted_list(names);
    if (settings_.has("SignHeaders")) {
      to_.set("signing", "headers", literal, "SignHeaders",
              omits ? "without those of " + to_.origin("OmitHeaders") : "");
    } else if (omits) {
      to_.set("signing", "headers", literal, "OmitHeaders");
    } else {
      to_.set("signing", "headers", literal, "SignHeaders",
              "without this line authmilter signs Message-ID, Sender and the MIME fields too");
    }
  }

  /// From is oversigned in any case.
  Status oversigned() {
    const auto set = data_set("OversignHeaders");
    if (!set) return set.error();
    std::vector<std::string> names = {"from"};
    for (const DataSetEntry& entry : set->entries) {
      const std::string name = lower(entry.key);
      if (!is_signable(name)) {
        to_.warn("OversignHeaders", fmt::format("\"{}\" cannot be signed", name));
      } else if (!holds(names, name)) {
        names.push_back(name);
      }
    }
    to_.set("signing", "oversign", quoted_list(names), "OversignHeaders",
            "without this line nobody can add To, Cc, Reply-To or Subject to signed mail");
    to_.set("signing", "oversign_present", "[]", "OversignHeaders",
            "without this line nobody can add a second Date, Sender or MIME field either");
    return Done{};
  }

  void lifetime() {
    constexpr long kLongest = 365L * 24 * 3600;
    const long seconds = settings_.integer("SignatureTTL", 0);
    if (seconds == 0) return;
    if (seconds < 0 || seconds > kLongest) {
      to_.warn("SignatureTTL", "has no equal: signatures do not expire");
    } else {
      to_.set("signing", "lifetime", fmt::format("\"{}s\"", seconds), "SignatureTTL");
    }
  }

  void canonicalization() {
    const std::string text = lower(settings_.text("Canonicalization").value_or("simple"));
    const std::size_t slash = text.find('/');
    // RFC 6376 section 3.5: without a second word the body's is simple.
    const std::string both = slash == std::string::npos ? text + "/simple" : text;
    for (const std::string_view known :
         {"relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"}) {
      if (both != known) continue;
      if (both != "relaxed/relaxed")
        to_.set("signing", "canonicalization", literal(both), "Canonicalization");
      return;
    }
    to_.warn("Canonicalization",
             fmt::format("\"{}\" is not a canonicalization; relaxed/relaxed is used", text));
  }

  void algorithm() {
    const auto text = settings_.text("SignatureAlgorithm");
    if (text && same_word(*text, "rsa-sha1"))
      to_.warn("SignatureAlgorithm", "has no equal: signatures are by rsa-sha256 (RFC 8301)");
  }

  void write(const PlannedDomain& domain) {
    std::string keys = "[\n";
    for (const ChosenKey& key : domain.keys)
      keys += fmt::format("  {{ selector = {}, file = {} }},\n", literal(key.selector),
                          literal(new_file(key, domain.domain)));
    std::vector<Draft::Line> lines = {{"domain", literal(domain.domain)}};
    if (domain.subdomains) lines.push_back({"subdomains", "true"});
    lines.push_back({"keys", keys + "]"});
    std::vector<std::string> places;
    for (const ChosenKey& key : domain.keys) {
      if (std::find(places.begin(), places.end(), key.place.text()) == places.end())
        places.push_back(key.place.text());
    }
    to_.draft().add_table("signing.domain", std::move(lines), join(places, ", "));
  }

  /// DOMAIN.SELECTOR.pem, as `authmilter key generate` calls it.
  std::string new_file(const ChosenKey& key, const std::string& domain) const {
    if (keys_directory_.empty()) return key.file;
    return below(keys_directory_, fmt::format("{}.{}.pem", domain, key.selector));
  }

  const char* key_setting() const { return settings_.has("KeyTable") ? "KeyTable" : "KeyFile"; }

  /// Debian's OpenDKIM has its keys in a directory that no other user may enter.
  void note_key_files() {
    if (keys_directory_.empty())
      to_.note(key_setting(),
               "authmilterd runs as the user authmilter and takes a key file that is root's or its "
               "own and in a directory that it may enter; \"--keys /etc/authmilter/keys\" names "
               "copies there and says how to make them");
    std::set<std::string> missing;
    for (const PlannedDomain& domain : planned_) {
      for (const ChosenKey& key : domain.keys) {
        if (to_.is_missing(key.file)) {
          if (missing.insert(key.file).second) warn_of_missing(key);
        } else if (!keys_directory_.empty()) {
          to_.note(key_setting(),
                   fmt::format("copy the key: install -o root -g authmilter -m 0640 {} {}",
                               shell_word(key.file), shell_word(new_file(key, domain.domain))));
        }
      }
    }
  }

  void warn_of_missing(const ChosenKey& key) {
    to_.remarks().push_back(
        {Weight::warning, key.file_place, key_setting(),
         fmt::format("{} is not there: authmilterd will not start with it", key.file)});
  }

  Translator& to_;
  const Settings& settings_;
  const std::string& keys_directory_;
  std::vector<PlannedDomain> planned_;
};

}  // namespace

Status translate_signing(Translator& to, const std::string& keys_directory) {
  return Signing(to, keys_directory).translate();
}

}  // namespace authmilter::importer
