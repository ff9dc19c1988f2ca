#include <authmilter/key_publication.h>

#include <optional>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/words.h"

namespace authmilter {
namespace {

using Kind = RecordChange::Kind;

constexpr std::size_t kTxtStringOctets = 255;

constexpr Word<Kind> kKinds[] = {{Kind::publish, "publish"},
                                 {Kind::revoke, "revoke"},
                                 {Kind::remove, "remove"},
                                 {Kind::alias, "alias"}};
static_assert(is_complete(kKinds, Kind::alias));

std::optional<Kind> kind_of(NextStep step) {
  switch (step) {
    case NextStep::publish:
      return Kind::publish;
    case NextStep::publish_empty:
      return Kind::revoke;
    case NextStep::remove_record:
      return Kind::remove;
    case NextStep::nothing:
    case NextStep::wait:
    case NextStep::look:
    case NextStep::retire:
      return std::nullopt;
  }
  return std::nullopt;
}

std::string text_of(Kind kind, const KeyLife& key) {
  switch (kind) {
    case Kind::publish:
      return key.record;
    case Kind::revoke:
      // RFC 6376 section 3.6.1: "An empty value means that this public key has been revoked."
      return fmt::format("v=DKIM1; k={}; p=", to_string(key.type));
    case Kind::remove:
    case Kind::alias:
      break;
  }
  return "";
}

/// A quoted string of a master file (RFC 1035 section 5.1): whatever is in it ends neither it nor
/// the line.
std::string in_quotes(std::string_view piece) {
  std::string text = "\"";
  for (const char c : piece) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet > 0x7e || c == '"' || c == '\\')
      text += fmt::format("\\{:03}", octet);
    else
      text += c;
  }
  return text + "\"";
}

std::string quoted(const std::string& text) {
  std::string line;
  for (const std::string& piece : txt_strings(text))
    line += (line.empty() ? "" : " ") + in_quotes(piece);
  return line;
}

std::string in_lines(const RecordChange& change) {
  const auto pieces = txt_strings(change.text);
  std::string text = fmt::format("{}. {} IN TXT", change.name.text(), change.ttl.count());
  if (pieces.size() == 1) return fmt::format("{} {}\n", text, in_quotes(pieces.front()));
  text += " (";
  for (const std::string& piece : pieces) text += "\n    " + in_quotes(piece);
  return text + " )\n";
}

std::string alias_line(const RecordChange& change) {
  return fmt::format("{}. {} IN CNAME {}.\n", change.name.text(), change.ttl.count(), change.text);
}

}  // namespace

std::string_view to_string(RecordChange::Kind kind) { return word_of(kKinds, kind); }

Result<std::string> record_place(const DomainName& domain, const Selector& selector,
                                 const RotationConfig& config) {
  const auto own = selector.key_name(domain);
  const auto there = config.delegated_to.empty()
                         ? own
                         : DomainName::parse(fmt::format("{}.{}.{}", selector.text(), domain.text(),
                                                         config.delegated_to));
  if (!own || !there) {
    return Error{fmt::format("{}: the name of the record of {} would be too long", domain.text(),
                             selector.text())};
  }
  return config.delegated_to.empty() ? std::string() : there->text();
}

Result<std::vector<RecordChange>> record_changes(const KeyLife& key, const DomainKeys& keys,
                                                 const RotationConfig& config) {
  std::vector<RecordChange> changes;
  const auto kind = kind_of(next_step(key, keys, config));
  if (!kind) return changes;
  const std::string who = fmt::format("{} {}", keys.domain.text(), key.selector.text());
  const auto own = key.selector.key_name(keys.domain);
  const auto delegated = record_place(keys.domain, key.selector, config);
  if (!own || !delegated)
    return Error{who + ": the record's name is none, or too long: choose a shorter selector"};
  if (!key.place.empty() && key.place != *delegated) {
    return Error{
        fmt::format("{}: by its state the record stands at {}, which is not where "
                    "rotation.delegated_to has it: no change of it is told",
                    who, printable(key.place))};
  }
  const auto name = key.place.empty() ? own : DomainName::parse(key.place);
  if (!name) return Error{who + ": the record's place is not a domain name"};
  if (*kind == Kind::publish && key.record.empty())
    return Error{who + ": its state has no record to publish"};
  const auto ttl = std::chrono::duration_cast<std::chrono::seconds>(config.record_ttl);
  if (*own != *name && *kind == Kind::publish)
    changes.push_back({Kind::alias, keys.domain, key.selector, *own, name->text(), ttl});
  changes.push_back({*kind, keys.domain, key.selector, *name, text_of(*kind, key), ttl});
  return changes;
}

Result<std::vector<RecordChange>> record_changes(const DomainKeys& keys,
                                                 const RotationConfig& config) {
  std::vector<RecordChange> changes;
  for (const KeyLife& key : keys.keys) {
    const auto of_key = record_changes(key, keys, config);
    if (!of_key) return of_key.error();
    changes.insert(changes.end(), of_key->begin(), of_key->end());
  }
  return changes;
}

std::vector<std::string> txt_strings(std::string_view text) {
  std::vector<std::string> strings;
  for (std::size_t at = 0; at < text.size(); at += kTxtStringOctets)
    strings.emplace_back(text.substr(at, kTxtStringOctets));
  return strings;
}

std::string zone_text(const std::vector<RecordChange>& changes) {
  std::string text;
  for (const RecordChange& change : changes) {
    switch (change.kind) {
      case Kind::publish:
        text += in_lines(change);
        break;
      case Kind::revoke:
        text += "; instead of the record that is there:\n" + in_lines(change);
        break;
      case Kind::remove:
        text += fmt::format("; no longer needed: {}. IN TXT\n", change.name.text());
        break;
      case Kind::alias:
        text +=
            fmt::format("; once, in the zone of {}:\n{}", change.domain.text(), alias_line(change));
        break;
    }
  }
  return text;
}

std::string nsupdate_text(const std::vector<RecordChange>& changes) {
  std::string text;
  for (const RecordChange& change : changes) {
    const std::string& name = change.name.text();
    if (change.kind == Kind::alias) {
      text +=
          fmt::format("; once, in the zone of {}: {}", change.domain.text(), alias_line(change));
      continue;
    }
    // In one update, so that there is no moment without a record.
    text += fmt::format("update delete {}. TXT\n", name);
    if (change.kind != Kind::remove)
      text +=
          fmt::format("update add {}. {} TXT {}\n", name, change.ttl.count(), quoted(change.text));
    text += "send\n";
  }
  return text;
}

}  // namespace authmilter
