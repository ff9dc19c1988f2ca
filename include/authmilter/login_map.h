#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/message.h>
#include <authmilter/pattern.h>
#include <authmilter/result.h>

namespace authmilter {

/// The two ways to write down who may send as whom: a login and what it may sign for, or
/// Postfix's smtpd_sender_login_maps, an address and the logins that own it.
enum class LoginMapForm : std::uint8_t { by_login, by_sender };

/// `signing.login_map`: "FILE", or "postfix:FILE".
struct LoginMapFile {
  LoginMapForm form = LoginMapForm::by_login;
  std::filesystem::path path;  // empty: none

  static Result<LoginMapFile> parse(std::string_view text);
  std::string text() const;
};

/// Which logins may sign as whom. A look-up does not depend on the number of lines. Logins are
/// compared octet by octet: to the service that authenticates "Alice" may be another one than
/// "alice". Immutable, thread-safe.
class LoginMap {
 public:
  /// Reads the text of a file; `name` stands for it in errors, "name:line:column: message".
  /// `delimiters` is Postfix's recipient_delimiter, for by_sender: an address without a line whose
  /// local part has one of these characters is its owner's whose address stands before it.
  static Result<std::shared_ptr<const LoginMap>> parse(std::string_view text, LoginMapForm form,
                                                       const std::string& name,
                                                       std::string_view delimiters = "+");

  /// Whether `login` may sign for an author. `mailbox` is the author's address where there is one
  /// and no other; without it only what is said of whole domains counts. Of an address and its
  /// domain the line of the address decides.
  bool permits(const std::string& login, const DomainName& author_domain,
               const std::optional<ReversePath>& mailbox) const;

 private:
  using Logins = std::unordered_set<std::string>;
  class Reader;

  bool is_login_of(const std::string& login, const DomainName& author_domain,
                   const std::optional<ReversePath>& mailbox) const;
  const Logins* owners_of(const ReversePath& mailbox) const;

  LoginMapForm form_ = LoginMapForm::by_login;
  std::unordered_map<std::string, std::vector<AddressPattern>> by_login_;
  std::string delimiters_;
  std::unordered_map<std::string, Logins> by_sender_;  // "user@domain" in lower case, "@domain"
  Logins domains_of_senders_;                          // those that lines of one address are about
};

}  // namespace authmilter
