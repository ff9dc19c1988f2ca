#include "dkim/header_hash.h"

#include <algorithm>
#include <cstddef>
#include <map>

#include "base/ascii.h"
#include "message/tag_list.h"

namespace authmilter {
namespace {

std::string_view value_of(const MessageField& field) {
  return std::string_view(field.text).substr(field.text.find(':') + 1);
}

/// RFC 6376 section 3.4.2, for everything behind the colon: unfold, one SP for each run of WSP,
/// none at either end.
std::string relaxed_value(std::string_view value) {
  std::string out;
  bool blank = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value.substr(i, 2) == "\r\n") {
      ++i;
      continue;
    }
    if (is_wsp(value[i])) {
      blank = true;
      continue;
    }
    if (blank && !out.empty()) out += ' ';
    blank = false;
    out += value[i];
  }
  return out;
}

std::string canonical_field(const MessageField& field, std::string_view value,
                            Canonicalization canonicalization) {
  switch (canonicalization) {
    case Canonicalization::simple:
      return field.text.substr(0, field.text.find(':') + 1) + std::string(value);
    case Canonicalization::relaxed:
      return field.name + ":" + relaxed_value(value);
  }
  return {};
}

/// RFC 6376 section 3.5: the value of b=, "including all surrounding white space", is taken out.
std::string without_signature(std::string_view value) {
  const TagList tags(value);
  const auto& list = tags.tags();
  const auto tag =
      std::find_if(list.begin(), list.end(), [](const Tag& one) { return one.name == "b"; });
  if (tag == list.end()) return std::string(value);
  const auto name = static_cast<std::size_t>(tag->name.data() - value.data());
  const std::size_t start = value.find('=', name) + 1;
  const std::size_t end = std::min(value.find(';', start), value.size());
  return std::string(value.substr(0, start)) + std::string(value.substr(end));
}

/// What libopendkim takes for a blank in a header, and RFC 6376 does not.
bool has_odd_blank(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "\r\n") {
      ++i;
    } else if (text[i] == '\r' || text[i] == '\n' || text[i] == '\v' || text[i] == '\f') {
      return true;
    }
  }
  return false;
}

/// RFC 5322 section 4.5: a name may be followed by SP and HTAB. With a tab the field is hashed by
/// us.
bool has_tab_in_name(std::string_view text) {
  return text.substr(0, text.find(':')).find('\t') != std::string_view::npos;
}

}  // namespace

MessageField make_message_field(const HeaderField& field) {
  return {signable_name(field.name).value_or(""), field.name + ":" + field.value};
}

std::string canonical_header(const std::vector<MessageField>& fields,
                             const SignatureToHash& signature) {
  const Canonicalization canonicalization = signature.signature->header_canonicalization;
  // RFC 6376 section 5.4.2: each mention of a name takes the next instance, from the bottom. Our
  // own field is none of them (section 3.5).
  std::map<std::string_view, std::vector<const MessageField*>> instances;
  for (const auto& field : fields) {
    if (!field.name.empty() && &field != signature.field) instances[field.name].push_back(&field);
  }
  std::string out;
  for (const auto& name : signature.signature->signed_names) {
    const auto found = instances.find(name);
    if (found == instances.end() || found->second.empty()) continue;  // the null string
    const MessageField& field = *found->second.back();
    found->second.pop_back();
    out += canonical_field(field, value_of(field), canonicalization) + "\r\n";
  }
  return out + canonical_field(*signature.field, without_signature(value_of(*signature.field)),
                               canonicalization);
}

bool library_takes(const std::vector<MessageField>& fields, const SignatureToHash& signature) {
  const std::string_view value = value_of(*signature.field);
  if (!std::all_of(value.begin(), value.end(), [](char c) { return (c & '\x80') == 0; }))
    return false;
  const TagList tags(value);
  for (const auto& tag : tags.tags()) {
    if (tag.name == "b" ? *tag.name.end() != '=' : tag.name.ends_with('b')) return false;
  }
  const auto& names = signature.signature->signed_names;
  const auto is_signed = [&](std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  // It would be told about some of these fields only.
  if (is_signed("dkim-signature")) return false;
  const bool relaxed = signature.signature->header_canonicalization == Canonicalization::relaxed;
  return std::none_of(fields.begin(), fields.end(), [&](const MessageField& field) {
    return is_signed(field.name) &&
           (field.text.find('\0') != std::string::npos || has_tab_in_name(field.text) ||
            (relaxed && has_odd_blank(field.text)));
  });
}

}  // namespace authmilter
