#include <algorithm>
#include <limits>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <authmilter/audit_view.h>

#include "audit_views/report_parts.h"
#include "base/ascii.h"
#include "base/utf8.h"

namespace authmilter {
namespace {

constexpr std::size_t kWidth = 79;  // of the narrowest terminal in use

/// What a stranger wrote, fit for a terminal and not cut: an auditor needs all of it.
std::string safe(std::string_view text) {
  return printable(text, std::numeric_limits<std::size_t>::max());
}

/// The same for what a person wrote, whose letters may lie outside of ASCII.
std::string words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Utf8Character character = first_utf8_character(text);
    const std::size_t octets = std::max<std::size_t>(character.octets, 1);
    // Controls, those of C1, and what turns the direction of a line.
    const std::uint32_t code = character.code;
    const bool command = character.octets == 0 || code < ' ' || (code >= 0x7f && code < 0xa0) ||
                         (code >= 0x200e && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    const std::string_view piece = text.substr(0, octets);
    out += command ? safe(piece) : std::string(piece);
    text.remove_prefix(octets);
  }
  return out;
}

/// `text` in lines of kWidth, broken at blanks where there are any; `first` stands before the first
/// line, and as many blanks before the others.
std::string wrapped(std::string_view first, std::string_view text) {
  std::string out(first);
  std::size_t at = first.size();
  const std::string indent = "\n" + std::string(first.size(), ' ');
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    const bool fresh = at == first.size();
    if (!fresh && at + 1 + word.size() > kWidth) {
      out += indent;
      at = first.size();
    } else if (!fresh) {
      out += ' ';
      ++at;
    }
    out += word;
    at += word.size();
  }
  return out + '\n';
}

std::string heading(std::string_view text) {
  return fmt::format("\n{}\n{}\n", text, std::string(text.size(), '-'));
}

std::string what_to_do(const DomainAudit& domain) {
  const auto checks = to_do(domain);
  if (checks.empty()) return "";
  std::string text = heading("What to do, the most urgent first");
  std::size_t number = 0;
  for (const AuditCheck* check : checks) {
    text += wrapped(fmt::format("{:>3}. ", ++number),
                    fmt::format("Should be so: {} ({}; {})", check->rule->title,
                                words_for(check->status), check->rule->id));
    const std::string remedy = check->remedy();
    if (!remedy.empty()) text += wrapped("     Do:   ", safe(remedy));
    const std::string evidence = check->evidence();
    if (!evidence.empty()) text += wrapped("     Seen: ", safe(evidence));
  }
  return text + wrapped("     ", "What stands behind each: authmilter audit --explain ID");
}

std::string points(const DomainAudit& domain) {
  std::string text = heading("The measure of NUKIB, point by point");
  for (const PointResult& point : domain.points) {
    text += wrapped(fmt::format("{:<6}", point.point->point),
                    fmt::format("{}: {}", words_for(point.status), point.point->title));
    if (!point.evidence.empty()) text += wrapped("      Seen: ", safe(point.evidence));
    if (point.status == PointStatus::not_testable)
      text += wrapped("      Show: ", point.point->how_to_show);
  }
  return text;
}

std::string changes(const AuditReport& report, std::size_t place) {
  if (report.since == 0) return "";
  std::string text = heading("What has changed since " + minute_text(report.since));
  const auto changed = changes_at(report, place);
  if (changed.empty()) return text + "Nothing.\n";
  for (const CheckChange& change : changed) {
    const AuditRule* rule = find_audit_rule(change.id);
    text += wrapped(is_worse(change) ? "!  " : "   ",
                    fmt::format("{} ({}), {}", rule == nullptr ? change.id : rule->title, change.id,
                                words_for(change)));
    if (!change.evidence_before.empty())
      text += wrapped("   Before: ", safe(change.evidence_before));
    if (!change.evidence_now.empty()) text += wrapped("   Now:    ", safe(change.evidence_now));
  }
  return text;
}

std::string all_checks(const DomainAudit& domain) {
  std::string text = heading("All that was looked at");
  for (const FamilyChecks& family : by_family(domain)) {
    text += fmt::format("{}\n", family.family->title);
    for (const AuditCheck* check : family.checks) {
      text += wrapped(fmt::format("  {:<8}", to_string(check->status)),
                      fmt::format("{} ({})", check->rule->title, check->rule->id));
      const std::string evidence = check->evidence();
      // What there is to do is above, with what was seen.
      if (!evidence.empty() &&
          (check->status == CheckStatus::pass || check->status == CheckStatus::info))
        text += wrapped("          ", safe(evidence));
    }
  }
  return text;
}

}  // namespace

std::string audit_text(const AuditReport& report) {
  std::string text;
  for (std::size_t place = 0; place < report.domains.size(); ++place) {
    const DomainAudit& domain = report.domains[place];
    const std::string title = fmt::format("{}: {}", domain.domain.text(), summary(domain));
    text += fmt::format("{}{}\n{}\n", place == 0 ? "" : "\n\n", title,
                        std::string(std::min(title.size(), kWidth), '='));
    text += changes(report, place);
    if (report.profile.prints_measure) text += points(domain);
    text += what_to_do(domain);
    text += all_checks(domain);
  }
  text += '\n';
  for (const auto& [name, value] : provenance(report))
    text += fmt::format("{}: {}\n", name, words(value));
  return text;
}

std::string rule_page(const AuditRule& rule) {
  std::string text = fmt::format("{}\n{}\n\n", rule.id, std::string(rule.id.size(), '='));
  text += wrapped("", rule.title) + '\n';
  text += wrapped("Looked at:  ", rule.looked_at);
  text += wrapped("Reference:  ", rule.reference);
  if (!rule.points.empty()) text += wrapped("Measure:    ", rule.points);
  // Paragraphs are separated by empty lines; single line ends mean nothing.
  std::string_view page = rule.page;
  while (!page.empty()) {
    const std::size_t end = std::min(page.find("\n\n"), page.size());
    std::string paragraph(page.substr(0, end));
    std::replace(paragraph.begin(), paragraph.end(), '\n', ' ');
    text += '\n' + wrapped("", paragraph);
    page.remove_prefix(std::min(end + 2, page.size()));
  }
  return text;
}

}  // namespace authmilter
