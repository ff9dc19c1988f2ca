#include "arc/fields.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "message/tag_list.h"
#include "results/lexer.h"

namespace authmilter {
namespace {

/// RFC 8617 section 4.2.1: `position = 1*2DIGIT ; 1 - 50`. Without a leading zero, so that each
/// instance has one spelling.
std::optional<unsigned> read_instance(std::string_view text) {
  if (text.starts_with('0')) return std::nullopt;
  const auto number = read_decimal(text, 2);
  if (!number || *number > kMostArcSets) return std::nullopt;
  return static_cast<unsigned>(*number);
}

std::optional<unsigned> instance_of(const TagList& tags) {
  const auto value = tags.find("i");
  return value ? read_instance(*value) : std::nullopt;
}

std::optional<ArcResult> read_chain_status(std::string_view value) {
  for (const ArcResult status : {ArcResult::none, ArcResult::pass, ArcResult::fail}) {
    if (value == to_string(status)) return status;
  }
  return std::nullopt;
}

/// What a seal and a message signature say alike; nothing for a tag that is not there or not good,
/// which `fault` then names.
class CommonTags {
 public:
  explicit CommonTags(const TagList& tags) {
    if (const auto value = tags.find("a")) key_type = read_algorithm(*value);
    if (const auto value = tags.find("b")) signature = read_signature_value(without_fws(*value));
    if (const auto value = tags.find("d")) domain = read_signing_domain(*value);
    // A sender must not make us ask a private resolver for names of its own.
    if (domain && !is_public(*domain)) domain.reset();
    if (const auto value = tags.find("s")) selector = Selector::parse(*value);
    if (selector && domain && !selector->key_name(*domain)) selector.reset();
    const auto value = tags.find("t");
    if (value) timestamp = read_time(*value);
    fault = !key_type             ? "a="
            : !signature          ? "b="
            : !domain             ? "d="
            : !selector           ? "s="
            : value && !timestamp ? "t="
                                  : "";
  }

  std::optional<KeyType> key_type;
  std::optional<Octets> signature;
  std::optional<DomainName> domain;
  std::optional<Selector> selector;
  std::optional<std::int64_t> timestamp;
  std::string_view fault;
};

/// h= of a message signature. Unlike DKIM's it may be empty, and have empty names in it, which name
/// nothing.
std::optional<std::vector<std::string>> read_names(std::string_view value) {
  std::vector<std::string> names;
  if (has_too_many_names(value)) return std::nullopt;
  for (const auto element : split(value, ':')) {
    const auto text = trim_fws(element);
    if (text.empty()) continue;
    auto name = signable_name(text);
    // RFC 8617 section 4.1.2: a message signature must not cover ARC-Seal fields.
    if (!name || *name == "arc-seal") return std::nullopt;
    names.push_back(std::move(*name));
  }
  return names;
}

Result<ArcMessageSignature, FieldFault> message_signature_of(const TagList& tags,
                                                             std::string_view value) {
  CommonTags common(tags);
  if (!common.fault.empty()) return FieldFault{common.fault};
  ArcMessageSignature read{.key_type = *common.key_type,
                           .domain = *std::move(common.domain),
                           .selector = *std::move(common.selector),
                           .signature = *std::move(common.signature),
                           .timestamp = common.timestamp};
  const auto body_hash = tags.find("bh");
  const auto digest = body_hash ? read_body_hash(*body_hash) : std::nullopt;
  if (!digest) return FieldFault{"bh="};
  read.body_hash = *digest;
  if (const auto c = tags.find("c")) {
    const auto both = read_canonicalizations(*c);
    if (!both) return FieldFault{"c="};
    read.canonicalizations = {*both};
  } else {
    read.canonicalizations = {{Canonicalization::simple, Canonicalization::simple},
                              {Canonicalization::relaxed, Canonicalization::relaxed}};
  }
  const auto h = tags.find("h");
  auto names = h ? read_names(*h) : std::nullopt;
  if (!names) return FieldFault{"h="};
  read.names = *std::move(names);
  // What is appended behind l= is anybody's, and nothing that hands a chain on has a use for it.
  if (tags.find("l")) return FieldFault{"l="};
  if (const auto x = tags.find("x")) {
    read.expiration = read_time(*x);
    if (!read.expiration || (read.timestamp && *read.expiration <= *read.timestamp))
      return FieldFault{"x="};
  }
  read.place = find_signature(tags, value);
  return read;
}

}  // namespace

Result<ArcSeal, FieldFault> read_seal(std::string_view value) {
  if (value.size() > kSignatureFieldOctets) return FieldFault{"length"};
  const TagList tags(value);
  if (!tags) return FieldFault{"tag list"};
  const auto instance = instance_of(tags);
  if (!instance) return FieldFault{"i="};
  // RFC 8617 section 4.1.3: a seal covers no body and no fields of its choice; h= "MUST result in a
  // cv status of fail".
  for (const auto& [name, fault] : {std::pair("h", "h="), std::pair("bh", "bh=")}) {
    if (tags.find(name)) return FieldFault{fault};
  }
  CommonTags common(tags);
  if (!common.fault.empty()) return FieldFault{common.fault};
  const auto cv = tags.find("cv");
  const auto chain = cv ? read_chain_status(*cv) : std::nullopt;
  if (!chain) return FieldFault{"cv="};
  // RFC 8617 section 4.1.3: "relaxed" only. Early drafts had the tag.
  if (const auto c = tags.find("c")) {
    const auto both = read_canonicalizations(*c);
    if (!both || both->header != Canonicalization::relaxed) return FieldFault{"c="};
  }
  return ArcSeal{.instance = *instance,
                 .key_type = *common.key_type,
                 .domain = *std::move(common.domain),
                 .selector = *std::move(common.selector),
                 .signature = *std::move(common.signature),
                 .chain = *chain,
                 .timestamp = common.timestamp,
                 .header = {{}, Canonicalization::relaxed, find_signature(tags, value)}};
}

std::optional<ArcSealClaim> read_seal_claim(std::string_view value) {
  if (value.size() > kSignatureFieldOctets) return std::nullopt;
  const TagList tags(value);
  const auto instance = tags ? instance_of(tags) : std::nullopt;
  if (!instance) return std::nullopt;
  const auto cv = tags.find("cv");
  return ArcSealClaim{*instance, cv ? read_chain_status(*cv) : std::nullopt};
}

std::optional<ArcMessageSignatureField> read_message_signature(std::string_view value) {
  if (value.size() > kSignatureFieldOctets) return std::nullopt;
  const TagList tags(value);
  const auto instance = tags ? instance_of(tags) : std::nullopt;
  if (!instance) return std::nullopt;
  return ArcMessageSignatureField{*instance, message_signature_of(tags, value)};
}

std::optional<ArcResultsField> read_arc_results(std::string_view value) {
  if (value.size() > kResultsFieldOctets) return std::nullopt;
  // RFC 8617 section 4.2.1: `instance = [CFWS] %s"i" [CFWS] "=" [CFWS] position`, then a semicolon.
  ResultsLexer lexer(value);
  lexer.skip();
  if (!lexer.take('i')) return std::nullopt;
  lexer.skip();
  if (!lexer.take('=')) return std::nullopt;
  lexer.skip();
  const auto digits = lexer.take_digits();
  const auto instance = digits ? read_instance(*digits) : std::nullopt;
  lexer.skip();
  if (!instance || !lexer.take(';')) return std::nullopt;
  auto results = parse_authentication_results(value.substr(lexer.position()));
  ArcResultsField field{*instance, std::nullopt};
  if (results) field.results = *std::move(results);
  return field;
}

}  // namespace authmilter
