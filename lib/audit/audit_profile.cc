#include <authmilter/audit_profile.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include <authmilter/audit.h>

#include "audit/built_in_profiles.h"
#include "base/ascii.h"
#include "base/file.h"
#include "config/document.h"
#include "config/reader.h"

namespace authmilter {
namespace {

// A file that a person writes; a larger one is another.
constexpr std::size_t kMostOctets = 64UL << 10U;
constexpr unsigned kMostBits = 16384;  // of a key that anybody would ask for
constexpr unsigned kMostDays = 3650;

// The words of a profile are its own: what people read elsewhere may change.
constexpr Choice<TlsVersion> kVersions[] = {
    {"TLS 1.0", TlsVersion::tls_1_0},
    {"TLS 1.1", TlsVersion::tls_1_1},
    {"TLS 1.2", TlsVersion::tls_1_2},
    {"TLS 1.3", TlsVersion::tls_1_3},
};
constexpr Choice<CipherKind> kCiphers[] = {
    {"null", CipherKind::null},
    {"anonymous", CipherKind::anonymous},
    {"export-grade", CipherKind::export_grade},
    {"rc4", CipherKind::rc4},
    {"triple-des", CipherKind::triple_des},
    {"cbc-sha1", CipherKind::cbc_sha1},
    {"no-forward-secrecy", CipherKind::no_forward_secrecy},
};

/// One setting of a profile.
struct ProfileKey {
  std::string_view path;  // "dkim.rsa_bits"
  void (*read)(Reader&, const Value&, AuditProfile&);
};

template <class T>
void take(std::optional<T> from, T& to) {
  if (from) to = std::move(*from);
}

template <auto Member, unsigned Least, unsigned Most>
void read_number(Reader& reader, const Value& value, AuditProfile& profile) {
  take(reader.number(value, Least, Most), profile.*Member);
}

template <auto Member>
void read_flag(Reader& reader, const Value& value, AuditProfile& profile) {
  take(reader.boolean(value), profile.*Member);
}

/// A list whose members `read_one` reads; what it refuses is left out, and an error all the same.
template <class T, class ReadOne>
void read_members(Reader& reader, const Value& value, std::vector<T>& to, ReadOne read_one) {
  if (!reader.expect(value, ValueKind::list)) return;
  to.clear();
  for (const Value& child : value.children) {
    if (auto member = read_one(child)) to.push_back(std::move(*member));
  }
}

constexpr ProfileKey kKeys[] = {
    {"title", [](Reader& r, const Value& v, AuditProfile& p) { take(r.string(v), p.title); }},
    {"prints_measure", read_flag<&AuditProfile::prints_measure>},
    {"failing_rules",
     [](Reader& r, const Value& v, AuditProfile& p) {
       read_members(r, v, p.failing_rules, [&](const Value& one) { return r.string(one); });
     }},
    {"dkim.rsa_bits", read_number<&AuditProfile::dkim_rsa_bits, 1024, kMostBits>},
    {"dkim.rsa_bits_warn", read_number<&AuditProfile::dkim_rsa_bits_warn, 1024, kMostBits>},
    {"certificate.rsa_bits", read_number<&AuditProfile::certificate_rsa_bits, 1024, kMostBits>},
    {"certificate.ec_bits", read_number<&AuditProfile::certificate_ec_bits, 160, kMostBits>},
    {"certificate.warn_days", read_number<&AuditProfile::certificate_warn_days, 0, kMostDays>},
    {"certificate.weak_signatures",
     [](Reader& r, const Value& v, AuditProfile& p) {
       read_members(r, v, p.weak_signatures, [&](const Value& one) { return r.string(one); });
     }},
    {"tls.oldest", [](Reader& r, const Value& v,
                      AuditProfile& p) { take(r.choice<TlsVersion>(v, kVersions), p.oldest_tls); }},
    {"tls.old_fails", read_flag<&AuditProfile::old_tls_fails>},
    {"tls.failing_ciphers",
     [](Reader& r, const Value& v, AuditProfile& p) {
       read_members(r, v, p.failing_ciphers,
                    [&](const Value& one) { return r.choice<CipherKind>(one, kCiphers); });
     }},
    {"dnssec.weak_algorithms",
     [](Reader& r, const Value& v, AuditProfile& p) {
       read_members(r, v, p.weak_dnssec_algorithms,
                    [&](const Value& one) { return r.number(one, 0, 255); });
     }},
    {"spf.lookups_warn", read_number<&AuditProfile::spf_lookups_warn, 1, 10>},
    {"spf.wide_prefix4", read_number<&AuditProfile::spf_wide_prefix4, 0, 32>},
    {"spf.wide_prefix6", read_number<&AuditProfile::spf_wide_prefix6, 0, 128>},
};

bool is_table(std::string_view name) {
  return std::any_of(std::begin(kKeys), std::end(kKeys), [&](const ProfileKey& key) {
    return key.path.size() > name.size() && key.path.starts_with(name) &&
           key.path[name.size()] == '.';
  });
}

void read_values(Reader& reader, const Value& table, AuditProfile& profile) {
  for (const Value& value : table.children) {
    const auto* known = std::find_if(std::begin(kKeys), std::end(kKeys),
                                     [&](const ProfileKey& key) { return key.path == value.path; });
    if (known != std::end(kKeys)) {
      known->read(reader, value, profile);
    } else if (table.path.empty() && is_table(value.key)) {
      if (reader.expect(value, ValueKind::table)) read_values(reader, value, profile);
    } else {
      // A floor that is misspelt would be the default's, and nobody would see it.
      reader.refuse(value.key_place, fmt::format("unknown key \"{}\"", printable(value.path)));
    }
  }
}

/// `text` over what `profile` says.
Result<AuditProfile> over(AuditProfile profile, std::string_view text, const std::string& name) {
  const auto document = parse_document(text, name);
  if (!document) return document.error();
  Reader reader(name);
  profile.title.clear();
  profile.prints_measure = false;
  read_values(reader, *document, profile);
  if (reader.error()) return *reader.error();
  return profile;
}

std::map<std::string, AuditProfile, std::less<>> built_in() {
  std::map<std::string, AuditProfile, std::less<>> profiles;
  const auto add = [&](const std::string& name, std::string_view text, const AuditProfile& below) {
    auto profile = over(below, text, name + ".toml");
    // Ours, and tested: one that is wrong is a bug.
    if (!profile) throw std::logic_error(profile.error().message);
    profile->name = name;
    profiles.emplace(name, std::move(*profile));
  };
  add("default", kDefaultProfile, {});
  const AuditProfile below = profiles.at("default");
  add("strict", kStrictProfile, below);
  add("nukib", kNukibProfile, below);
  return profiles;
}

}  // namespace

const AuditProfile* built_in_profile(std::string_view name) {
  static const auto profiles = built_in();
  const auto found = profiles.find(name);
  return found == profiles.end() ? nullptr : &found->second;
}

Result<AuditProfile> read_audit_profile(const std::string& path) {
  const auto text = read_file(path, kMostOctets);
  if (!text) return Error{path + ": " + text.error().message};
  auto profile = over(*built_in_profile("default"), *text, path);
  if (!profile) return profile;
  for (const std::string& id : profile->failing_rules) {
    if (find_audit_rule(id) == nullptr) {
      return Error{
          fmt::format("{}: failing_rules: \"{}\" is the id of no rule", path, printable(id))};
    }
  }
  profile->name = std::filesystem::path(path).stem().string();
  return profile;
}

}  // namespace authmilter
