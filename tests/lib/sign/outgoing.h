#pragma once

#include <cstddef>
#include <string>

#include <authmilter/config.h>
#include <authmilter/sign.h>

namespace test {

/// A message of ours on its way out, as the MTA hands it over.
struct Input {
  std::string header = "From: a@home.example\r\nSubject: s\r\n";
  std::string mail_from = "<a@home.example>";
  std::string auth_user = "";
  const char* client = nullptr;  // submitted on this host
  authmilter::Mta mta = authmilter::Mta::other;
  std::string body = "Hello.\r\n";
  std::size_t cut = 0;  // into two pieces
  std::string daemon_name = "";
};

/// home.example with an RSA and an Ed25519 key and with its subdomains, lab.home.example and
/// tenant.example with one key each; `signing` stands in the table [signing], `home` in the one of
/// home.example.
authmilter::Config signing_config(const std::string& signing = "", const std::string& home = "");

authmilter::SigningOutcome sign(const Input& input, const authmilter::Config& config);

/// DOMAIN/SELECTOR of each key that signed, in the order in which their fields will stand in the
/// message.
std::string selectors(const authmilter::SigningOutcome& outcome);

/// Names of the removed fields, and of the inserted ones behind "+".
std::string edited(const authmilter::SigningOutcome& outcome);

/// The header with the outcome's changes, as an MTA makes them.
std::string edited_header(const std::string& header, const authmilter::SigningOutcome& outcome);

/// What `edited` says of a message that both keys signed.
inline constexpr const char* kTwice = "+DKIM-Signature +DKIM-Signature";

}  // namespace test
