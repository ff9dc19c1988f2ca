#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "keys/ring_store.h"

namespace authmilter {

/// Makes the store of a ring from a configuration. For one run.
class KeyRing::Loader {
 public:
  Loader(const SigningConfig& config, const Store* previous);
  Result<std::unique_ptr<Store>> load();

 private:
  using Fetched = std::optional<Result<KeyOfFile>>;

  /// A domain's text, and where it stands.
  struct Written {
    const SigningDomainConfig* config;
    std::uint32_t file;
    std::size_t first_key = 0;  // of its keys in `key_places_`
  };

  Status check_table() const;
  void list_files();
  Status check_also();
  /// The first that is not configured; null: there is none.
  const DomainName* unknown_in(const std::vector<DomainName>& also);
  void list_sources();
  /// Its place in `sources_`.
  std::uint32_t list_source(const SigningKeyConfig& key);
  void list_table_keys();
  void add_table_keys();
  Status fetch_sources();
  Result<KeyOfFile> fetch(const KeySource& source, KeyFileReader& files) const;
  void add(const Written& written);
  /// What of a domain cannot be had, and why.
  std::optional<Error> fault_in(const Written& written);
  std::uint32_t profile_of(const std::shared_ptr<const SigningOverrides>& overrides);
  void add_keys(const Written& written);
  /// The keys that a domain has had until now.
  void add_previous_keys(const Store::Domain& before);
  TextPool::Text selector_text(std::string_view selector);
  std::uint32_t stored_source(std::size_t place);

  const SigningConfig& config_;
  const Store* previous_;
  std::unique_ptr<Store> store_;
  std::vector<Written> written_;
  std::vector<SigningKeyConfig> table_keys_;
  // Each source once; those that the main file names come first.
  std::vector<const SigningKeyConfig*> sources_;
  NumberIndex by_source_;
  std::vector<std::uint32_t> key_places_;    // in `sources_`, of the keys of all domains
  std::vector<std::uint32_t> table_places_;  // the same of `table_keys_`
  std::size_t main_sources_ = 0;
  std::vector<Fetched> fetched_;
  static constexpr std::uint32_t kNotStored = ~std::uint32_t{0};
  std::vector<std::uint32_t> stored_;
  std::unordered_map<std::string_view, TextPool::Text> selectors_;
  struct ByValue {
    bool operator()(const SigningOverrides* a, const SigningOverrides* b) const { return *a < *b; }
  };
  std::map<const SigningOverrides*, std::uint32_t, ByValue> profiles_;
  std::unordered_set<std::string_view> names_;  // of all domains; empty until one is asked for
  std::deque<SigningDomainConfig> unread_;      // named in `also` of the main file alone
};

}  // namespace authmilter
