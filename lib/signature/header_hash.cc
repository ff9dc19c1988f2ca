#include "signature/header_hash.h"

#include <algorithm>
#include <cstddef>
#include <unordered_set>

#include "base/ascii.h"

namespace authmilter {
namespace {

std::string_view value_of(const MessageField& field) {
  return std::string_view(field.text).substr(field.text.find(':') + 1);
}

/// RFC 6376 section 3.4.2, for everything behind the colon: unfold, one SP for each run of WSP,
/// none at either end.
std::string relaxed_value(std::string_view value) {
  const auto ends_line = [&](std::size_t at) { return value.substr(at, 2) == "\r\n"; };
  std::string out;
  out.reserve(value.size());
  bool blank = false;
  for (std::size_t at = 0; at < value.size();) {
    if (is_wsp(value[at])) {
      blank = true;
      ++at;
    } else if (ends_line(at)) {
      at += 2;
    } else {
      const std::size_t begin = at;
      while (at < value.size() && !is_wsp(value[at]) && !ends_line(at)) ++at;
      if (blank && !out.empty()) out += ' ';
      blank = false;
      out += value.substr(begin, at - begin);
    }
  }
  return out;
}

/// RFC 6376 section 3.5: the value of b=, "including all surrounding white space", is taken out.
std::string without_signature(std::string_view value, const SignaturePlace& place) {
  return std::string(value.substr(0, place.begin)) + std::string(value.substr(place.end));
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

SignaturePlace find_signature(const TagList& tags, std::string_view value) {
  SignaturePlace place;
  for (const Tag& tag : tags.tags()) {
    if (tag.name != "b") {
      if (tag.name.ends_with('b')) place.plain = false;
      continue;
    }
    if (*tag.name.end() != '=') place.plain = false;
    const auto name = static_cast<std::size_t>(tag.name.data() - value.data());
    place.begin = value.find('=', name) + 1;
    place.end = std::min(value.find(';', place.begin), value.size());
  }
  return place;
}

std::optional<std::string> signable_name(std::string_view name) {
  while (!name.empty() && is_wsp(name.back())) name.remove_suffix(1);
  if (name.empty() || !std::all_of(name.begin(), name.end(),
                                   [](char c) { return is_visible(c) && c != ':' && c != ';'; })) {
    return std::nullopt;
  }
  return to_lower(name);
}

MessageField make_message_field(const HeaderField& field) {
  MessageField made{signable_name(field.name).value_or(""), {}};
  made.text.reserve(field.name.size() + 1 + field.value.size());
  ((made.text += field.name) += ':') += field.value;
  return made;
}

std::string canonical_field(const MessageField& field, Canonicalization canonicalization) {
  switch (canonicalization) {
    case Canonicalization::simple:
      return field.text;
    case Canonicalization::relaxed:
      return field.name + ":" + relaxed_value(value_of(field));
  }
  return {};
}

std::string canonical_own_field(const SignatureToHash& signature) {
  const MessageField& field = *signature.field;
  const std::string own = without_signature(value_of(field), signature.header->place);
  switch (signature.header->canonicalization) {
    case Canonicalization::simple:
      return field.text.substr(0, field.text.find(':') + 1) + own;
    case Canonicalization::relaxed:
      return field.name + ":" + relaxed_value(own);
  }
  return {};
}

SignableHeader::SignableHeader(const std::vector<MessageField>& fields)
    : fields_(fields), prepared_(fields.size()) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!fields[i].name.empty()) by_name_[fields[i].name].push_back(i);
  }
}

std::string_view SignableHeader::canonical_field(std::size_t index,
                                                 Canonicalization canonicalization) {
  const MessageField& field = fields_[index];
  switch (canonicalization) {
    case Canonicalization::simple:
      return field.text;
    case Canonicalization::relaxed:
      auto& relaxed = prepared_[index].relaxed;
      if (!relaxed) relaxed = authmilter::canonical_field(field, canonicalization);
      return *relaxed;
  }
  return {};
}

std::string SignableHeader::canonical(const SignatureToHash& signature) {
  const Canonicalization canonicalization = signature.header->canonicalization;
  // RFC 6376 section 5.4.2: each mention of a name takes the next instance, from the bottom. Our
  // own field is none of them (section 3.5).
  std::unordered_map<std::string_view, std::size_t> left;
  std::string out;
  for (const auto& name : signature.header->names) {
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) continue;  // the null string
    const auto& instances = found->second;
    std::size_t& count = left.try_emplace(name, instances.size()).first->second;
    if (count > 0 && &fields_[instances[count - 1]] == signature.field) --count;
    if (count == 0) continue;
    out += canonical_field(instances[--count], canonicalization);
    out += "\r\n";
  }
  return out + canonical_own_field(signature);
}

bool SignableHeader::library_takes_field(std::size_t index, Canonicalization canonicalization) {
  const std::string& text = fields_[index].text;
  Prepared& prepared = prepared_[index];
  if (!prepared.taken_simple)
    prepared.taken_simple = text.find('\0') == std::string::npos && !has_tab_in_name(text);
  switch (canonicalization) {
    case Canonicalization::simple:
      return *prepared.taken_simple;
    case Canonicalization::relaxed:
      if (!prepared.taken_relaxed)
        prepared.taken_relaxed = *prepared.taken_simple && !has_odd_blank(text);
      return *prepared.taken_relaxed;
  }
  return false;
}

bool SignableHeader::library_takes(const SignatureToHash& signature) {
  const std::string_view value = value_of(*signature.field);
  if (!std::all_of(value.begin(), value.end(), [](char c) { return (c & '\x80') == 0; }))
    return false;
  if (!signature.header->place.plain) return false;
  // Each name once: a list of one name 200 times has a thousand fields behind each.
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : signature.header->names) {
    if (!seen.insert(name).second) continue;
    // It would be told about some of these fields only.
    if (name == "dkim-signature") return false;
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) continue;
    for (const std::size_t index : found->second) {
      if (!library_takes_field(index, signature.header->canonicalization)) return false;
    }
  }
  return true;
}

std::string canonical_header(const std::vector<MessageField>& fields,
                             const SignatureToHash& signature) {
  return SignableHeader(fields).canonical(signature);
}

std::vector<Sha256Digest> hash_headers(const std::vector<MessageField>& fields,
                                       const std::vector<SignatureToHash>& signatures) {
  SignableHeader header(fields);
  std::vector<Sha256Digest> hashes;
  for (const SignatureToHash& signature : signatures)
    hashes.push_back(sha256(header.canonical(signature)));
  return hashes;
}

}  // namespace authmilter
