#include <authmilter/message.h>

#include "base/ascii.h"
#include "message/syntax.h"

namespace authmilter {
namespace {

// RFC 5321 section 4.5.3.1.3: a path has 256 octets. The 64 of section 4.5.3.1.1 for a local part
// are not kept by bounce addresses, so whoever expands a macro of it has to mind its length.
constexpr std::size_t kLocalPartOctets = 256;

constexpr auto npos = std::string_view::npos;

/// Where the local part ends; npos when none is there. Unlike a header's, an envelope's address has
/// no blanks and comments around its parts.
std::size_t local_part_end(std::string_view text) {
  if (text.starts_with('"')) {
    const std::size_t end = skip_quoted_string(text, 0);
    if (end == npos) return npos;
    // RFC 5321 section 4.1.2: qtextSMTP and quoted-pairSMTP have blanks, but neither tabs nor
    // folds.
    for (const char c : text.substr(0, end)) {
      if (is_fws(c) && c != ' ') return npos;
    }
    return end;
  }
  const std::size_t end = text.find('@');
  return end != npos && is_dot_atom(text.substr(0, end)) ? end : npos;
}

}  // namespace

ReversePath parse_reverse_path(std::string_view text) {
  ReversePath path;
  if (text.starts_with('<') != text.ends_with('>')) return path;
  if (text.starts_with('<')) text = text.substr(1, text.size() - 2);
  if (text.empty()) {
    path.null = true;
    return path;
  }
  // RFC 5321 section 4.1.1.3 lets a server ignore a source route. Nobody sends one but to make two
  // programs read two domains, so it is no mailbox here.
  const std::size_t at = local_part_end(text);
  if (at == npos || at > kLocalPartOctets || at == text.size() || text[at] != '@') return path;
  path.domain = DomainName::parse(text.substr(at + 1));
  if (path.domain) path.local_part = text.substr(0, at);
  return path;
}

std::optional<DomainName> parse_helo(std::string_view text) {
  // Address literals are no domain names, so they go the same way.
  auto name = DomainName::parse(text);
  if (name && name->label_count() < 2) return std::nullopt;
  return name;
}

}  // namespace authmilter
