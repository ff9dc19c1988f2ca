#include "dkim/signature.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "base/ascii.h"
#include "message/tag_list.h"
#include "signature/tags.h"

namespace authmilter {
namespace {

constexpr std::size_t kIdentityOctets = 200;
// RFC 6376 section 3.5 allows 76; no body needs more than a petabyte.
constexpr std::size_t kBodyLengthDigits = 15;

/// Thrown away at the first tag that is wrong.
struct Refusal {
  DkimResult result;
  DkimReason reason;
};

Refusal neutral(DkimReason reason) { return {DkimResult::neutral, reason}; }
Refusal permerror(DkimReason reason) { return {DkimResult::permerror, reason}; }

std::optional<unsigned> hex_digit(char c) {
  if (is_digit(c)) return static_cast<unsigned>(c - '0');
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10U;
  return std::nullopt;
}

/// RFC 6376 section 2.11: `=` is always followed by two upper-case hexadecimal digits.
std::optional<std::string> decode_quoted_printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_fws(text[i])) continue;
    if (text[i] != '=') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    out += static_cast<char>(*high << 4U | *low);
    i += 2;
  }
  return out;
}

/// One field being read. The checks run in the order of RFC 6376 section 6.1.1; each leaves what it
/// read in `field` and says what is wrong.
class Reader {
 public:
  Reader(const TagList& tags, SignatureField& field) : tags_(tags), field_(field) {}

  std::optional<Refusal> read() {
    for (const auto step : {&Reader::version, &Reader::domain, &Reader::selector, &Reader::identity,
                            &Reader::algorithm, &Reader::signature_value, &Reader::required_tags,
                            &Reader::body_hash, &Reader::canonicalization, &Reader::signed_names,
                            &Reader::body_length, &Reader::query_methods, &Reader::times}) {
      if (auto refusal = (this->*step)()) return refusal;
    }
    return std::nullopt;
  }
  const DkimSignature& signature() const { return signature_; }

 private:
  using Step = std::optional<Refusal>;

  Step version() {
    const auto value = tags_.find("v");
    if (!value) return permerror(DkimReason::missing_v);
    return *value == "1" ? Step() : permerror(DkimReason::unsupported_version);
  }

  Step domain() {
    const auto value = tags_.find("d");
    if (!value) return permerror(DkimReason::missing_d);
    auto name = read_signing_domain(*value);
    if (!name) return neutral(DkimReason::bad_domain);
    if (!is_public(*name)) return permerror(DkimReason::domain_not_public);
    field_.outcome.domain = std::move(name);
    return {};
  }

  Step selector() {
    const auto value = tags_.find("s");
    if (!value) return permerror(DkimReason::missing_s);
    auto selector = Selector::parse(*value);
    if (!selector || !selector->key_name(*field_.outcome.domain))
      return neutral(DkimReason::bad_selector);
    field_.outcome.selector = std::move(selector);
    return {};
  }

  Step identity() {
    const DomainName& domain = *field_.outcome.domain;
    signature_.identity_domain = domain;
    field_.outcome.identity = "@" + domain.text();
    const auto value = tags_.find("i");
    if (!value) return {};
    if (value->size() > kIdentityOctets) return neutral(DkimReason::bad_identity);
    const auto text = decode_quoted_printable(*value);
    const std::size_t at = text ? text->rfind('@') : std::string::npos;
    if (at == std::string::npos || text->ends_with('.')) return neutral(DkimReason::bad_identity);
    const auto name = DomainName::parse(std::string_view(*text).substr(at + 1));
    if (!name) return neutral(DkimReason::bad_identity);
    // RFC 6376 section 6.1.1; DomainName compares whole labels (edge case 39).
    if (!name->is_equal_or_below(domain)) return permerror(DkimReason::identity_not_in_domain);
    signature_.identity_domain = name;
    const std::string local_part = text->substr(0, at);
    const bool printable_local_part =
        std::all_of(local_part.begin(), local_part.end(), [](char c) { return is_printable(c); });
    field_.outcome.identity = (printable_local_part ? local_part : "") + "@" + name->text();
    return {};
  }

  Step algorithm() {
    const auto value = tags_.find("a");
    if (!value) return permerror(DkimReason::missing_a);
    // RFC 8301 section 3.1: rsa-sha1 MUST NOT be used for verifying, its signatures "have
    // permanently failed".
    if (*value == "rsa-sha1") {
      field_.outcome.algorithm = "rsa-sha1";
      return permerror(DkimReason::algorithm_not_allowed);
    }
    const auto key_type = read_algorithm(*value);
    if (!key_type) return neutral(DkimReason::unknown_algorithm);
    signature_.key_type = *key_type;
    field_.outcome.algorithm = *value;
    return {};
  }

  Step signature_value() {
    const auto value = tags_.find("b");
    if (!value) return permerror(DkimReason::missing_b);
    std::string text = without_fws(*value);
    auto octets = read_signature_value(text);
    if (!octets) return neutral(DkimReason::bad_signature_value);
    signature_.signature = std::move(*octets);
    field_.encoded_signature = std::move(text);
    return {};
  }

  Step required_tags() {
    if (!tags_.find("bh")) return permerror(DkimReason::missing_bh);
    return tags_.find("h") ? Step() : permerror(DkimReason::missing_h);
  }

  Step body_hash() {
    const auto hash = read_body_hash(*tags_.find("bh"));
    if (!hash) return neutral(DkimReason::bad_body_hash);
    signature_.body_hash = *hash;
    return {};
  }

  Step canonicalization() {
    const auto value = tags_.find("c");
    if (!value) return {};  // RFC 6376 section 3.5: simple/simple
    const auto both = read_canonicalizations(*value);
    if (!both) return neutral(DkimReason::unknown_canonicalization);
    signature_.header.canonicalization = both->header;
    signature_.body_canonicalization = both->body;
    return {};
  }

  Step signed_names() {
    const auto value = *tags_.find("h");
    if (has_too_many_names(value)) return neutral(DkimReason::too_many_signed_names);
    auto read = read_signed_names(value);
    if (!read) return neutral(DkimReason::bad_signed_names);
    signature_.header.names = std::move(*read);
    // RFC 6376 section 5.4: From MUST be signed.
    const auto& names = signature_.header.names;
    return std::find(names.begin(), names.end(), "from") != names.end()
               ? Step()
               : permerror(DkimReason::from_not_signed);
  }

  Step body_length() {
    const auto value = tags_.find("l");
    if (!value) return {};
    const auto length = read_decimal(*value, kBodyLengthDigits);
    if (!length) return neutral(DkimReason::bad_body_length);
    signature_.body_length = static_cast<std::uint64_t>(*length);
    return {};
  }

  Step query_methods() {
    const auto value = tags_.find("q");
    if (!value) return {};
    const auto methods = split(*value, ':');
    // RFC 6376 section 3.5: unknown ones are ignored, so one that we know must remain.
    return std::any_of(methods.begin(), methods.end(),
                       [](std::string_view method) { return trim_fws(method) == "dns/txt"; })
               ? Step()
               : neutral(DkimReason::unknown_query_method);
  }

  Step times() {
    for (const auto& [name, place] :
         {std::pair("t", &signature_.timestamp), std::pair("x", &signature_.expiration)}) {
      const auto value = tags_.find(name);
      if (!value) continue;
      *place = read_time(*value);
      if (!*place)
        return neutral(*name == 't' ? DkimReason::bad_timestamp : DkimReason::bad_expiration);
    }
    // RFC 6376 section 3.5: x= MUST be greater than t=.
    if (signature_.timestamp && signature_.expiration &&
        *signature_.expiration <= *signature_.timestamp) {
      return neutral(DkimReason::expiration_before_timestamp);
    }
    return {};
  }

  const TagList& tags_;
  SignatureField& field_;
  DkimSignature signature_;
};

std::optional<Refusal> refuse(std::string_view value, SignatureField& field) {
  if (value.size() > kSignatureFieldOctets) return neutral(DkimReason::field_too_long);
  const TagList tags(value);
  if (!tags) {
    return neutral(tags.error() == TagListError::duplicate_tag ? DkimReason::duplicate_tag
                                                               : DkimReason::malformed_tag_list);
  }
  Reader reader(tags, field);
  if (auto refusal = reader.read()) return refusal;
  field.signature = reader.signature();
  field.signature->header.place = find_signature(tags, value);
  return std::nullopt;
}

}  // namespace

SignatureField read_signature(std::string_view value) {
  SignatureField field;
  if (auto refusal = refuse(value, field)) {
    field.outcome.result = refusal->result;
    field.outcome.reason = refusal->reason;
  }
  return field;
}

std::optional<TimeVerdict> check_time(const DkimSignature& signature,
                                      const DkimVerifyOptions& options) {
  if (signature.expiration && *signature.expiration + options.clock_skew < options.now)
    return TimeVerdict{DkimResult::fail, DkimReason::signature_expired};
  // RFC 6376 section 3.5: a verifier MAY ignore signatures from the future.
  if (signature.timestamp && *signature.timestamp > options.now + options.clock_skew)
    return TimeVerdict{DkimResult::policy, DkimReason::signature_in_future};
  return std::nullopt;
}

}  // namespace authmilter
