#include <authmilter/report_reader.h>

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include <authmilter/crypto.h>
#include <authmilter/message.h>

#include "archive/unpack.h"
#include "base/ascii.h"
#include "mime/mime_mail.h"
#include "reports/aggregate_reader.h"
#include "reports/failure_reader.h"
#include "reports/report_text.h"
#include "reports/tls_json.h"

namespace authmilter {
namespace {

using Status = ReportOutcome::Status;

/// Octets that tell what something is: a byte order mark, blanks, and what begins.
constexpr std::size_t kFirstOctets = 256;
/// A TLS report of ten thousand failures has four million.
constexpr std::size_t kMostTlsOctets = 16U << 20U;
/// As much header as the daemon itself takes, see HeaderLimits.
constexpr std::size_t kMostHeaderOctets = 256 * 1024;
constexpr std::size_t kMostResultsFields = 20;
/// Of a text part, to see whether it is a feedback report.
constexpr std::size_t kMostTextPart = 64 * 1024;

enum class Form : std::uint8_t { unknown, packed, xml, json, base64, mail };

/// Whether a text begins with a field of a header, or with the line that an mbox puts before one.
bool begins_as_mail(std::string_view text) {
  if (text.starts_with("From ") || text.starts_with(">From ")) return true;
  std::size_t name = 0;
  while (name < text.size() && is_visible(text[name]) && text[name] != ':') ++name;
  return name > 0 && name < text.size() && text[name] == ':';
}

Form form_of(std::string_view first) {
  if (packing_of(first) != Packing::none) return Form::packed;
  // UTF-16; the marks are no XML in any other encoding.
  if (first.starts_with("\xff\xfe") || first.starts_with("\xfe\xff")) return Form::xml;
  if (first.starts_with("\xef\xbb\xbf")) first.remove_prefix(3);
  first = first.substr(std::min(first.find_first_not_of(" \t\r\n"), first.size()));
  if (first.starts_with('<')) return Form::xml;
  if (first.starts_with('{')) return Form::json;
  // The magic numbers of gzip and zip, once more in base64.
  if (first.starts_with("H4sI") || first.starts_with("UEsDB")) return Form::base64;
  return begins_as_mail(first) ? Form::mail : Form::unknown;
}

/// All of a source, if that is not more than so much.
Result<std::string> whole(OctetSource& source, std::size_t most) {
  std::string out;
  for (;;) {
    const auto piece = source.next();
    if (!piece) return piece.error();
    if (piece->empty()) return out;
    if (out.size() + piece->size() > most)
      return Error{fmt::format("it has more than {} octets", most)};
    out += *piece;
  }
}

/// The same, as far as it goes.
std::string beginning(OctetSource& source, std::size_t most) {
  std::string out;
  while (out.size() < most) {
    const auto piece = source.next();
    if (!piece || piece->empty()) break;
    out += piece->substr(0, most - out.size());
  }
  return out;
}

/// Behind the header of a mail.
std::size_t header_size(std::string_view mail) {
  const std::size_t crlf = mail.find("\r\n\r\n");
  const std::size_t lf = mail.find("\n\n");
  return std::min({crlf, lf, mail.size()});
}

ReportMail mail_of(std::string_view mail) {
  const std::string_view header = mail.substr(0, header_size(mail)).substr(0, kMostHeaderOctets);
  const auto fields = parse_message(std::string(header) + "\r\n\r\n").fields;
  ReportMail found;
  found.there = true;
  if (const auto author = find_author_domain(fields)) found.author_domain = *author;
  for (const HeaderField& field : fields) {
    if (has_name(field, "Subject")) found.subject = clean_text(field.value);
    if (has_name(field, "Message-ID")) found.message_id = clean_text(field.value, kMostName);
    if (has_name(field, "Authentication-Results") &&
        found.authentication_results.size() < kMostResultsFields) {
      found.authentication_results.push_back(field.value);
    }
  }
  return found;
}

/// Failures may be told of one by one that the summary does not count.
std::uint64_t sessions_of(const TlsPolicyReport& policy) {
  std::uint64_t told = 0;
  for (const TlsFailure& failure : policy.failures) told += failure.failed_sessions;
  return policy.successful_sessions + std::max(policy.failed_sessions, told);
}

/// Reads all reports of one file or mail.
class ReportReader {
 public:
  ReportReader(std::string_view octets, const ReportLimits& limits, ReportSink& sink)
      : limits_(limits),
        sink_(sink),
        budget_(unpack_budget(octets.size(), limits.unpacked_octets, limits.unpacked_ratio,
                              limits.reports)) {}

  std::vector<ReportOutcome> read(std::string_view octets) {
    TextSource source(octets);
    if (octets.size() > limits_.input_octets) {
      reject(fmt::format("it has more than {} octets", limits_.input_octets));
    } else if (form_of(octets.substr(0, kFirstOctets)) == Form::mail) {
      read_mail(octets);
    } else {
      read_octets(source);
    }
    if (outcomes_.empty()) {
      outcomes_.push_back(std::move(aside_));
      if (outcomes_.back().reason.empty()) outcomes_.back().reason = "there is no report in it";
    }
    return std::move(outcomes_);
  }

 private:
  bool full() const {
    return outcomes_.size() >= limits_.reports ||
           (!outcomes_.empty() && outcomes_.back().status == Status::failed);
  }

  /// Of something that may be none: it is said where nothing else was found.
  void not_a_report(std::string reason) {
    if (aside_.reason.empty()) aside_.reason = std::move(reason);
  }
  void reject(std::string reason) {
    ReportOutcome outcome;
    outcome.reason = std::move(reason);
    outcomes_.push_back(std::move(outcome));
  }
  void add(ReportOutcome outcome) {
    if (!outcome.kind) return not_a_report(std::move(outcome.reason));
    outcomes_.push_back(std::move(outcome));
  }

  void read_octets(OctetSource& source) {
    const std::size_t before = outcomes_.size();
    const auto status = unpack(source, budget_, [this](OctetSource& member) {
      if (!full()) read_member(member);
    });
    // A member that was read has the same error.
    if (!status && outcomes_.size() == before) reject(status.error().message);
  }

  void read_member(OctetSource& member) {
    PeekedSource source(member);
    const auto first = source.first(kFirstOctets);
    if (!first) return reject(first.error().message);
    switch (form_of(*first)) {
      case Form::unknown:
      case Form::packed:  // unpack() has opened it, or it is damaged
        return not_a_report("it is neither a report nor a mail");
      case Form::xml:
        return read_xml(source, *first);
      case Form::json:
        return read_tls(source);
      case Form::base64:
        return once_more(source, [this](std::string text) { read_base64(std::move(text)); });
      case Form::mail:
        return once_more(source, [this](const std::string& text) { read_mail(text); });
    }
  }

  void read_xml(OctetSource& source, std::string_view first) {
    // Damaged before its root is read, it can still be told that it was to be a report.
    const bool seems_a_report = first.find("<feedback") != std::string_view::npos;
    ReportOutcome outcome = read_aggregate_report(source, limits_, sink_, mail_);
    if (seems_a_report) outcome.kind = ReportKind::aggregate;
    add(std::move(outcome));
  }

  /// What must stand in memory to go on; one layer of nesting, as an archive is.
  template <class Read>
  void once_more(OctetSource& source, Read read) {
    if (budget_.nesting == 0) return reject("archives are nested too deeply in it");
    auto text = whole(source, limits_.input_octets);
    if (!text) return reject(text.error().message);
    --budget_.nesting;
    read(std::move(*text));
    ++budget_.nesting;
  }

  void read_base64(std::string text) {
    text.erase(std::remove_if(text.begin(), text.end(), is_fws), text.end());
    const auto octets = base64_decode(text);
    text = std::string();  // the memory of it
    if (!octets) return reject("its base64 is damaged");
    TextSource source({reinterpret_cast<const char*>(octets->data()), octets->size()});
    read_octets(source);
  }

  void read_mail(std::string_view octets) {
    // RFC 4155: the line that stands before each mail of an mbox.
    if (octets.starts_with("From ") || octets.starts_with(">From ")) {
      octets.remove_prefix(std::min(octets.find('\n'), octets.size() - 1) + 1);
    }
    const auto mail = MimeMail::parse(octets);
    if (!mail) return reject(mail.error().message);
    // A mail within a mail, packed, has whatever header its sender wrote; only that of the mail that
    // came was looked at by our own server (RFC 8601 section 5).
    const bool came_by_itself = !in_mail_;
    if (came_by_itself) mail_ = mail_of(octets);
    in_mail_ = true;
    if (!read_failure(*mail)) {
      for (std::size_t part = 0; part < mail->parts().size() && !full(); ++part) {
        const auto content = mail->content(part);
        read_part(*content);
      }
    }
    if (!came_by_itself) return;
    mail_ = ReportMail();
    in_mail_ = false;
  }

  void read_part(OctetSource& content) {
    PeekedSource source(content);
    const auto first = source.first(kFirstOctets);
    const Form form = first ? form_of(*first) : Form::unknown;
    // A text for people is nothing to read, though it may begin as a mail does.
    if (form != Form::unknown && form != Form::mail) read_octets(source);
  }

  /// A failure report is a mail with several parts that belong together. Whether it is one is asked
  /// of its own parts only: the message that failed is a stranger's, with whatever attached.
  bool read_failure(const MimeMail& mail) {
    const auto& parts = mail.parts();
    for (std::size_t at = 0; at < parts.size(); ++at) {
      if (parts[at].within > 0 || !parts[at].header.empty()) continue;
      const std::string text = beginning(*mail.content(at), kMostTextPart);
      if (is_feedback_report(text)) {
        add_failure(read_failure_report(text, original(mail, at)));
        return true;
      }
      if (const auto report = read_failure_text(text)) {
        add_failure(*report);
        return true;
      }
    }
    return false;
  }

  /// The part behind, or what of the message there is.
  static std::string original(const MimeMail& mail, std::size_t report_part) {
    const auto& parts = mail.parts();
    for (std::size_t at = report_part + 1; at < parts.size(); ++at) {
      if (parts[at].within > 0) continue;
      if (!parts[at].header.empty()) return parts[at].header;
      return beginning(*mail.content(at), kMostTextPart);
    }
    return "";
  }

  void add_failure(const Result<FailureReport>& report) {
    ReportOutcome outcome;
    outcome.kind = ReportKind::failure;
    if (!report) {
      outcome.reason = report.error().message;
    } else {
      if (mail_.author_domain) outcome.organization = mail_.author_domain->text();
      outcome.report_id = mail_.message_id;
      if (report->reported_domain) outcome.domain = report->reported_domain->text();
      outcome.begin = outcome.end = report->arrival_date.value_or(0);
      outcome.records = 1;
      outcome.messages = report->incidents;
      if (outcome.end > limits_.latest_end) {
        outcome.reason = "its message came in the future";
      } else {
        keep(outcome, *report);
      }
    }
    outcomes_.push_back(std::move(outcome));
  }

  void read_tls(OctetSource& source) {
    const auto text = whole(source, kMostTlsOctets);
    if (!text) return reject(text.error().message);
    auto json = read_tls_json(*text);
    if (!json) return not_a_report(json.error().message);
    if (!json->is_report) return not_a_report("its JSON is not that of a TLS report");
    TlsReport& report = json->report;
    ReportOutcome outcome;
    outcome.kind = ReportKind::smtp_tls;
    outcome.organization = report.organization_name;
    outcome.report_id = report.report_id;
    if (!report.policies.empty()) outcome.domain = report.policies.front().policy_domain;
    std::uint64_t sessions = 0;
    for (const TlsPolicyReport& policy : report.policies) {
      sessions += sessions_of(policy);
      outcome.records += policy.failures.size();
      outcome.messages += policy.successful_sessions + policy.failed_sessions;
    }
    report.begin = outcome.begin = json->begin.value_or(0);
    report.end = outcome.end = json->end.value_or(0);
    if (report.report_id.empty()) {
      outcome.reason = "it has no report-id";
    } else if (!json->begin || !json->end) {
      outcome.reason = "its date-range is not two times";
    } else if (report.begin < 0 || report.end < report.begin) {
      outcome.reason = "its period ends before it begins";
    } else if (report.end > limits_.latest_end) {
      outcome.reason = "its period ends in the future";
    } else if (json->negative_count) {
      outcome.reason = "it counts less than no sessions";
    } else if (sessions > limits_.messages) {
      outcome.reason = fmt::format("it counts more than {} sessions", limits_.messages);
    } else {
      if (report.failures_left_out > 0) {
        outcome.notes.push_back(fmt::format("{} failures were left out", report.failures_left_out));
      }
      keep(outcome, report);
    }
    outcomes_.push_back(std::move(outcome));
  }

  template <class Report>
  void keep(ReportOutcome& outcome, const Report& report) {
    const auto kept = sink_.keep(report, mail_);
    if (!kept) {
      outcome.status = Status::failed;
      outcome.reason = kept.error().message;
    } else {
      outcome.status = *kept == Kept::stored ? Status::stored : Status::duplicate;
    }
  }

  const ReportLimits& limits_;
  ReportSink& sink_;
  UnpackBudget budget_;
  ReportMail mail_;  // the one that came, with all that is in it
  bool in_mail_ = false;
  ReportOutcome aside_;
  std::vector<ReportOutcome> outcomes_;
};

}  // namespace

std::vector<ReportOutcome> read_reports(std::string_view octets, const ReportLimits& limits,
                                        ReportSink& sink) {
  return ReportReader(octets, limits, sink).read(octets);
}

}  // namespace authmilter
