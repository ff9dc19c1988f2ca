#include "audit_views/report_parts.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include <fmt/format.h>

#include "base/word_list.h"

namespace authmilter {
namespace {

constexpr RuleFamily kFamilies[] = {
    {"spf", "Who may send in your name (SPF)"},
    {"dkim", "Signatures of your mail (DKIM)"},
    {"dmarc", "What becomes of forgeries (DMARC)"},
    {"mx", "Where your mail comes in (MX)"},
    {"starttls tls", "Encryption between mail servers (TLS)"},
    {"cert", "Certificates of your mail servers"},
    {"dnssec", "Signed answers of the DNS (DNSSEC)"},
    {"dane", "Certificates named in the DNS (DANE)"},
    {"mtasts tlsrpt bimi", "Further records: MTA-STS, reports of TLS, logos"},
    {"client", "Servers that people's devices use"},
    {"webmail", "Mail on the web"},
    {"resolver", "The resolver of this host"},
    {"postfix", "Postfix on this host"},
    {"authmilter", "What authmilter does here with mail"},
    {"", "Other"},
};

bool more_urgent(CheckStatus one, CheckStatus other) {
  return one != other && worse(one, other) == one;
}

void sort_by_urgency(std::vector<const AuditCheck*>& checks) {
  std::stable_sort(checks.begin(), checks.end(), [](const AuditCheck* a, const AuditCheck* b) {
    return more_urgent(a->status, b->status);
  });
}

/// Of a number of seconds that may have come from a file.
struct CivilTime {
  std::chrono::year_month_day day;
  std::int64_t hour, minute, second;
};
CivilTime civil(std::int64_t time) {
  constexpr std::int64_t kLast = 253402300799;  // of the year 9999
  const std::chrono::sys_seconds at{std::chrono::seconds(std::clamp<std::int64_t>(time, 0, kLast))};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::int64_t rest = (at - day).count();
  return {day, rest / 3600, rest / 60 % 60, rest % 60};
}

std::string day_of(const CivilTime& time) {
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(time.day.year()),
                     static_cast<unsigned>(time.day.month()),
                     static_cast<unsigned>(time.day.day()));
}

}  // namespace

const RuleFamily& family_of(const AuditRule& rule) {
  const std::string_view prefix = rule.id.substr(0, rule.id.find('.'));
  const auto* found =
      std::find_if(std::begin(kFamilies), std::end(kFamilies) - 1,
                   [&](const RuleFamily& family) { return has_word(family.prefixes, prefix); });
  return *found;
}

std::vector<const AuditCheck*> to_do(const DomainAudit& domain) {
  std::vector<const AuditCheck*> checks;
  for (const AuditCheck& check : domain.checks) {
    if (more_urgent(check.status, CheckStatus::info)) checks.push_back(&check);
  }
  sort_by_urgency(checks);
  return checks;
}

std::vector<FamilyChecks> by_family(const DomainAudit& domain) {
  std::vector<FamilyChecks> families;
  for (const RuleFamily& family : kFamilies) {
    FamilyChecks of{&family, {}};
    for (const AuditCheck& check : domain.checks) {
      if (&family_of(*check.rule) == &family) of.checks.push_back(&check);
    }
    sort_by_urgency(of.checks);
    if (!of.checks.empty()) families.push_back(std::move(of));
  }
  return families;
}

StatusCounts count(const DomainAudit& domain) {
  StatusCounts counts;
  for (const AuditCheck& check : domain.checks) {
    switch (check.status) {
      case CheckStatus::pass:
        ++counts.pass;
        break;
      case CheckStatus::info:
        ++counts.info;
        break;
      case CheckStatus::warn:
        ++counts.warn;
        break;
      case CheckStatus::fail:
        ++counts.fail;
        break;
      case CheckStatus::unknown:
        ++counts.unknown;
        break;
    }
  }
  return counts;
}

std::string summary(const DomainAudit& domain) {
  const StatusCounts counts = count(domain);
  std::string text;
  const auto add = [&](std::size_t number, std::string_view words) {
    if (number == 0) return;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", number, words);
  };
  add(counts.fail, words_for(CheckStatus::fail));
  add(counts.warn, words_for(CheckStatus::warn));
  add(counts.unknown, words_for(CheckStatus::unknown));
  add(counts.pass + counts.info, words_for(CheckStatus::pass));
  return text.empty() ? "nothing was looked at" : text;
}

std::string_view words_for(CheckStatus status) {
  switch (status) {
    case CheckStatus::pass:
      return "in order";
    case CheckStatus::info:
      return "for your information";
    case CheckStatus::warn:
      return "to look at";
    case CheckStatus::fail:
      return "to mend";
    case CheckStatus::unknown:
      return "not known";
  }
  return "not known";
}

std::string_view words_for(PointStatus status) {
  switch (status) {
    case PointStatus::fulfilled:
      return "fulfilled";
    case PointStatus::not_fulfilled:
      return "not fulfilled";
    case PointStatus::not_testable:
      return "not testable from here";
  }
  return "not testable from here";
}

std::string words_for(const CheckChange& change) {
  switch (change.kind) {
    case ChangeKind::better:
    case ChangeKind::worse:
      return fmt::format("{}: was {}, is {}", to_string(change.kind), words_for(change.before),
                         words_for(change.now));
    case ChangeKind::appeared:
      return fmt::format("new: {}", words_for(change.now));
    case ChangeKind::gone:
      return fmt::format("not looked at any more: was {}", words_for(change.before));
  }
  return "";
}

std::vector<CheckChange> changes_at(const AuditReport& report, std::size_t domain) {
  if (domain >= report.changes.size()) return {};
  return report.changes[domain];
}

Provenance provenance(const AuditReport& report) {
  Provenance lines = {
      {"Looked at", minute_text(report.header.time)},
      {"Program", report.header.program},
      {"Resolver", report.header.resolver},
      {"TLS library", report.header.tls_library},
      {"Profile", report.profile.title.empty()
                      ? report.profile.name
                      : fmt::format("{}: {}", report.profile.name, report.profile.title)},
      {"SHA-256 of the facts", report.facts_sha256},
  };
  if (report.header.host)
    lines.insert(lines.begin() + 1, {"On the mail server", report.header.host->name});
  if (report.since != 0)
    lines.insert(lines.begin() + 1, {"Compared with", minute_text(report.since)});
  std::erase_if(lines, [](const auto& line) { return line.second.empty(); });
  return lines;
}

std::string minute_text(std::int64_t time) {
  const CivilTime at = civil(time);
  return fmt::format("{} {:02}:{:02} UTC", day_of(at), at.hour, at.minute);
}

std::string instant_text(std::int64_t time) {
  const CivilTime at = civil(time);
  return fmt::format("{}T{:02}:{:02}:{:02}Z", day_of(at), at.hour, at.minute, at.second);
}

}  // namespace authmilter
