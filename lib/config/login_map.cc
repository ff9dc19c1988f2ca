#include <authmilter/login_map.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"

namespace authmilter {
namespace {

constexpr std::string_view kPostfix = "postfix:";
// postconf(5) has tables with commas, blanks or both between what stands on the right.
constexpr std::string_view kBetween = ", \t\r";

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const std::size_t start = line.find_first_not_of(kBetween);
    if (start == std::string_view::npos) break;
    line.remove_prefix(start);
    const std::size_t end = std::min(line.find_first_of(kBetween), line.size());
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

/// As a mailbox is looked up by senders: host names, and in practice local parts, without regard to
/// case.
std::string sender_key(const ReversePath& mailbox) {
  return to_lower(mailbox.local_part) + "@" + mailbox.domain->text();
}

}  // namespace

Result<LoginMapFile> LoginMapFile::parse(std::string_view text) {
  LoginMapFile file;
  if (text.starts_with(kPostfix)) {
    file.form = LoginMapForm::by_sender;
    text.remove_prefix(kPostfix.size());
    if (text.empty()) return Error{"names no file behind \"postfix:\""};
  }
  const bool control = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
  });
  if (control) return Error{fmt::format("\"{}\" is not the name of a file", printable(text))};
  file.path = text;
  return file;
}

std::string LoginMapFile::text() const {
  return (form == LoginMapForm::by_sender ? std::string(kPostfix) : "") + path.string();
}

Result<std::shared_ptr<const LoginMap>> LoginMap::parse(std::string_view text, LoginMapForm form,
                                                        const std::string& name) {
  auto map = std::make_shared<LoginMap>();
  map->form_ = form;
  std::vector<std::string> words;
  std::size_t begun = 0;
  const auto end_entry = [&]() -> Status {
    if (words.empty()) return Done{};
    auto added =
        form == LoginMapForm::by_login ? map->add_by_login(words) : map->add_by_sender(words);
    words.clear();
    if (added) return added;
    return Error{fmt::format("{}:{}: {}", name, begun, added.error().message)};
  };
  std::size_t number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    const std::string_view content = trim_fws(line);
    // postmap(1): empty lines and comments end nothing; a line that begins with a blank goes on.
    if (content.empty() || content.starts_with('#')) continue;
    if (!is_wsp(line.front())) {
      if (auto ended = end_entry(); !ended) return ended.error();
      begun = number;
    } else if (words.empty()) {
      return Error{fmt::format("{}:{}: goes on with a line that is not there", name, number)};
    }
    for (std::string& word : words_of(content)) words.push_back(std::move(word));
  }
  if (auto ended = end_entry(); !ended) return ended.error();
  return std::shared_ptr<const LoginMap>(std::move(map));
}

Status LoginMap::add_by_login(const std::vector<std::string>& words) {
  std::vector<AddressPattern> patterns;
  for (std::size_t i = 1; i < words.size(); ++i) {
    auto pattern = AddressPattern::parse(words[i]);
    if (!pattern || pattern->is_null()) {
      return Error{fmt::format("\"{}\" is neither an address nor a domain", printable(words[i]))};
    }
    patterns.push_back(std::move(*pattern));
  }
  if (patterns.empty())
    return Error{fmt::format("\"{}\" may sign for nothing", printable(words[0]))};
  if (!by_login_.try_emplace(words[0], std::move(patterns)).second)
    return Error{fmt::format("\"{}\" has a line already", printable(words[0]))};
  return Done{};
}

Status LoginMap::add_by_sender(const std::vector<std::string>& words) {
  const auto sender = AddressPattern::parse(words[0]);
  // "user" alone is of whatever domains the MTA takes for its own, which are not known here.
  if (!sender || !sender->local_part) {
    return Error{fmt::format("\"{}\" is neither user@domain nor @domain", printable(words[0]))};
  }
  if (words.size() < 2) return Error{fmt::format("\"{}\" has no login", printable(words[0]))};
  const std::string key = to_lower(*sender->local_part) + "@" + sender->domain->domain.text();
  if (!by_sender_.try_emplace(key, words.begin() + 1, words.end()).second)
    return Error{fmt::format("\"{}\" has a line already", printable(words[0]))};
  if (sender->is_mailbox()) domains_of_senders_.insert(sender->domain->domain.text());
  return Done{};
}

bool LoginMap::permits(const std::string& login, const DomainName& author_domain,
                       const std::optional<ReversePath>& mailbox) const {
  if (form_ == LoginMapForm::by_login) {
    const auto line = by_login_.find(login);
    if (line == by_login_.end()) return false;
    return std::any_of(line->second.begin(), line->second.end(), [&](const AddressPattern& known) {
      return known.is_mailbox() ? mailbox && known.matches(*mailbox)
                                : known.domain->matches(author_domain);
    });
  }
  if (mailbox) {
    const auto own = by_sender_.find(sender_key(*mailbox));
    if (own != by_sender_.end()) return own->second.contains(login);
  } else if (domains_of_senders_.contains(author_domain.text())) {
    return false;  // among several authors may be one whose address has other owners
  }
  const auto domain = by_sender_.find("@" + author_domain.text());
  return domain != by_sender_.end() && domain->second.contains(login);
}

}  // namespace authmilter
