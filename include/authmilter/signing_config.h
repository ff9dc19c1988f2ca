#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <authmilter/config_place.h>
#include <authmilter/domain_name.h>
#include <authmilter/file_version.h>
#include <authmilter/key_source.h>
#include <authmilter/login_map.h>
#include <authmilter/match_set.h>
#include <authmilter/network_set.h>
#include <authmilter/selector.h>
#include <authmilter/signing_profile.h>
#include <authmilter/signing_tables.h>

namespace authmilter {

/// A key that a `[[signing.domain]]` names. It is fetched when the runtime is made, not by the
/// parser.
struct SigningKeyConfig {
  Selector selector;
  KeySource source;
  ConfigPlace place;  // of the entry
};

struct SigningDomainConfig {
  DomainName domain;
  bool subdomains = false;
  std::vector<SigningKeyConfig> keys;
  ConfigPlace place;  // of the table; its `file` is the main file or one of `signing.directory`
  std::shared_ptr<const SigningOverrides> overrides = nullptr;  // null: it has none
};

/// What one NAME.toml of `signing.directory` says. Immutable.
struct SigningDropIn {
  std::shared_ptr<const std::string> file;  // absolute path
  FileVersion version;
  /// The file had been as it was for longer than its times are exact: one that is written just
  /// after it was read may bear the same times.
  bool settled = false;
  /// Of a file with a fault: as they were before, and without keys those that the file seems to be
  /// about and that have never been read.
  std::vector<SigningDomainConfig> domains;
  std::string fault;  // "file:line:column: message"; empty: none
};

/// The drop-ins as they were read the last time.
class KnownDropIns {
 public:
  virtual ~KnownDropIns() = default;
  /// Null when the file is new.
  virtual std::shared_ptr<const SigningDropIn> find_drop_in(const std::string& file) const = 0;
};

/// What becomes of a message whose client or user may not send as its author.
enum class SenderMismatch : std::uint8_t { left_unsigned, refused };

/// A `[[signing.permit]]`: what messages may be signed for that its clients send, or that come in
/// by a listener of one of its names. Those of which the table says nothing fit it in any case.
struct SigningPermit {
  NetworkSet clients;                     // empty: any
  std::vector<std::string> daemon_names;  // {daemon_name}; empty: any
  DomainPatternSet domains;               // of the author
};

struct SigningConfig {
  SigningProfile profile;  // of domains that do not override it
  ConfigPlace also_place;  // of its `also`
  bool require_sender_match = true;
  SenderMismatch mismatch = SenderMismatch::left_unsigned;
  std::vector<SigningPermit> permits;
  LoginMapFile login_map;                  // as configured; no path: none
  std::shared_ptr<const LoginMap> logins;  // read by load_config(); null: none
  /// Of the keys that sign. RFC 8301 section 3.2 asks for 2048 and forbids less than 1024.
  unsigned minimum_rsa_bits = 2048;
  /// What a token may take for a signature, and to show itself at the start.
  std::chrono::milliseconds token_timeout{5000};
  std::filesystem::path directory;  // of drop-ins; empty: none
  /// Of the files that say how far each domain's keys are; see KeyStateFiles.
  std::filesystem::path state_directory = "/var/lib/authmilter/keys";
  std::vector<SigningDomainConfig> domains;  // those of the main file
  /// Those of the directory, by the names of the files. Read by load_config(), not by
  /// parse_config().
  std::vector<std::shared_ptr<const SigningDropIn>> drop_ins;
  /// OpenDKIM's tables, asked for authors whom no domain above holds.
  SigningTableNames table_names;
  std::shared_ptr<const SigningTables> tables;  // read by load_config(); null: none
  std::vector<std::string> faults;              // of drop-ins, a line each: those are out of force

  /// Every domain, those of the main file first; borrowed from here.
  std::vector<const SigningDomainConfig*> all_domains() const;
};

}  // namespace authmilter
