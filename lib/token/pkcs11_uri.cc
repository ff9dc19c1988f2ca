#include <authmilter/pkcs11_uri.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <set>

#include "base/ascii.h"

namespace authmilter {
namespace {

constexpr std::string_view kScheme = "pkcs11:";
constexpr std::size_t kMostOctets = 4096;
constexpr std::size_t kMostName = 255;  // of a credential, which is a file's name

// RFC 7512 section 2.3: pk11-res-avail, and what the path and the query have beyond it.
constexpr std::string_view kAvailable = ":[]@!$'()*+,=";
constexpr std::string_view kAvailableInPath = "&";
constexpr std::string_view kAvailableInQuery = "/?|";

/// unreserved of RFC 3986 section 2.3.
bool is_unreserved(char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~'; }

std::optional<unsigned> hex_digit(char c) {
  const char lower = to_lower(c);
  if (is_digit(lower)) return static_cast<unsigned>(lower - '0');
  if (lower >= 'a' && lower <= 'f') return static_cast<unsigned>(lower - 'a') + 10;
  return std::nullopt;
}

bool has(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }

/// What is written as `name=value`, with the value decoded.
struct Attribute {
  std::string_view name;
  std::string value;
};

Result<std::string> decode(std::string_view text, std::string_view also) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      if (!is_unreserved(text[i]) && !has(kAvailable, text[i]) && !has(also, text[i]))
        return Error{"a character that must be written as % and two hexadecimal digits"};
      out += text[i];
      continue;
    }
    const auto high = i + 2 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
    const auto low = high ? hex_digit(text[i + 2]) : std::nullopt;
    if (!low) return Error{"a % without two hexadecimal digits"};
    out += static_cast<char>(*high << 4U | *low);
    i += 2;
  }
  return out;
}

/// RFC 7512 section 2.3: names are of letters, digits, "-" and "_".
bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
}

Result<std::vector<Attribute>> attributes_of(std::string_view text, char separator,
                                             std::string_view also) {
  std::vector<Attribute> attributes;
  if (text.empty()) return attributes;
  for (const std::string_view piece : split(text, separator)) {
    const std::size_t equals = piece.find('=');
    const std::string_view name = piece.substr(0, equals);
    if (equals == std::string_view::npos || !is_name(name))
      return Error{
          "not a PKCS#11 URI (RFC 7512): attributes are written NAME=VALUE, those of the "
          "key with \";\" between them, after a \"?\" those of the module and the PIN with "
          "\"&\""};
    if (name == "pin-value")
      return Error{
          "pin-value holds a secret, which does not belong here: put the PIN into a file "
          "that only root and the service can read, and write pin-source=file:/PATH"};
    // RFC 7512 section 2.3: none of them more than once.
    if (std::any_of(attributes.begin(), attributes.end(),
                    [&](const Attribute& known) { return known.name == name; })) {
      return Error{"\"" + std::string(name) + "\" is there twice"};
    }
    auto value = decode(piece.substr(equals + 1), also);
    if (!value) return Error{std::string(name) + ": " + value.error().message};
    attributes.push_back({name, std::move(*value)});
  }
  return attributes;
}

Result<unsigned long> number(std::string_view text) {
  unsigned long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size())
    return Error{"not a number"};
  return value;
}

/// RFC 7512 section 2.3: "3" means "3.0".
Result<std::pair<unsigned, unsigned>> version(std::string_view text) {
  const std::size_t dot = text.find('.');
  const auto major = number(text.substr(0, dot));
  const auto minor =
      dot == std::string_view::npos ? Result<unsigned long>(0UL) : number(text.substr(dot + 1));
  // One octet each in PKCS#11.
  if (!major || !minor || *major > 255 || *minor > 255) return Error{"not a version"};
  return std::pair(static_cast<unsigned>(*major), static_cast<unsigned>(*minor));
}

Status set_in_path(Pkcs11Uri& uri, const Attribute& attribute) {
  const auto& [name, value] = attribute;
  using Text = std::optional<std::string> Pkcs11Uri::*;
  static constexpr std::pair<std::string_view, Text> kTexts[] = {
      {"token", &Pkcs11Uri::token},
      {"manufacturer", &Pkcs11Uri::manufacturer},
      {"serial", &Pkcs11Uri::serial},
      {"model", &Pkcs11Uri::model},
      {"slot-description", &Pkcs11Uri::slot_description},
      {"slot-manufacturer", &Pkcs11Uri::slot_manufacturer},
      {"library-manufacturer", &Pkcs11Uri::library_manufacturer},
      {"library-description", &Pkcs11Uri::library_description},
      {"object", &Pkcs11Uri::object}};
  for (const auto& [known, text] : kTexts) {
    if (name != known) continue;
    uri.*text = value;
    return Done{};
  }
  if (name == "id") {
    if (value.empty()) return Error{"id: empty"};
    uri.id.emplace(value.begin(), value.end());
    return Done{};
  }
  if (name == "slot-id") {
    const auto id = number(value);
    if (!id) return Error{"slot-id: " + id.error().message};
    uri.slot_id = *id;
    return Done{};
  }
  if (name == "library-version") {
    const auto read = version(value);
    if (!read) return Error{"library-version: " + read.error().message};
    uri.library_version = *read;
    return Done{};
  }
  if (name == "type") {
    if (value != "private") return Error{"type: a private key signs, write type=private"};
    return Done{};
  }
  // RFC 7512 section 2.3: with an attribute that is not known nothing matches.
  return Error{"\"" + std::string(name) + "\" is not an attribute of a token or a key"};
}

Result<PinSource> pin_source(std::string_view value) {
  constexpr std::string_view kFile = "file:";
  constexpr std::string_view kCredential = "credential:";
  if (value.starts_with('|'))
    return Error{"pin-source: programs are not run for a PIN, write file:/PATH or credential:NAME"};
  if (value.starts_with(kCredential)) {
    const std::string_view name = value.substr(kCredential.size());
    if (name.empty() || name.size() > kMostName || name == "." || name == ".." || has(name, '/') ||
        !std::all_of(name.begin(), name.end(), is_printable)) {
      return Error{"pin-source: not the name of a credential"};
    }
    return PinSource{PinStore::credential, std::string(name)};
  }
  std::string_view path = value;
  if (path.starts_with(kFile)) path.remove_prefix(kFile.size());
  // RFC 8089 section 2: a local file may have an empty authority.
  if (path.starts_with("///")) path.remove_prefix(2);
  if (!path.starts_with('/') || path.starts_with("//") || has(path, '\0'))
    return Error{"pin-source: write file:/PATH, or credential:NAME for one of the service manager"};
  return PinSource{PinStore::file, std::string(path)};
}

Status set_in_query(Pkcs11Uri& uri, const Attribute& attribute) {
  const auto& [name, value] = attribute;
  if (name == "module-path") {
    if (!value.starts_with('/') || has(value, '\0')) return Error{"module-path: not a whole path"};
    uri.module_path = value;
    return Done{};
  }
  if (name == "module-name") {
    if (value.empty() || has(value, '/') || has(value, '\0'))
      return Error{"module-name: not a name, write module-path for a file"};
    uri.module_name = value;
    return Done{};
  }
  if (name == "pin-source") {
    auto source = pin_source(value);
    if (!source) return source.error();
    uri.pin_source = std::move(*source);
    return Done{};
  }
  // It may be a misspelt pin-value, whose value is in front of nobody's eyes yet.
  return Error{"an attribute behind the \"?\" is none of module-path, module-name and pin-source"};
}

}  // namespace

Result<Pkcs11Uri> Pkcs11Uri::parse(std::string_view text) {
  // RFC 3986 section 3.1: schemes are compared without case.
  if (!starts_with_ignoring_case(text, kScheme)) return Error{"does not begin with \"pkcs11:\""};
  if (text.size() > kMostOctets) return Error{"more than 4096 characters"};
  text.remove_prefix(kScheme.size());
  const std::size_t question = text.find('?');
  const auto path = attributes_of(text.substr(0, question), ';', kAvailableInPath);
  if (!path) return path.error();
  const auto query = question == std::string_view::npos
                         ? Result<std::vector<Attribute>>(std::vector<Attribute>())
                         : attributes_of(text.substr(question + 1), '&', kAvailableInQuery);
  if (!query) return query.error();

  Pkcs11Uri uri;
  for (const Attribute& attribute : *path) {
    if (auto set = set_in_path(uri, attribute); !set) return set.error();
  }
  for (const Attribute& attribute : *query) {
    if (auto set = set_in_query(uri, attribute); !set) return set.error();
  }
  if (!uri.object && !uri.id)
    return Error{"names no key: write object=LABEL or id=%NN..., or both"};
  if (!uri.module_path.empty() && !uri.module_name.empty())
    return Error{"has both module-path and module-name"};
  return uri;
}

std::string Pkcs11Uri::token_name() const {
  for (const auto* name : {&token, &serial, &slot_description, &model, &manufacturer}) {
    if (*name && !(*name)->empty()) return printable(**name, 64);
  }
  return slot_id ? "of slot " + std::to_string(*slot_id) : "of any name";
}

std::string without_pin(std::string_view text) {
  const std::string lower = to_lower(text);
  const std::size_t cut = std::min(lower.find("pin"), lower.find('?'));
  return printable(text.substr(0, cut)) + (cut == std::string::npos ? "" : "...");
}

}  // namespace authmilter
