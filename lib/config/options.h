#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <authmilter/config.h>
#include <authmilter/toml_literal.h>

#include "config/reader.h"

namespace authmilter {

/// One key of a table: how its value gets into `T` and out again.
template <class T>
struct Option {
  std::string_view key;
  void (*read)(Reader&, const Value&, T&);
  /// The value as TOML; empty when it is not set. Null for keys that are printed as tables of their
  /// own.
  std::string (*print)(const T&);
  /// Of a key that holds tables: adds their keys, below `path`, and prints them as [[path]].
  void (*list_keys)(std::vector<std::string>& keys, const std::string& path) = nullptr;
  std::string (*print_tables)(const T&, const std::string& path) = nullptr;
};

template <class T>
using Options = std::span<const Option<T>>;

/// `[name]`.
struct Section {
  std::string_view name;
  Options<Config> options;
};

/// The whole configuration: what is not in these tables is an unknown key.
std::span<const Section> sections();
Options<TlsRequirement> tls_requirement_options();
Options<PolicyOverride> override_options();
Options<TrustedSealer> trusted_sealer_options();
Options<MailingList> mailing_list_options();
Options<Forwarder> forwarder_options();
Options<SigningDomainConfig> signing_domain_options();
Options<SigningKeyConfig> signing_key_options();
Options<SigningPermit> signing_permit_options();

Options<Config> network_options();
Options<Config> policy_options();
Options<Config> signing_options();
Options<Config> rotation_options();
Options<Config> arc_options();
Options<Config> reports_options();

/// Settings of `[arc]` that are right each by itself but not together; notes where the table
/// stands.
void check_arc(Reader& reader, const Value& root, ArcConfig& arc);

/// The tables of `[[signing.domain]]`, in the main file or in one of `signing.directory`.
void read_signing_domains(Reader& reader, const Value& value, Config& config);

/// Of `known`, the key that `key` is probably a slip of; empty when none is near.
std::string_view nearest(std::string_view key, const std::vector<std::string_view>& known);

/// Reports a key that is in no table, with what may have been meant.
void refuse_unknown(Reader& reader, const Value& value, std::string_view table,
                    const std::vector<std::string_view>& known);

/// Reads the members of a table in the order they were written.
template <class T>
void read_table(Reader& reader, const Value& table, Options<T> options, T& target) {
  for (const Value& value : table.children) {
    const auto option = std::find_if(options.begin(), options.end(),
                                     [&](const auto& known) { return known.key == value.key; });
    if (option != options.end()) {
      option->read(reader, value, target);
      continue;
    }
    std::vector<std::string_view> keys;
    for (const auto& known : options) keys.push_back(known.key);
    refuse_unknown(reader, value, table.path, keys);
  }
}

/// "key = value" lines of what is set, in the order of the table.
template <class T>
std::string print_table(Options<T> options, const T& source) {
  std::string text;
  for (const auto& option : options) {
    if (option.print == nullptr) continue;
    const std::string value = option.print(source);
    if (!value.empty()) text += fmt::format("{} = {}\n", option.key, value);
  }
  return text;
}

/// Every key of a table, with those of its tables.
template <class T>
void list_keys(std::vector<std::string>& keys, const std::string& table, Options<T> options) {
  for (const auto& option : options) {
    const std::string path = fmt::format("{}.{}", table, option.key);
    if (option.list_keys != nullptr) {
      option.list_keys(keys, path);
    } else {
      keys.push_back(path);
    }
  }
}

/// A key that holds tables of `Member`, printed behind the table that it stands in.
template <class T, class Member, auto Members, Options<Member> (*MemberOptions)()>
constexpr Option<T> tables_option(std::string_view key, void (*read)(Reader&, const Value&, T&)) {
  return {key, read, nullptr,
          [](std::vector<std::string>& keys, const std::string& path) {
            list_keys(keys, path, MemberOptions());
          },
          [](const T& source, const std::string& path) {
            std::string text;
            for (const Member& member : Members(source))
              text += fmt::format("\n[[{}]]\n", path) + print_table(MemberOptions(), member);
            return text;
          }};
}

/// Takes a value that could be read.
template <class Target, class Source>
void assign(Target& target, std::optional<Source> source) {
  if (source) target = std::move(*source);
}

std::string literal_list(const std::vector<std::string>& members);
/// Of members that have a text().
template <class List>
std::string literal_list(const List& members) {
  std::vector<std::string> texts;
  for (const auto& member : members) texts.push_back(member.text());
  return literal_list(texts);
}

template <class Enum>
std::string literal_choice(Enum value, std::span<const Choice<Enum>> choices) {
  for (const auto& choice : choices) {
    if (choice.value == value) return literal(choice.word);
  }
  return "";
}

}  // namespace authmilter
