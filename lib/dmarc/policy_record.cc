#include "dmarc/policy_record.h"

#include <algorithm>
#include <iterator>

#include "base/ascii.h"
#include "base/txt_record.h"
#include "dmarc/report_destinations.h"

namespace authmilter {
namespace {

constexpr std::size_t kTextShown = 512;  // of the record, in results and logs
constexpr std::size_t kNotes = 8;        // about one record: its author can write thousands of tags

/// Every tag that RFC 9989 section 4.7 knows. A record has each at most once.
enum class Tag : std::uint8_t { v, p, sp, np, psd, t, adkim, aspf, fo, rua, ruf, unknown };
constexpr std::size_t kTags = static_cast<std::size_t>(Tag::unknown);

Tag tag_named(std::string_view name) {
  constexpr struct {
    std::string_view name;
    Tag tag;
  } kNames[] = {{"v", Tag::v},     {"p", Tag::p},     {"sp", Tag::sp},       {"np", Tag::np},
                {"psd", Tag::psd}, {"t", Tag::t},     {"adkim", Tag::adkim}, {"aspf", Tag::aspf},
                {"fo", Tag::fo},   {"rua", Tag::rua}, {"ruf", Tag::ruf}};
  // RFC 9989 section 4.8: quoted strings of the ABNF are case-insensitive.
  const auto* const found =
      std::find_if(std::begin(kNames), std::end(kNames),
                   [&](const auto& row) { return equals_ignoring_case(row.name, name); });
  return found == std::end(kNames) ? Tag::unknown : found->tag;
}

std::optional<AssessmentPolicy> parse_request(std::string_view value) {
  for (const auto policy :
       {AssessmentPolicy::none, AssessmentPolicy::quarantine, AssessmentPolicy::reject}) {
    if (equals_ignoring_case(value, to_string(policy))) return policy;
  }
  return std::nullopt;
}

std::optional<AlignmentMode> parse_mode(std::string_view value) {
  if (equals_ignoring_case(value, "r")) return AlignmentMode::relaxed;
  if (equals_ignoring_case(value, "s")) return AlignmentMode::strict;
  return std::nullopt;
}

std::optional<PsdFlag> parse_psd(std::string_view value) {
  if (equals_ignoring_case(value, "y")) return PsdFlag::y;
  if (equals_ignoring_case(value, "n")) return PsdFlag::n;
  if (equals_ignoring_case(value, "u")) return PsdFlag::u;
  return std::nullopt;
}

std::optional<bool> parse_testing(std::string_view value) {
  if (equals_ignoring_case(value, "y")) return true;
  if (equals_ignoring_case(value, "n")) return false;
  return std::nullopt;
}

/// RFC 9989 section 4.7, `fo`: `0` and `1` exclude each other, and nothing stands twice.
std::optional<std::string> parse_fo(std::string_view value) {
  std::string seen;
  for (const std::string_view piece : split(value, ':')) {
    const std::string_view option = trim_wsp(piece);
    if (option.size() != 1) return std::nullopt;
    const char c = to_lower(option.front());
    if (std::string_view("01ds").find(c) == std::string_view::npos) return std::nullopt;
    if (seen.find(c) != std::string::npos) return std::nullopt;
    seen += c;
  }
  if (seen.find('0') != std::string::npos && seen.find('1') != std::string::npos)
    return std::nullopt;
  std::string text;
  for (const char c : seen) {
    if (!text.empty()) text += ':';
    text += c;
  }
  return text;
}

/// One `name = value`. The value is empty when it holds what RFC 9989 section 4.8 does not allow in
/// any value, which then fails every check that follows.
struct RawTag {
  std::string_view name;
  std::string_view value;
};

std::optional<RawTag> read_tag(std::string_view piece) {
  const std::size_t equals = piece.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  RawTag tag{trim_wsp(piece.substr(0, equals)), trim_wsp(piece.substr(equals + 1))};
  if (tag.name.empty() || !std::all_of(tag.name.begin(), tag.name.end(), is_alpha))
    return std::nullopt;
  if (!std::all_of(tag.value.begin(), tag.value.end(), is_printable)) tag.value = {};
  return tag;
}

/// Fills a PolicyRecord tag by tag.
class RecordReader {
 public:
  explicit RecordReader(std::string_view text) { record_.text = printable(text, kTextShown); }

  Status read(std::string_view piece) {
    if (piece.empty()) return Done{};  // the optional last separator, or a stray one
    const auto tag = read_tag(piece);
    // RFC 9989 section 4.7: syntax errors after the version are ignored.
    if (!tag) {
      note("ignored \"" + printable(piece, 40) + "\": not a tag");
      return Done{};
    }
    const Tag known = tag_named(tag->name);
    if (known == Tag::unknown) {
      note_unknown(*tag);
      return Done{};
    }
    // RFC 9989 section 4.7 takes the tag-list of RFC 6376 section 3.2, where a name that occurs
    // twice makes the whole list invalid. Taking the first or the last `p` would let two receivers
    // read two policies. Unknown tags are outside of it, as they must be ignored.
    bool& seen = seen_[static_cast<std::size_t>(known)];
    if (seen) return Error{"tag \"" + to_lower(tag->name) + "\" occurs twice"};
    seen = true;
    take(known, *tag);
    return Done{};
  }

  PolicyRecord finish() {
    // RFC 9989 section 4.10.1.
    record_.invalid_policy = !record_.p || invalid_subdomain_policy_;
    if (!has(Tag::p)) note("tag \"p\" is missing");
    // RFC 9989 section 4.7: `fo` means nothing without `ruf`.
    if (!has(Tag::ruf)) record_.fo = "0";
    return std::move(record_);
  }

 private:
  bool has(Tag tag) const { return seen_[static_cast<std::size_t>(tag)]; }

  void note(std::string text) {
    if (record_.notes.size() < kNotes) record_.notes.push_back(std::move(text));
  }

  void note_unknown(const RawTag& tag) {
    const std::string name = to_lower(tag.name);
    // RFC 9989 section 4.7 leaves these three of RFC 7489 out: unknown, like any other.
    const bool historic = name == "pct" || name == "rf" || name == "ri";
    note("ignored tag \"" + printable(name, 40) + "\": " + (historic ? "historic" : "unknown"));
  }

  /// Assigns a valid value. An invalid one is reported, and leaves the default (RFC 9989 section
  /// 4.7).
  template <class Field, class Value>
  bool assign(Field& field, std::optional<Value> value, const RawTag& tag) {
    if (value) {
      field = std::move(*value);
      return true;
    }
    note("tag \"" + to_lower(tag.name) + "\" has no valid value");
    return false;
  }

  void take(Tag known, const RawTag& tag) {
    switch (known) {
      case Tag::p:
        assign(record_.p, parse_request(tag.value), tag);
        break;
      case Tag::sp:
        if (!assign(record_.sp, parse_request(tag.value), tag)) invalid_subdomain_policy_ = true;
        break;
      case Tag::np:
        if (!assign(record_.np, parse_request(tag.value), tag)) invalid_subdomain_policy_ = true;
        break;
      case Tag::psd:
        assign(record_.psd, parse_psd(tag.value), tag);
        break;
      case Tag::t:
        assign(record_.testing, parse_testing(tag.value), tag);
        break;
      case Tag::adkim:
        assign(record_.adkim, parse_mode(tag.value), tag);
        break;
      case Tag::aspf:
        assign(record_.aspf, parse_mode(tag.value), tag);
        break;
      case Tag::fo:
        assign(record_.fo, parse_fo(tag.value), tag);
        break;
      case Tag::rua:
        record_.rua = parse_report_destinations(tag.value);
        break;
      case Tag::ruf:
        record_.ruf = parse_report_destinations(tag.value);
        break;
      case Tag::v:
      case Tag::unknown:
        break;
    }
  }

  PolicyRecord record_;
  bool seen_[kTags] = {};
  bool invalid_subdomain_policy_ = false;
};

}  // namespace

bool is_policy_record(std::string_view published) {
  const std::string_view text = without_trailing_blanks(published);
  const std::string_view first = text.substr(0, text.find(';'));
  const std::size_t equals = first.find('=');
  if (equals == std::string_view::npos || first.empty() || is_wsp(first.front())) return false;
  // RFC 9989 section 4.7: the version comes first and matches precisely; its name is an ABNF
  // string, so of any case.
  return equals_ignoring_case(trim_wsp(first.substr(0, equals)), "v") &&
         trim_wsp(first.substr(equals + 1)) == "DMARC1";
}

Result<PolicyRecord> parse_policy_record(std::string_view published) {
  // RFC 9989 section 4.8: blanks may stand at the end, and a line end there means no more.
  const std::string_view text = without_trailing_blanks(published);
  RecordReader reader(text);
  for (const std::string_view piece : split(text, ';')) {
    if (const Status status = reader.read(trim_wsp(piece)); !status) return status.error();
  }
  return reader.finish();
}

}  // namespace authmilter
