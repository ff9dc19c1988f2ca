#include <authmilter/config_edit.h>
#include <authmilter/toml_literal.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "config/document.h"
#include "config/list_text.h"
#include "config/value_compare.h"

namespace authmilter {
namespace {

/// A text, what it says, and where in it a domain's keys are.
struct Found {
  Value document;
  Value* keys = nullptr;  // in `document`
  ListText list;
};

Error at(const std::string& name, Place place, const std::string& why) {
  return Error{fmt::format("{}:{}:{}: {}", name, place.line, place.column, why)};
}

Value* member(Value* table, std::string_view name) {
  if (table == nullptr) return nullptr;
  for (Value& child : table->children) {
    if (child.key == name) return &child;
  }
  return nullptr;
}

Result<Found> find_keys(std::string_view text, const std::string& name, const DomainName& domain) {
  auto document = parse_document(text, name);
  if (!document) return document.error();
  Found found{std::move(*document), nullptr, {}};
  Value* domains = member(member(&found.document, "signing"), "domain");
  if (domains == nullptr) return Error{name + ": has no [[signing.domain]]"};
  for (Value& table : domains->children) {
    const Value* named = table.find("domain");
    if (named == nullptr || DomainName::parse(named->string) != domain) continue;
    found.keys = member(&table, "keys");
    break;
  }
  if (found.keys == nullptr) return Error{name + ": has no keys of " + domain.text()};
  const auto list = find_list(text, offset_of(text, found.keys->place));
  // [[signing.domain.keys]] begins with brackets, too.
  const auto is_table = [&](const auto& element) { return text[element.begin] == '{'; };
  if (!list || list->elements.size() != found.keys->children.size() ||
      !std::all_of(list->elements.begin(), list->elements.end(), is_table)) {
    return at(name, found.keys->place,
              fmt::format("the keys of {} are not written as keys = [...]: change them by hand",
                          domain.text()));
  }
  found.list = *list;
  return found;
}

/// What the text says now has to be what it should.
Result<std::string> checked(std::string text, const std::string& name, const Found& wanted) {
  const auto document = parse_document(text, name);
  if (document && same_values(*document, wanted.document)) return text;
  return at(name, wanted.keys->place,
            "the list of keys cannot be changed by a program: change it by hand");
}

Value string_value(std::string_view key, std::string text) {
  Value value;
  value.kind = ValueKind::string;
  value.key = key;
  value.string = std::move(text);
  return value;
}

/// The blanks that a line begins with, up to `offset`; nothing when there is more before it.
std::optional<std::string_view> indentation(std::string_view text, std::size_t offset) {
  const auto line_end = offset == 0 ? std::string_view::npos : text.rfind('\n', offset - 1);
  const std::size_t begin = line_end == std::string_view::npos ? 0 : line_end + 1;
  const auto before = text.substr(begin, offset - begin);
  if (before.find_first_not_of(" \t") != std::string_view::npos) return std::nullopt;
  return before;
}

}  // namespace

Result<std::string> with_signing_key(std::string_view text, const std::string& name,
                                     const DomainName& domain, const Selector& selector,
                                     const KeySource& source) {
  auto found = find_keys(text, name, domain);
  if (!found) return found.error();
  const std::string_view place = source.store == KeyStore::file ? "file" : "key";
  Value entry;
  entry.kind = ValueKind::table;
  entry.children = {string_value("selector", selector.text()),
                    string_value(place, source.written())};
  const std::string written = fmt::format("{{ selector = {}, {} = {} }}", literal(selector.text()),
                                          place, literal(source.written()));
  if (found->list.elements.empty())
    return at(name, found->keys->place, "the list of keys is empty");
  found->keys->children.push_back(std::move(entry));

  const auto last = found->list.elements.back();
  std::string changed(text.substr(0, last.end));
  std::string_view rest = text.substr(last.end);
  const auto blanks = indentation(text, last.begin);
  const std::string_view comma = rest.starts_with(',') ? "," : "";
  const auto line_end = std::min(rest.find('\n'), rest.size());
  const auto tail = rest.substr(comma.size(), line_end - comma.size());
  const auto visible = std::min(tail.find_first_not_of(" \t\r"), tail.size());
  if (blanks && (visible == tail.size() || tail[visible] == '#')) {
    // On a line of its own; a comment stays with its key, as a comma behind the last one does.
    changed += fmt::format(",{}\n{}{}{}", tail, *blanks, written, comma);
    rest = rest.substr(line_end);
  } else {
    changed += fmt::format(", {}", written);
  }
  changed += rest;
  return checked(std::move(changed), name, *found);
}

Result<std::string> without_signing_key(std::string_view text, const std::string& name,
                                        const DomainName& domain, const Selector& selector) {
  auto found = find_keys(text, name, domain);
  if (!found) return found.error();
  auto& keys = found->keys->children;
  const auto gone = std::find_if(keys.begin(), keys.end(), [&](const Value& key) {
    const Value* named = key.find("selector");
    return named != nullptr && Selector::parse(named->string) == selector;
  });
  if (gone == keys.end()) {
    return at(name, found->keys->place,
              fmt::format("{} has no key {}", domain.text(), selector.text()));
  }
  if (keys.size() == 1) {
    return at(name, found->keys->place,
              fmt::format("{} is the only key of {}", selector.text(), domain.text()));
  }
  const auto index = static_cast<std::size_t>(gone - keys.begin());
  keys.erase(gone);

  const auto& elements = found->list.elements;
  auto [begin, end] = elements[index];
  if (index + 1 < elements.size()) {
    const bool own_line = indentation(text, begin).has_value();
    const auto comma = text.find(',', end) + 1;
    const auto line_end = std::min(text.find('\n', comma), text.size());
    const bool rest_is_comment =
        text.substr(comma, line_end - comma).find_first_not_of(" \t\r") == std::string_view::npos ||
        text.substr(comma, line_end - comma).find('#') <=
            text.substr(comma).find_first_not_of(" \t");
    if (own_line && rest_is_comment && elements[index + 1].begin > line_end) {
      begin -= indentation(text, begin)->size();
      end = std::min(line_end + 1, text.size());
    } else {
      end = elements[index + 1].begin;
    }
  } else {
    // The last one: the comma before it goes with it, and what is between is kept.
    const auto before = elements[index - 1].end;
    const auto comma = text.find(',', before);
    std::string changed(text.substr(0, comma));
    auto between = text.substr(comma + 1, begin - comma - 1);
    while (!between.empty() && (between.back() == ' ' || between.back() == '\t' ||
                                between.back() == '\n' || between.back() == '\r'))
      between.remove_suffix(1);
    std::string_view rest = text.substr(end);
    const bool trailing = rest.starts_with(',');
    if (trailing) {
      rest.remove_prefix(1);
      changed += ',';
    }
    changed += between;
    changed += rest;
    return checked(std::move(changed), name, *found);
  }
  return checked(std::string(text.substr(0, begin)) + std::string(text.substr(end)), name, *found);
}

}  // namespace authmilter
