#include <authmilter/message.h>

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "message/syntax.h"

namespace authmilter {
namespace {

constexpr auto npos = std::string_view::npos;

/// What a reader could take for the end of a local part, or for a comment. The backslash and the
/// quote only mean something in a Quoted-string.
constexpr std::string_view kSplitting = "()<>[]:;@\\,\"";

/// What a local part means: the content of a Quoted-string (RFC 5321 section 4.1.2), or the text
/// itself. Nothing when another reader could find its end elsewhere.
std::optional<std::string> local_part_meaning(std::string_view text) {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  if (quoted) {
    text = text.substr(1, text.size() - 2);
  } else if (text.starts_with(' ') || text.ends_with(' ')) {
    return std::nullopt;  // to some readers no part of it
  }
  std::string meaning;
  while (!text.empty()) {
    std::size_t length = utf8_sequence(text);
    if (length == 0) {
      char c = text.front();
      if (!is_printable(c) || c == '"') return std::nullopt;
      if (!quoted && kSplitting.find(c) != npos) return std::nullopt;
      if (c == '\\') {
        text.remove_prefix(1);
        if (text.empty() || !is_printable(text.front())) return std::nullopt;
      }
      length = 1;
    }
    meaning += text.substr(0, length);
    text.remove_prefix(length);
  }
  return meaning;
}

/// The mailbox behind a source route (RFC 5321 section 4.1.2, A-d-l), or all of the text where
/// there is none. Nothing when what looks like a route is not a list of domain names.
std::optional<std::string_view> without_route(std::string_view text) {
  const std::size_t end = text.starts_with('@') ? text.find(':') : npos;
  if (end == npos) return text;
  for (const auto hop : split(text.substr(0, end), ',')) {
    if (!hop.starts_with('@') || !DomainName::parse(hop.substr(1))) return std::nullopt;
  }
  text.remove_prefix(end + 1);
  if (text.empty()) return std::nullopt;  // a route leads to a mailbox
  return text;
}

ReversePath failed(ReversePath path, PathError error) {
  path.error = error;
  return path;
}

}  // namespace

ReversePath parse_reverse_path(std::string_view text) {
  ReversePath path;
  path.text = text;
  if (text.starts_with('<') && text.ends_with('>')) text = text.substr(1, text.size() - 2);
  path.null = text.empty();
  if (path.null) return path;

  // The domain holds no '@', so the last one ends the local part, whatever that is.
  const std::size_t at = text.rfind('@');
  auto domain = at == npos ? std::nullopt : DomainName::parse(text.substr(at + 1));
  if (!domain) return failed(std::move(path), PathError::invalid_domain);
  const auto mailbox = without_route(text.substr(0, at));
  auto local_part = mailbox ? local_part_meaning(*mailbox) : std::nullopt;
  if (!local_part) return failed(std::move(path), PathError::invalid_local_part);
  path.local_part = *std::move(local_part);
  path.domain = std::move(domain);
  return path;
}

std::string mailbox_text(const ReversePath& path) {
  if (!path.domain) return "";
  // Dots stay as they are: who writes "a..b" has no other name for that mailbox.
  const bool plain = std::all_of(path.local_part.begin(), path.local_part.end(),
                                 [](char c) { return is_atext(c) || c == '.'; });
  std::string text;
  if (!plain) text += '"';
  for (const char c : path.local_part) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  if (!plain) text += '"';
  return text + "@" + path.domain->text();
}

Helo parse_helo(std::string_view text) {
  // Address literals are not domain names, so they go the same way.
  auto name = DomainName::parse(text);
  if (name && name->label_count() < 2) name.reset();
  return {std::string(text), std::move(name)};
}

}  // namespace authmilter
