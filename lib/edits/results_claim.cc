#include "edits/results_claim.h"

#include <authmilter/authentication_results.h>

#include <algorithm>

#include "base/ascii.h"
#include "message/decoded.h"
#include "message/syntax.h"

namespace authmilter {
namespace {

/// Whether the text begins with the name, quoted or not. Only for what cannot be read: a longer
/// name that begins so counts too.
bool begins_with_name(std::string_view value, std::string_view authserv_id) {
  const std::size_t start = skip_cfws(value, 0);
  if (start == std::string_view::npos) return false;
  value.remove_prefix(start);
  if (value.starts_with('"')) value.remove_prefix(1);
  return starts_with_ignoring_case(value, authserv_id);
}

/// Whether a line behind the one with the name begins with it once more, be it in a comment or a
/// string; or whether there are encoded words (RFC 2047 section 2), which can hold such a line. We
/// write neither.
bool has_second_reading(std::string_view value, std::string_view authserv_id) {
  constexpr std::string_view kLineEnds = "\r\n\v\f";
  constexpr std::string_view kPassedOver = " \t(\"\\";
  if (value.find("=?") != std::string_view::npos) return true;
  const std::size_t name = skip_cfws(value, 0);
  if (name == std::string_view::npos) return true;
  if (to_lower(value.substr(0, name)).find(authserv_id) != std::string::npos) return true;
  value.remove_prefix(name);
  for (std::size_t end; (end = value.find_first_of(kLineEnds)) != std::string_view::npos;) {
    value.remove_prefix(end + 1);
    const std::size_t start = value.find_first_not_of(kPassedOver);
    if (start == std::string_view::npos) return false;
    if (starts_with_ignoring_case(value.substr(start), authserv_id)) return true;
  }
  return false;
}

/// The domain of header.from: a domain, or an address as some write it.
std::optional<DomainName> author_of(const MethodResult& result) {
  const auto& properties = result.properties;
  const auto is_author = [](const ResultProperty& property) {
    return property.ptype == "header" && property.property == "from";
  };
  if (std::count_if(properties.begin(), properties.end(), is_author) != 1) return std::nullopt;
  const auto found = std::find_if(properties.begin(), properties.end(), is_author);
  const std::string_view value = found->value;
  const std::size_t at = value.rfind('@');
  return DomainName::parse(at == std::string_view::npos ? value : value.substr(at + 1));
}

/// Whether the field bears our name or a trusted one, of which there may be many.
bool bears_a_name(std::string_view value, const Config& config) {
  const auto id = parse_authserv_id(value);
  const auto name = id ? DomainName::parse(*id) : std::nullopt;
  const auto is_borne = [&](const DomainName& ours) {
    return id ? name == ours : begins_with_name(value, ours.text());
  };
  const auto& trusted = config.trusted_authserv_ids;
  return is_borne(*config.authserv_id) || std::any_of(trusted.begin(), trusted.end(), is_borne);
}

bool is_of_ours(const HeaderField& field, const Config& config) {
  if (!has_name(field, "Authentication-Results")) return false;
  // A program on the way may have written as encoded words what we wrote.
  const bool encoded = field.value.find("=?") != std::string::npos;
  const std::string decoded = encoded ? decoded_value(field.value).value_or("") : "";
  return bears_a_name(field.value, config) || (encoded && bears_a_name(decoded, config));
}

}  // namespace

bool bears_name(std::string_view value, const DomainName& authserv_id) {
  const auto id = parse_authserv_id(value);
  return id ? DomainName::parse(*id) == authserv_id : begins_with_name(value, authserv_id.text());
}

bool vouches_for(std::string_view value, const DomainName& author) {
  const auto read = parse_authentication_results(value);
  if (!read) return false;
  bool vouched = false;
  for (const MethodResult& result : read->results) {
    if (result.method != "dmarc") continue;
    if (result.result != "pass" || author_of(result) != author) return false;
    vouched = true;
  }
  return vouched;
}

bool speaks_against(std::string_view value, const DomainName& authserv_id) {
  if (has_second_reading(value, authserv_id.text())) return false;
  const auto read = parse_authentication_results(value);
  if (!read) return false;
  const auto& results = read->results;
  const auto is_dmarc = [](const MethodResult& result) { return result.method == "dmarc"; };
  return std::any_of(results.begin(), results.end(), is_dmarc) &&
         std::none_of(results.begin(), results.end(), [&](const MethodResult& result) {
           return is_dmarc(result) && result.result == "pass";
         });
}

bool judged_and_not_vouched_for(const std::vector<HeaderField>& fields, const DomainName& author,
                                const Config& config) {
  // Every one has to vouch. What a stranger writes in the name of a border server may come through
  // this host, where only our own name is removed; it stands beside what we found out.
  return std::any_of(fields.begin(), fields.end(), [&](const HeaderField& field) {
    return is_of_ours(field, config) && !vouches_for(field.value, author);
  });
}

}  // namespace authmilter
