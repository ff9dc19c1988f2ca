#include <authmilter/config_edit.h>
#include <authmilter/toml_literal.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "config/document.h"
#include "config/list_text.h"
#include "config/value_compare.h"

namespace authmilter {
namespace {

/// Where the lines of a text begin: places become offsets without reading it again.
std::vector<std::size_t> line_begins(std::string_view text) {
  std::vector<std::size_t> begins = {0};
  for (auto at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    begins.push_back(at + 1);
  return begins;
}

}  // namespace

struct KeyListEditor::Parts {
  struct Domain {
    std::size_t number;  // of its table
    Place place;         // of its list of keys
    std::optional<ListText::Range> whole;
    std::string list;  // instead of it; empty: as it is
    std::vector<Value> keys;
  };

  std::string text;
  std::string name;
  Value document;
  std::vector<std::size_t> lines;
  std::map<DomainName, Domain> domains;

  static Value* domain_tables(Value& document) {
    for (Value& signing : document.children) {
      if (signing.key != "signing") continue;
      for (Value& list : signing.children) {
        if (list.key == "domain") return &list;
      }
    }
    return nullptr;
  }
  static Value* keys_of(Value& table) {
    const auto found = std::find_if(table.children.begin(), table.children.end(),
                                    [](const Value& child) { return child.key == "keys"; });
    return found == table.children.end() ? nullptr : &*found;
  }
  Error at(const Domain& domain, std::string_view why) const {
    return Error{fmt::format("{}:{}:{}: {}", name, domain.place.line, domain.place.column, why)};
  }
  std::string_view line_of(Place place) const {
    return place.line == 0 || place.line > lines.size()
               ? std::string_view()
               : std::string_view(text).substr(lines[place.line - 1]);
  }
};

KeyListEditor::KeyListEditor(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
KeyListEditor::KeyListEditor(KeyListEditor&&) noexcept = default;
KeyListEditor& KeyListEditor::operator=(KeyListEditor&&) noexcept = default;
KeyListEditor::~KeyListEditor() = default;

Result<KeyListEditor> KeyListEditor::read(std::string text, const std::string& name) {
  auto document = parse_document(text, name);
  if (!document) return document.error();
  auto parts = std::make_unique<Parts>();
  parts->text = std::move(text);
  parts->name = name;
  parts->document = std::move(*document);
  parts->lines = line_begins(parts->text);
  Value* tables = Parts::domain_tables(parts->document);
  if (tables == nullptr) return Error{name + ": has no [[signing.domain]]"};
  for (std::size_t i = 0; i < tables->children.size(); ++i) {
    Value& table = tables->children[i];
    const Value* named = table.find("domain");
    const Value* keys = Parts::keys_of(table);
    if (named == nullptr || keys == nullptr) continue;
    const auto domain = DomainName::parse(named->string);
    if (!domain) continue;
    const auto line = parts->line_of(keys->place);
    const auto begin = static_cast<std::size_t>(line.data() - parts->text.data()) +
                       offset_of(line, {1, keys->place.column});
    const auto list = find_list(parts->text, begin);
    // [[signing.domain.keys]] begins with brackets, too.
    const bool plain = list && list->elements.size() == keys->children.size() &&
                       std::all_of(list->elements.begin(), list->elements.end(),
                                   [&](auto element) { return parts->text[element.begin] == '{'; });
    parts->domains.try_emplace(
        *domain, Parts::Domain{i, keys->place, plain ? std::optional(list->whole) : std::nullopt,
                               "", keys->children});
  }
  return KeyListEditor(std::move(parts));
}

bool KeyListEditor::has(const DomainName& domain, const Selector& selector) const {
  const auto found = parts_->domains.find(domain);
  if (found == parts_->domains.end()) return false;
  const auto& keys = found->second.keys;
  return std::any_of(keys.begin(), keys.end(), [&](const Value& key) {
    const Value* named = key.find("selector");
    return named != nullptr && Selector::parse(named->string) == selector;
  });
}

Status KeyListEditor::change(const DomainName& domain, const std::vector<Selector>& without,
                             const std::vector<NewKey>& with) {
  const auto found = parts_->domains.find(domain);
  if (found == parts_->domains.end())
    return Error{parts_->name + ": has no keys of " + domain.text()};
  Parts::Domain& one = found->second;
  if (!one.whole) {
    return parts_->at(one,
                      fmt::format("the keys of {} are not written as keys = [...]: change them by "
                                  "hand",
                                  domain.text()));
  }
  // The list alone in a text of its own: what a change costs does not depend on the others.
  const std::string head =
      fmt::format("[[signing.domain]]\ndomain = {}\nkeys = ", literal(domain.text()));
  std::string fragment =
      head + parts_->text.substr(one.whole->begin, one.whole->end - one.whole->begin);
  const std::string name = "list";
  const auto refused = [&](const Error& error) {
    const auto why = error.message.find(": ");
    return parts_->at(one,
                      why == std::string::npos ? error.message : error.message.substr(why + 2));
  };
  // The new ones first: a list may not become empty on the way.
  for (const NewKey& key : with) {
    auto changed = with_signing_key(fragment, name, domain, key.selector, key.source);
    if (!changed) return refused(changed.error());
    fragment = std::move(*changed);
  }
  for (const Selector& selector : without) {
    auto changed = without_signing_key(fragment, name, domain, selector);
    if (!changed) return refused(changed.error());
    fragment = std::move(*changed);
  }
  auto document = parse_document(fragment, name);
  if (!document) return refused(document.error());
  Value* tables = Parts::domain_tables(*document);
  Value* keys = tables == nullptr || tables->children.size() != 1
                    ? nullptr
                    : Parts::keys_of(tables->children.front());
  if (keys == nullptr) return parts_->at(one, "the list of keys cannot be changed: do it by hand");
  one.list = fragment.substr(head.size());
  one.keys = std::move(keys->children);
  return Done{};
}

void KeyListEditor::leave(const DomainName& domain) {
  const auto found = parts_->domains.find(domain);
  if (found == parts_->domains.end()) return;
  found->second.list.clear();
  const Value* tables = Parts::domain_tables(parts_->document);
  Value& table = const_cast<Value&>(tables->children[found->second.number]);  // NOLINT: is ours
  found->second.keys = Parts::keys_of(table)->children;
}

Result<std::string> KeyListEditor::text() const {
  std::vector<const Parts::Domain*> changed;
  for (const auto& [name, domain] : parts_->domains) {
    if (!domain.list.empty()) changed.push_back(&domain);
  }
  std::sort(changed.begin(), changed.end(),
            [](const auto* a, const auto* b) { return a->whole->begin < b->whole->begin; });
  Value wanted = parts_->document;
  Value* tables = Parts::domain_tables(wanted);
  std::string text;
  std::size_t at = 0;
  for (const Parts::Domain* domain : changed) {
    text.append(parts_->text, at, domain->whole->begin - at);
    text += domain->list;
    at = domain->whole->end;
    Parts::keys_of(tables->children[domain->number])->children = domain->keys;
  }
  text.append(parts_->text, at);
  // What the text says now has to be what it should.
  const auto document = parse_document(text, parts_->name);
  if (document && same_values(*document, wanted)) return text;
  return Error{parts_->name +
               ": the lists of keys cannot be changed by a program: change them by "
               "hand"};
}

}  // namespace authmilter
