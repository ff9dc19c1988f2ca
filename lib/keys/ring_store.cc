#include "keys/ring_store.h"

#include <algorithm>
#include <functional>
#include <stdexcept>

namespace authmilter {
namespace {

/// Of a text that was one when it was stored.
template <class Name>
Name parsed(std::string_view text) {
  auto name = Name::parse(text);
  if (!name) throw std::logic_error("a stored name is none any more");
  return *std::move(name);
}

}  // namespace

void KeyRing::Store::index() {
  by_name_ = NumberIndex(domains.size());
  for (std::uint32_t number = 0; number < domains.size(); ++number) {
    const std::string_view name = texts[domains[number].name];
    by_name_.find_or_add(std::hash<std::string_view>()(name), number,
                         [&](std::uint32_t other) { return texts[domains[other].name] == name; });
  }
  texts.shrink();
}

const KeyRing::Store::Domain* KeyRing::Store::find(std::string_view name) const {
  const auto found = by_name_.find(std::hash<std::string_view>()(name), [&](std::uint32_t number) {
    return texts[domains[number].name] == name;
  });
  return found ? &domains[*found] : nullptr;
}

const KeyRing::Store::Domain* KeyRing::Store::owner_of(std::string_view name) const {
  // From the whole name upwards, so that the longest domain is found first.
  if (const Domain* own = find(name)) return own;
  for (std::size_t dot; (dot = name.find('.')) != std::string_view::npos;) {
    name.remove_prefix(dot + 1);
    const Domain* above = find(name);
    if (above != nullptr && above->subdomains) return above;
  }
  return nullptr;
}

SigningKey KeyRing::Store::signing_key(const Domain& domain, const Key& key) const {
  return {parsed<DomainName>(texts[domain.name]), parsed<Selector>(texts[key.selector]),
          sources[key.source].key};
}

SigningDomainConfig KeyRing::Store::config_of(
    const Domain& domain, const std::shared_ptr<const std::string>& file) const {
  SigningDomainConfig config{parsed<DomainName>(texts[domain.name]),
                             domain.subdomains,
                             {},
                             {file, domain.place.line, domain.place.column},
                             profiles[domain.profile].said};
  for (std::uint32_t i = 0; i < domain.keys; ++i) {
    const Key& key = keys[domain.first_key + i];
    config.keys.push_back({parsed<Selector>(texts[key.selector]),
                           source_of(key),
                           {file, key.place.line, key.place.column}});
  }
  return config;
}

KnownKeyFiles KeyRing::Store::known_files() const {
  KnownKeyFiles known;
  known.reserve(sources.size());
  for (const Source& source : sources) {
    if (source.store == KeyStore::file)
      known.emplace(texts[source.text], KeyOfFile{source.mark, source.settled, source.key});
  }
  return known;
}

const KeyRing::Store::File* KeyRing::Store::find_file(std::string_view name) const {
  const auto found = std::lower_bound(
      files.begin(), files.end(), name,
      [this](const File& file, auto wanted) { return !file.drop_in || texts[file.name] < wanted; });
  return found == files.end() || texts[found->name] != name ? nullptr : &*found;
}

std::vector<SigningKey> KeyRing::Store::table_keys(const DomainName& author,
                                                   const std::string& user) const {
  std::vector<SigningKey> chosen;
  if (tables == nullptr) return chosen;
  for (const TableKey& key : tables->choose(user, author)) {
    const std::string path =
        key.file.empty() ? key.text : SigningTables::with_domain(key.file, author.text());
    const auto source = std::lower_bound(
        table_sources.begin(), table_sources.end(), std::string_view(path),
        [this](std::uint32_t number, auto wanted) { return texts[sources[number].text] < wanted; });
    // For an author's domain of its own there need not be a file.
    if (source == table_sources.end() || texts[sources[*source].text] != path) continue;
    chosen.push_back({key.domain == "%" ? author : parsed<DomainName>(key.domain),
                      parsed<Selector>(key.selector), sources[*source].key});
  }
  return chosen;
}

}  // namespace authmilter
