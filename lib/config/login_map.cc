#include <authmilter/login_map.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"

namespace authmilter {
namespace {

constexpr std::string_view kPostfix = "postfix:";
// postconf(5) has tables with commas, blanks or both between what stands on the right.
constexpr std::string_view kBetween = ", \t";

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

struct Word {
  std::string text;
  std::size_t line;
  std::size_t column;
};

/// As a mailbox is looked up by senders: host names, and in practice local parts, without regard to
/// case.
std::string sender_key(std::string_view local_part, const DomainName& domain) {
  return to_lower(local_part) + "@" + domain.text();
}

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }

}  // namespace

Result<LoginMapFile> LoginMapFile::parse(std::string_view text) {
  LoginMapFile file;
  if (text.starts_with(kPostfix)) {
    file.form = LoginMapForm::by_sender;
    text.remove_prefix(kPostfix.size());
    if (text.empty()) return Error{"names no file behind \"postfix:\""};
  }
  if (std::any_of(text.begin(), text.end(), is_control))
    return Error{fmt::format("\"{}\" is not the name of a file", printable(text))};
  file.path = text;
  return file;
}

std::string LoginMapFile::text() const {
  return (form == LoginMapForm::by_sender ? std::string(kPostfix) : "") + path.string();
}

/// Takes a file's lines, one after the other.
class LoginMap::Reader {
 public:
  Reader(LoginMap& map, const std::string& name) : map_(map), name_(name) {}

  Status take(std::string_view line);
  Status end();

 private:
  Error error(const Word& word, std::string_view why) const {
    return {fmt::format("{}:{}:{}: \"{}\" {}", name_, word.line, word.column, printable(word.text),
                        why)};
  }
  Error error(std::size_t column, std::string_view why) const {
    return {fmt::format("{}:{}:{}: {}", name_, number_, column, why)};
  }
  void split(std::string_view line, std::size_t begin);
  Status check_entry() const;
  Status add_login();
  Status add_sender();

  LoginMap& map_;
  const std::string& name_;
  std::size_t number_ = 0;
  std::vector<Word> words_;  // of the entry that may go on
};

/// The first word of an entry ends with a blank: what it is about is one login or one address.
void LoginMap::Reader::split(std::string_view line, std::size_t begin) {
  for (std::size_t at = begin; at < line.size();) {
    const auto between = words_.empty() ? std::string_view(" \t") : kBetween;
    const std::size_t end = std::min(line.find_first_of(between, at), line.size());
    if (end > at) words_.push_back({std::string(line.substr(at, end - at)), number_, at + 1});
    at = end + 1;
  }
}

Status LoginMap::Reader::take(std::string_view line) {
  ++number_;
  if (number_ == 1 && line.starts_with(kByteOrderMark))
    return error(1, "begins with a byte order mark: save the file without one");
  if (line.ends_with('\r')) line.remove_suffix(1);
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (is_control(line[i]) && line[i] != '\t') return error(i + 1, "a control character");
  }
  // postmap(1): empty lines and comments end nothing; a line that begins with a blank goes on.
  const std::size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos || line[begin] == '#') return Done{};
  if (begin == 0) {
    if (auto ended = end(); !ended) return ended;
  } else if (words_.empty()) {
    return error(begin + 1, "goes on with a line that is not there");
  }
  split(line, begin);
  return Done{};
}

/// What would be taken for something else than it looks like.
Status LoginMap::Reader::check_entry() const {
  const Word& first = words_.front();
  if (first.text.find(',') != std::string::npos)
    return error(first, "has a comma: a line is about one");
  for (const Word& word : words_) {
    if (word.text.starts_with('#'))
      return error(word, "is not a comment: one begins at the start of a line only");
  }
  return Done{};
}

Status LoginMap::Reader::end() {
  if (words_.empty()) return Done{};
  Status added = check_entry();
  if (added) added = map_.form_ == LoginMapForm::by_login ? add_login() : add_sender();
  words_.clear();
  return added;
}

Status LoginMap::Reader::add_login() {
  const Word& login = words_.front();
  if (login.text.ends_with(':')) return error(login, "ends in a colon, which no login does");
  std::vector<AddressPattern> patterns;
  for (std::size_t i = 1; i < words_.size(); ++i) {
    auto pattern = AddressPattern::parse(words_[i].text);
    if (!pattern || pattern->is_null())
      return error(words_[i], "is neither an address nor a domain");
    patterns.push_back(std::move(*pattern));
  }
  if (patterns.empty()) return error(login, "may sign for nothing");
  if (!map_.by_login_.try_emplace(login.text, std::move(patterns)).second)
    return error(login, "has a line already");
  return Done{};
}

Status LoginMap::Reader::add_sender() {
  const Word& first = words_.front();
  const auto sender = AddressPattern::parse(first.text);
  // "user" alone is of whatever domains the MTA takes for its own, which are not known here.
  if (!sender || !sender->local_part) return error(first, "is neither user@domain nor @domain");
  if (words_.size() < 2) return error(first, "has no login");
  Logins logins;
  for (std::size_t i = 1; i < words_.size(); ++i) logins.insert(words_[i].text);
  const DomainName& domain = sender->domain->domain;
  if (!map_.by_sender_.try_emplace(sender_key(*sender->local_part, domain), std::move(logins))
           .second)
    return error(first, "has a line already");
  if (sender->is_mailbox()) map_.domains_of_senders_.insert(domain.text());
  return Done{};
}

Result<std::shared_ptr<const LoginMap>> LoginMap::parse(std::string_view text, LoginMapForm form,
                                                        const std::string& name,
                                                        std::string_view delimiters) {
  auto map = std::make_shared<LoginMap>();
  map->form_ = form;
  map->delimiters_ = delimiters;
  Reader reader(*map, name);
  for (const std::string_view line : authmilter::split(text, '\n')) {
    if (auto taken = reader.take(line); !taken) return taken.error();
  }
  if (auto ended = reader.end(); !ended) return ended.error();
  return std::shared_ptr<const LoginMap>(std::move(map));
}

bool LoginMap::is_login_of(const std::string& login, const DomainName& author_domain,
                           const std::optional<ReversePath>& mailbox) const {
  const auto line = by_login_.find(login);
  if (line == by_login_.end()) return false;
  return std::any_of(line->second.begin(), line->second.end(), [&](const AddressPattern& known) {
    return known.is_mailbox() ? mailbox && known.matches(*mailbox)
                              : known.domain->matches(author_domain);
  });
}

/// Whoever a line names that is about the address, or else about the one before its extension, as
/// Postfix looks them up (postconf(5), smtpd_sender_login_maps and recipient_delimiter). Null where
/// there is none.
const LoginMap::Logins* LoginMap::owners_of(const ReversePath& mailbox) const {
  const std::string& user = mailbox.local_part;
  auto line = by_sender_.find(sender_key(user, *mailbox.domain));
  const std::size_t delimiter = user.find_first_of(delimiters_);
  if (line == by_sender_.end() && delimiter != 0 && delimiter != std::string::npos)
    line = by_sender_.find(sender_key(user.substr(0, delimiter), *mailbox.domain));
  return line == by_sender_.end() ? nullptr : &line->second;
}

bool LoginMap::permits(const std::string& login, const DomainName& author_domain,
                       const std::optional<ReversePath>& mailbox) const {
  if (form_ == LoginMapForm::by_login) return is_login_of(login, author_domain, mailbox);
  if (mailbox) {
    if (const Logins* owners = owners_of(*mailbox)) return owners->contains(login);
  } else if (domains_of_senders_.contains(author_domain.text())) {
    return false;  // among several authors may be one whose address has other owners
  }
  const auto domain = by_sender_.find("@" + author_domain.text());
  return domain != by_sender_.end() && domain->second.contains(login);
}

}  // namespace authmilter
