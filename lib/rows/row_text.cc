#include "rows/row_text.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/ascii.h"

namespace authmilter {
namespace {

// A letter for each enumerator, in their order.
constexpr std::string_view kPolicies = "nqr";       // AssessmentPolicy
constexpr std::string_view kModes = "rs";           // AlignmentMode
constexpr std::string_view kPsd = "uyn";            // PsdFlag
constexpr std::string_view kReported = "npqr";      // ReportedDisposition
constexpr std::string_view kAligned = "pf";         // AlignedResult
constexpr std::string_view kResults = "npfsyute";   // ReportedResult
constexpr std::string_view kScopes = "mh";          // SpfScope
constexpr std::string_view kDecided = "atqrwd";     // Disposition: tempfail is `w`
constexpr std::string_view kOverrides = "lmotsfx";  // PolicyOverrideType: `t` is test mode

constexpr char kSeparator = '\t';  // of fields
constexpr char kNext = ';';        // of members of a list
constexpr char kWithin = ' ';      // of a member's parts
constexpr char kEscape = '%';
constexpr std::string_view kSame = "=";  // the same name as header_from
constexpr std::string_view kNone = "?";  // no name at all

template <class Enum>
char letter(std::string_view letters, Enum value) {
  return letters[static_cast<std::size_t>(value)];
}

template <class Enum>
std::optional<Enum> of_letter(std::string_view letters, char c) {
  const std::size_t at = letters.find(c);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<Enum>(at);
}

bool is_special(char c) {
  return static_cast<unsigned char>(c) < ' ' || c == kNext || c == kWithin || c == kEscape ||
         c == '=' || c == '?' || c == '\x7f';
}

/// Texts of received reports are whatever a stranger has written.
std::string escaped(std::string_view text) {
  if (std::none_of(text.begin(), text.end(), is_special)) return std::string(text);
  std::string out;
  for (const char c : text) {
    if (is_special(c)) {
      out += fmt::format("{}{:02x}", kEscape, static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out;
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned octet = 0;
    if (text[i] == kEscape && i + 2 < text.size() &&
        std::from_chars(&text[i + 1], &text[i] + 3, octet, 16).ptr == &text[i] + 3) {
      out += static_cast<char>(octet);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string name_text(std::string_view name, std::string_view header_from) {
  return name == header_from && !name.empty() ? std::string(kSame) : escaped(name);
}

std::string name_of(std::string_view text, std::string_view header_from) {
  return text == kSame ? std::string(header_from) : unescaped(text);
}

std::vector<std::string_view> members(std::string_view list) {
  return list.empty() ? std::vector<std::string_view>() : split(list, kNext);
}

template <class List, class Text>
std::string list_text(const List& list, Text text) {
  std::string out;
  for (const auto& member : list) {
    if (&member != &list.front()) out += kNext;
    out += text(member);
  }
  return out;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string words_of(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::vector<std::string> to_words(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string_view word : split(text, ' ')) {
    if (!word.empty()) words.emplace_back(word);
  }
  return words;
}

std::optional<Rule> parse_rule(std::string_view word) {
  for (int i = 0; i <= static_cast<int>(Rule::internal); ++i) {
    if (to_string(static_cast<Rule>(i)) == word) return static_cast<Rule>(i);
  }
  return std::nullopt;
}

// The members of AggregateRecord that are lists.

std::string reason_text(const PolicyOverrideReason& reason) {
  return letter(kOverrides, reason.type) + escaped(reason.comment);
}

bool read_reasons(std::string_view text, AggregateRecord& record) {
  for (const std::string_view member : members(text)) {
    if (member.empty()) return false;
    const auto type = of_letter<PolicyOverrideType>(kOverrides, member.front());
    if (!type) return false;
    record.reasons.push_back({*type, unescaped(member.substr(1))});
  }
  return true;
}

std::string dkim_text(const ReportedDkim& dkim, std::string_view header_from) {
  std::string text = fmt::format("{}{} {}", letter(kResults, dkim.result),
                                 name_text(dkim.domain, header_from), escaped(dkim.selector));
  return dkim.human_result.empty() ? text : text + kWithin + escaped(dkim.human_result);
}

bool read_dkim(std::string_view text, AggregateRecord& record) {
  for (const std::string_view member : members(text)) {
    const auto parts = split(member, kWithin);
    if (parts.size() < 2 || parts.size() > 3 || parts[0].empty()) return false;
    const auto result = of_letter<ReportedResult>(kResults, parts[0].front());
    if (!result) return false;
    record.dkim_results.push_back({name_of(parts[0].substr(1), record.header_from),
                                   unescaped(parts[1]), *result,
                                   parts.size() == 3 ? unescaped(parts[2]) : std::string()});
  }
  return true;
}

std::string spf_text(const ReportedSpf& spf, std::string_view header_from) {
  std::string text = fmt::format("{}{}{}", letter(kResults, spf.result),
                                 spf.scope ? letter(kScopes, *spf.scope) : '-',
                                 name_text(spf.domain, header_from));
  return spf.human_result.empty() ? text : text + kWithin + escaped(spf.human_result);
}

bool read_spf(std::string_view text, AggregateRecord& record) {
  for (const std::string_view member : members(text)) {
    const auto parts = split(member, kWithin);
    if (parts.size() > 2 || parts[0].size() < 2) return false;
    const auto result = of_letter<ReportedResult>(kResults, parts[0][0]);
    const auto scope = of_letter<SpfScope>(kScopes, parts[0][1]);
    if (!result || (!scope && parts[0][1] != '-')) return false;
    record.spf_results.push_back({name_of(parts[0].substr(2), record.header_from), scope, *result,
                                  parts.size() == 2 ? unescaped(parts[1]) : std::string()});
  }
  return true;
}

constexpr std::size_t kKindFields = 8;
constexpr std::size_t kPolicyFields = 5;
// Day, source, count, policy domain, then the policy's and the kind's.
constexpr std::size_t kRowFields = 4 + kPolicyFields + kKindFields;

/// Where field number `count` of a text begins.
std::size_t begin_of_field(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (; count != 0 && at != std::string_view::npos; --count) {
    at = text.find(kSeparator, at);
    if (at != std::string_view::npos) ++at;
  }
  return at;
}

}  // namespace

std::string policy_text(const PolicyInForce& policy) {
  const PolicyPublished& published = policy.published;
  std::string letters;
  for (const auto p : {published.p, published.sp, published.np})
    letters += p ? letter(kPolicies, *p) : '-';
  for (const auto mode : {published.adkim, published.aspf})
    letters += mode ? letter(kModes, *mode) : '-';
  letters += published.testing ? (*published.testing ? 'y' : 'n') : '-';
  letters += letter(kPsd, policy.psd);
  return fmt::format("{}\t{}\t{}\t{}\t{}", letters, escaped(published.fo), words_of(policy.rua),
                     words_of(policy.ruf), escaped(policy.error));
}

std::optional<PolicyInForce> parse_policy(const DomainName& domain, std::string_view text) {
  const auto fields = split(text, kSeparator);
  if (fields.size() != kPolicyFields || fields[0].size() != 7) return std::nullopt;
  const std::string_view letters = fields[0];
  PolicyInForce policy{.published = {.domain = domain}};
  PolicyPublished& published = policy.published;
  published.p = of_letter<AssessmentPolicy>(kPolicies, letters[0]);
  published.sp = of_letter<AssessmentPolicy>(kPolicies, letters[1]);
  published.np = of_letter<AssessmentPolicy>(kPolicies, letters[2]);
  published.adkim = of_letter<AlignmentMode>(kModes, letters[3]);
  published.aspf = of_letter<AlignmentMode>(kModes, letters[4]);
  published.discovery_method = DiscoveryMethod::treewalk;
  if (letters[5] != '-') published.testing = letters[5] == 'y';
  const auto psd = of_letter<PsdFlag>(kPsd, letters[6]);
  if (!psd) return std::nullopt;
  policy.psd = *psd;
  published.fo = unescaped(fields[1]);
  policy.rua = to_words(fields[2]);
  policy.ruf = to_words(fields[3]);
  policy.error = unescaped(fields[4]);
  return policy;
}

std::string kind_text(const ReportRow& row) {
  const AggregateRecord& record = row.record;
  const std::string& from = record.header_from;
  std::string envelope_from(kNone);
  if (record.envelope_from) envelope_from = name_text(*record.envelope_from, from);
  // "dmarc.pass" is what most rows have.
  const std::string_view rule =
      row.rule == Rule::dmarc_pass ? std::string_view() : to_string(row.rule);
  return fmt::format(
      "{}\t{}\t{}\t{}{}{}{}{}\t{}\t{}\t{}\t{}", escaped(from), envelope_from,
      name_text(record.envelope_to, from), letter(kReported, record.disposition),
      letter(kAligned, record.dkim), letter(kAligned, record.spf), letter(kDecided, row.decided),
      row.monitored ? "m" : "", rule, list_text(record.reasons, reason_text),
      list_text(record.dkim_results,
                [&](const ReportedDkim& dkim) { return dkim_text(dkim, from); }),
      list_text(record.spf_results, [&](const ReportedSpf& spf) { return spf_text(spf, from); }));
}

std::optional<ReportRow> parse_kind(std::string_view text) {
  const auto fields = split(text, kSeparator);
  if (fields.size() != kKindFields || fields[3].size() < 4) return std::nullopt;
  ReportRow row;
  AggregateRecord& record = row.record;
  record.header_from = unescaped(fields[0]);
  if (fields[1] != kNone) record.envelope_from = name_of(fields[1], record.header_from);
  record.envelope_to = name_of(fields[2], record.header_from);
  const auto disposition = of_letter<ReportedDisposition>(kReported, fields[3][0]);
  const auto dkim = of_letter<AlignedResult>(kAligned, fields[3][1]);
  const auto spf = of_letter<AlignedResult>(kAligned, fields[3][2]);
  const auto decided = of_letter<Disposition>(kDecided, fields[3][3]);
  const auto rule = fields[4].empty() ? Rule::dmarc_pass : parse_rule(fields[4]);
  if (!disposition || !dkim || !spf || !decided || !rule) return std::nullopt;
  record.disposition = *disposition;
  record.dkim = *dkim;
  record.spf = *spf;
  row.decided = *decided;
  row.rule = *rule;
  row.monitored = fields[3].size() > 4;
  if (!read_reasons(fields[5], record) || !read_dkim(fields[6], record) ||
      !read_spf(fields[7], record))
    return std::nullopt;
  return row;
}

std::string row_text(const ReportRow& row) {
  const std::string domain = row.policy ? row.policy->published.domain.text() : "";
  const std::string policy =
      row.policy ? policy_text(*row.policy) : std::string(kPolicyFields - 1, kSeparator);
  return fmt::format("{}\t{}\t{}\t{}\t{}\t{}", row.day, row.record.source_ip.text(),
                     row.record.count, domain, policy, kind_text(row));
}

std::optional<ReportRow> parse_row(std::string_view text) {
  if (text.find('\n') != std::string_view::npos) return std::nullopt;
  const auto fields = split(text, kSeparator);
  if (fields.size() != kRowFields) return std::nullopt;
  const auto day = parse_number<ReportDay>(fields[0]);
  const auto source = IpAddress::parse(fields[1]);
  const auto count = parse_number<std::uint64_t>(fields[2]);
  const std::size_t policy_begin = begin_of_field(text, 4);
  const std::size_t kind_begin = begin_of_field(text, 4 + kPolicyFields);
  auto row = parse_kind(text.substr(kind_begin));
  if (!day || !source || !count || !row) return std::nullopt;
  row->day = *day;
  row->record.source_ip = *source;
  row->record.count = *count;
  if (fields[3].empty()) return row;
  const auto domain = DomainName::parse(fields[3]);
  if (!domain) return std::nullopt;
  row->policy = parse_policy(*domain, text.substr(policy_begin, kind_begin - policy_begin - 1));
  if (!row->policy) return std::nullopt;
  return row;
}

}  // namespace authmilter
