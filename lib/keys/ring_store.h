#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <authmilter/file_version.h>
#include <authmilter/key_ring.h>
#include <authmilter/private_key.h>

#include "base/number_index.h"
#include "base/text_pool.h"
#include "keys/key_files.h"
#include "keys/key_stores.h"

namespace authmilter {

/// What a ring holds: domains with their keys, the files that they were written in, and where each
/// key comes from, once. Numbers stand for places in the vectors.
struct KeyRing::Store {
  using Text = TextPool::Text;
  struct Position {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
  };

  /// Where a key is kept, and what was got from there.
  struct Source {
    Text text;
    KeyStore store = KeyStore::file;
    bool settled = false;  // this and the mark are of a file only
    FileMark mark = 0;
    std::shared_ptr<const PrivateKey> key;
  };
  struct Key {
    Text selector;
    std::uint32_t source = 0;
    Position place;
  };
  struct Domain {
    Text name;
    std::uint32_t file = 0;
    std::uint32_t first_key = 0;
    std::uint32_t keys = 0;  // none: see `domain_faults`
    bool subdomains = false;
    Position place;
    std::uint32_t profile = 0;
  };
  /// How mail is signed, for all the domains that say the same of it.
  struct Profile {
    std::shared_ptr<const SigningOverrides> said;  // null: nothing
    SigningProfile profile;
  };
  /// Of the configuration; the drop-ins among them can be had again.
  struct File {
    Text name;
    bool drop_in = false;
    bool settled = false;
    FileVersion version;
    std::uint32_t first_domain = 0;
    std::uint32_t domains = 0;
  };

  /// The domain of this very name; nothing else is asked.
  const Domain* find(std::string_view name) const;
  /// The domain that signs for a name.
  const Domain* owner_of(std::string_view name) const;
  SigningKey signing_key(const Domain& domain, const Key& key) const;
  SigningDomainConfig config_of(const Domain& domain,
                                const std::shared_ptr<const std::string>& file) const;
  KeySource source_of(const Key& key) const {
    return {sources[key.source].store, std::string(texts[sources[key.source].text])};
  }
  /// Of the files only.
  KnownKeyFiles known_files() const;

  /// Of the drop-ins, which stand in the order of their names.
  const File* find_file(std::string_view name) const;

  /// To be called once all domains are there: of several with one name the first is found.
  void index();

  /// The keys that OpenDKIM's tables choose.
  std::vector<SigningKey> table_keys(const DomainName& author, const std::string& user) const;

  TextPool texts;
  std::vector<Source> sources;
  std::vector<Key> keys;
  std::vector<Domain> domains;
  std::vector<File> files;
  std::vector<Profile> profiles = std::vector<Profile>(1);       // the first is [signing]'s
  std::unordered_map<std::uint32_t, std::string> domain_faults;  // by number
  std::unordered_map<std::uint32_t, std::string> file_faults;
  std::vector<std::string> faults;
  std::shared_ptr<const SigningTables> tables;  // may be null
  std::shared_ptr<KeyStores> stores;            // rings that follow each other share it
  /// The sources of the tables' keys, in the order of their paths.
  std::vector<std::uint32_t> table_sources;

 private:
  NumberIndex by_name_;
};

}  // namespace authmilter
