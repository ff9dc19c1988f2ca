#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <authmilter/config_place.h>
#include <authmilter/dkim.h>
#include <authmilter/domain_name.h>
#include <authmilter/file_version.h>
#include <authmilter/key_source.h>
#include <authmilter/selector.h>

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
};

/// What one NAME.toml of `signing.directory` says. Immutable: a reload shares those that have not
/// changed.
struct SigningDropIn {
  std::shared_ptr<const std::string> file;  // absolute path
  FileVersion version;
  /// The file had been as it was for longer than its times are exact: one that is written just
  /// after it was read may bear the same times.
  bool settled = false;
  std::vector<SigningDomainConfig> domains;
};

struct SigningConfig {
  std::vector<std::string> headers = default_signed_headers();
  Canonicalization header_canonicalization = Canonicalization::relaxed;
  Canonicalization body_canonicalization = Canonicalization::relaxed;
  std::vector<std::string> oversign = default_oversigned_headers();
  std::vector<std::string> oversign_present = default_oversigned_present_headers();
  std::chrono::milliseconds lifetime{0};  // of a signature, x=; 0: without end
  bool require_sender_match = true;
  /// Of the keys that sign. RFC 8301 section 3.2 asks for 2048 and forbids less than 1024.
  unsigned minimum_rsa_bits = 2048;
  std::filesystem::path directory;           // of drop-ins; empty: none
  std::vector<SigningDomainConfig> domains;  // those of the main file
  /// Those of the directory, by the names of the files. Read by load_config(), not by
  /// parse_config().
  std::vector<std::shared_ptr<const SigningDropIn>> drop_ins;

  /// Every domain, those of the main file first; borrowed from here.
  std::vector<const SigningDomainConfig*> all_domains() const;
};

}  // namespace authmilter
