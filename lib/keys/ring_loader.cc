#include "keys/ring_loader.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "base/parallel.h"
#include "keys/key_permissions.h"
#include "keys/key_stores.h"
#include "keys/key_template.h"

namespace authmilter {
namespace {

namespace fs = std::filesystem;

// So many keys are tried in a moment. Of more, a start would wait for what most of them are not
// needed for: a millisecond for each.
constexpr std::size_t kTriedAtOnce = 256;

Result<KeyOfFile> without_file(Result<std::shared_ptr<const PrivateKey>> key) {
  if (!key) return key.error();
  return KeyOfFile{0, false, std::move(*key)};
}

Error at(const SigningKeyConfig& key, const Error& error) {
  return Error{key.place.text() + ": " + error.message};
}

constexpr char kDomainAlso[] = "signing.domain.also";

const std::vector<DomainName>& also_of(const SigningDomainConfig& domain) {
  static const std::vector<DomainName> none;
  const bool says = domain.overrides != nullptr && domain.overrides->also;
  return says ? *domain.overrides->also : none;
}

Error unknown_domain(const DomainName& domain, const ConfigPlace& place, std::string_view setting) {
  return Error{fmt::format("{}: {}: \"{}\" has no [[signing.domain]], so no keys", place.text(),
                           setting, domain.text())};
}

/// Of a key that is not there yet, what fetches it sees to that.
Status check_strength(const PrivateKey& key, const KeySource& source, unsigned minimum) {
  if (key.unavailable()) return Done{};
  if (key.type() != KeyType::rsa || key.bits() >= minimum) return Done{};
  return Error{fmt::format("{}: an RSA key of {} bits: signing.minimum_rsa_bits is {}",
                           source.written(), key.bits(), minimum)};
}

}  // namespace

KeyRing::Loader::Loader(const SigningConfig& config, const Store* previous)
    : config_(config), previous_(previous), store_(std::make_unique<Store>()) {
  store_->stores = previous == nullptr ? std::make_shared<KeyStores>() : previous->stores;
}

/// A table with keys in it is a file of keys.
Status KeyRing::Loader::check_table() const {
  if (config_.tables == nullptr || config_.tables->file_with_keys().empty()) return Done{};
  const std::string& name = config_.tables->file_with_keys();
  const auto directory = check_way_to(name, name);
  if (!directory) return Error{directory.error().message + "; keys stand in it"};
  const auto file = open_key_file((*directory / fs::path(name).filename()).string(), name);
  if (!file) return Error{file.error().message + "; keys stand in it"};
  const Descriptor close(file->descriptor);
  return Done{};
}

Result<std::unique_ptr<KeyRing::Store>> KeyRing::Loader::load() {
  if (auto checked = check_table(); !checked) return checked.error();
  list_files();
  if (auto known = check_also(); !known) return known.error();
  list_sources();
  if (auto fetched = fetch_sources(); !fetched) return fetched.error();
  for (const Written& written : written_) add(written);
  add_table_keys();
  store_->index();
  return std::move(store_);
}

void KeyRing::Loader::list_files() {
  std::size_t count = config_.domains.size();
  for (const auto& drop_in : config_.drop_ins) count += drop_in->domains.size();
  written_.reserve(count);
  store_->domains.reserve(count);
  store_->files.reserve(config_.drop_ins.size() + 1);
  store_->files.push_back({});
  for (const SigningDomainConfig& domain : config_.domains) written_.push_back({&domain, 0});
  for (const auto& drop_in : config_.drop_ins) {
    const auto number = static_cast<std::uint32_t>(store_->files.size());
    store_->files.push_back({store_->texts.add(*drop_in->file), true, drop_in->settled,
                             drop_in->version, static_cast<std::uint32_t>(written_.size()),
                             static_cast<std::uint32_t>(drop_in->domains.size())});
    if (!drop_in->fault.empty()) {
      store_->file_faults.emplace(number, drop_in->fault);
      store_->faults.push_back(drop_in->fault);
    }
    for (const SigningDomainConfig& domain : drop_in->domains)
      written_.push_back({&domain, number});
  }
  store_->faults.insert(store_->faults.end(), config_.faults.begin(), config_.faults.end());
}

/// Of the main file. What it names may be in a drop-in that cannot be read: then mail waits, and
/// nothing else.
Status KeyRing::Loader::check_also() {
  store_->profiles.front().profile = config_.profile;
  const bool may_be_unread = !store_->file_faults.empty();
  const auto check = [&](const std::vector<DomainName>& also, const ConfigPlace& place,
                         const char* setting) -> Status {
    while (const DomainName* unknown = unknown_in(also)) {
      const Error fault = unknown_domain(*unknown, place, setting);
      if (!may_be_unread) return fault;
      store_->faults.push_back(fault.message + "; until then mail that it should sign has to wait");
      unread_.push_back({*unknown, false, {}, place});
      written_.push_back({&unread_.back(), 0});
      names_.insert(unread_.back().domain.text());
    }
    return Done{};
  };
  auto checked = check(config_.profile.also, config_.also_place, "signing.also");
  for (std::size_t i = 0; checked && i < config_.domains.size(); ++i) {
    const SigningDomainConfig& domain = config_.domains[i];
    checked = check(also_of(domain), domain.place, kDomainAlso);
  }
  return checked;
}

const DomainName* KeyRing::Loader::unknown_in(const std::vector<DomainName>& also) {
  if (also.empty()) return nullptr;
  if (names_.empty()) {
    names_.reserve(written_.size());
    for (const Written& written : written_) names_.insert(written.config->domain.text());
  }
  const auto unknown = std::find_if(also.begin(), also.end(), [this](const DomainName& domain) {
    return names_.count(domain.text()) == 0;
  });
  return unknown == also.end() ? nullptr : &*unknown;
}

void KeyRing::Loader::list_sources() {
  list_table_keys();
  std::size_t keys = 0;
  for (const Written& written : written_) keys += written.config->keys.size();
  store_->keys.reserve(keys);
  sources_.reserve(keys + table_keys_.size());
  key_places_.reserve(keys);
  table_places_.reserve(table_keys_.size());
  by_source_ = NumberIndex(keys + table_keys_.size());
  const auto list = [this](Written& written) {
    written.first_key = key_places_.size();
    for (const SigningKeyConfig& key : written.config->keys)
      key_places_.push_back(list_source(key));
  };
  const std::size_t in_main = config_.domains.size();
  for (std::size_t i = 0; i < in_main; ++i) list(written_[i]);
  for (const SigningKeyConfig& key : table_keys_) table_places_.push_back(list_source(key));
  main_sources_ = sources_.size();
  for (std::size_t i = in_main; i < written_.size(); ++i) list(written_[i]);
  stored_.assign(sources_.size(), kNotStored);
  store_->sources.reserve(sources_.size());
}

std::uint32_t KeyRing::Loader::list_source(const SigningKeyConfig& key) {
  const auto next = static_cast<std::uint32_t>(sources_.size());
  const std::uint32_t place = by_source_.find_or_add(
      std::hash<std::string_view>()(key.source.text), next, [&](std::uint32_t number) {
        const KeySource& other = sources_[number]->source;
        return other.store == key.source.store && other.text == key.source.text;
      });
  if (place == next) sources_.push_back(&key);
  return place;
}

void KeyRing::Loader::list_table_keys() {
  if (config_.tables == nullptr) return;
  table_keys_.reserve(config_.tables->key_count());
  for (std::size_t i = 0; i < config_.tables->key_count(); ++i) {
    const TableKey key = config_.tables->key(i);
    const auto selector = Selector::parse(key.selector);
    if (!selector) continue;
    const auto add = [&](std::string path) {
      table_keys_.push_back({*selector, KeySource::of_file(std::move(path)), key.place});
    };
    if (key.file.empty()) {
      table_keys_.push_back({*selector, {KeyStore::table, key.text}, key.place});
      continue;
    }
    if (!key.is_template()) {
      add(key.file);
      continue;
    }
    for (std::string& path : files_of_template(key.file)) add(std::move(path));
  }
}

void KeyRing::Loader::add_table_keys() {
  store_->tables = config_.tables;
  store_->table_sources.reserve(table_places_.size());
  for (const std::uint32_t place : table_places_)
    store_->table_sources.push_back(stored_source(place));
  auto& sources = store_->table_sources;
  const auto path_of = [this](std::uint32_t number) {
    return store_->texts[store_->sources[number].text];
  };
  std::sort(sources.begin(), sources.end(),
            [&](std::uint32_t a, std::uint32_t b) { return path_of(a) < path_of(b); });
  sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
}

/// In parallel: what takes time is to wait for files, and to try keys. Of several bad ones of the
/// main file, and of its tables, the first is the error, so behind it nothing needs to be read.
Status KeyRing::Loader::fetch_sources() {
  const KnownKeyFiles known = previous_ == nullptr ? KnownKeyFiles() : previous_->known_files();
  KeyFileReader reader(known,
                       sources_.size() > kTriedAtOnce ? KeyTrial::when_used : KeyTrial::when_read);
  reader.expect(sources_.size() - std::min(known.size(), sources_.size()));
  fetched_.resize(sources_.size());
  std::atomic<std::size_t> first_bad = sources_.size();
  for_each_in_parallel(sources_.size(), [&](std::size_t i) {
    std::size_t bad = first_bad;
    if (i > bad) return;
    fetched_[i] = fetch(sources_[i]->source, reader);
    if (*fetched_[i] || i >= main_sources_) return;
    while (i < bad && !first_bad.compare_exchange_weak(bad, i)) {
    }
  });
  if (first_bad == sources_.size()) return Done{};
  return at(*sources_[first_bad], fetched_[first_bad]->error());
}

Result<KeyOfFile> KeyRing::Loader::fetch(const KeySource& source, KeyFileReader& files) const {
  auto key = [&]() -> Result<KeyOfFile> {
    switch (source.store) {
      case KeyStore::file:
        return files.read(source.text);
      case KeyStore::pkcs11:
        return without_file(store_->stores->open_pkcs11(
            source.text,
            {.timeout = config_.token_timeout, .minimum_rsa_bits = config_.minimum_rsa_bits}));
      case KeyStore::credential:
        return without_file(open_credential_key(source.text));
      case KeyStore::table:
        return without_file(key_of_table(source.text, sources_.size() > kTriedAtOnce
                                                          ? KeyTrial::when_used
                                                          : KeyTrial::when_read));
    }
    return Error{"a key of no known kind"};
  }();
  if (!key) return key;
  const auto strong = check_strength(*key->key, source, config_.minimum_rsa_bits);
  if (!strong) return strong.error();
  return key;
}

std::optional<Error> KeyRing::Loader::fault_in(const Written& written) {
  if (const DomainName* unknown = unknown_in(also_of(*written.config)))
    return unknown_domain(*unknown, written.config->place, kDomainAlso);
  for (std::size_t i = 0; i < written.config->keys.size(); ++i) {
    const auto& fetched = *fetched_[key_places_[written.first_key + i]];
    if (!fetched) return at(written.config->keys[i], fetched.error());
  }
  return std::nullopt;
}

void KeyRing::Loader::add(const Written& written) {
  const SigningDomainConfig& domain = *written.config;
  const auto number = static_cast<std::uint32_t>(store_->domains.size());
  Store::Domain added{store_->texts.add(domain.domain.text()),
                      written.file,
                      static_cast<std::uint32_t>(store_->keys.size()),
                      0,
                      domain.subdomains,
                      {domain.place.line, domain.place.column}};
  const auto fault = fault_in(written);  // only of drop-ins
  if (!fault) {
    add_keys(written);
    added.profile = profile_of(domain.overrides);
  } else {
    // What the ring has now is not what the file says, so the next reload has to read it again.
    store_->files[written.file].settled = false;
    const Store::Domain* before =
        previous_ == nullptr ? nullptr : previous_->find(domain.domain.text());
    const bool goes_on = before != nullptr && before->keys != 0;
    if (goes_on) {
      add_previous_keys(*before);
      added.profile = profile_of(previous_->profiles[before->profile].said);
    }
    store_->faults.push_back(fault->message +
                             (goes_on ? "; the keys that the domain has had go on signing"
                                      : "; until then mail of the domain has to wait"));
    if (!goes_on) store_->domain_faults.emplace(number, fault->message);
  }
  added.keys = static_cast<std::uint32_t>(store_->keys.size()) - added.first_key;
  if (domain.keys.empty()) {
    const auto of_file = store_->file_faults.find(written.file);
    store_->domain_faults.emplace(
        number, of_file == store_->file_faults.end() ? "it has no keys" : of_file->second);
  }
  store_->domains.push_back(added);
}

void KeyRing::Loader::add_keys(const Written& written) {
  for (std::size_t i = 0; i < written.config->keys.size(); ++i) {
    const SigningKeyConfig& key = written.config->keys[i];
    store_->keys.push_back({selector_text(key.selector.text()),
                            stored_source(key_places_[written.first_key + i]),
                            {key.place.line, key.place.column}});
  }
}

void KeyRing::Loader::add_previous_keys(const Store::Domain& before) {
  for (std::uint32_t i = 0; i < before.keys; ++i) {
    const Store::Key& key = previous_->keys[before.first_key + i];
    const Store::Source& source = previous_->sources[key.source];
    const auto number = static_cast<std::uint32_t>(store_->sources.size());
    store_->sources.push_back(source);
    store_->sources.back().text = store_->texts.add(previous_->texts[source.text]);
    store_->keys.push_back({selector_text(previous_->texts[key.selector]), number, key.place});
  }
}

/// Most domains say nothing, and many the same: they share one.
std::uint32_t KeyRing::Loader::profile_of(
    const std::shared_ptr<const SigningOverrides>& overrides) {
  if (overrides == nullptr) return 0;
  auto& profiles = store_->profiles;
  const auto [known, added] =
      profiles_.try_emplace(overrides.get(), static_cast<std::uint32_t>(profiles.size()));
  if (added) profiles.push_back({overrides, overridden(config_.profile, *overrides)});
  return known->second;
}

/// Most domains have the same few.
TextPool::Text KeyRing::Loader::selector_text(std::string_view selector) {
  const auto known = selectors_.find(selector);
  if (known != selectors_.end()) return known->second;
  const TextPool::Text text = store_->texts.add(selector);
  selectors_.emplace(selector, text);
  return text;
}

std::uint32_t KeyRing::Loader::stored_source(std::size_t place) {
  if (stored_[place] != kNotStored) return stored_[place];
  const KeySource& source = sources_[place]->source;
  stored_[place] = static_cast<std::uint32_t>(store_->sources.size());
  const KeyOfFile& fetched = **fetched_[place];
  store_->sources.push_back(
      {store_->texts.add(source.text), source.store, fetched.settled, fetched.mark, fetched.key});
  return stored_[place];
}

}  // namespace authmilter
