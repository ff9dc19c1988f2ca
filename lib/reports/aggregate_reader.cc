#include "reports/aggregate_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"
#include "reports/aggregate_elements.h"
#include "reports/report_text.h"
#include "xml/xml_reader.h"

namespace authmilter {
namespace {

using E = AggregateElement;

/// Of a text, no more is collected than is kept of the longest.
constexpr std::size_t kMostText = 4 * kMostFreeText;
/// RFC 9990 section 3.1.1 sets no bound; those that we write have 100.
constexpr std::size_t kMostDkimResults = 200;
constexpr std::size_t kMostSpfResults = 10;
constexpr std::size_t kMostReasons = 20;
/// Metadata come first in every report that was seen; records before them must be kept.
constexpr std::size_t kMostEarlyRecords = 1000;
/// 1971: what began before was not measured by a clock that was set.
constexpr std::int64_t kEarliestBegin = 365 * 86'400;
/// RFC 9990 section 3.1.1: a report is of one day. Some are of a week, or of a month.
constexpr std::int64_t kLongestPeriod = 366 * 86'400;

/// Namespaces that reports are written in, beside none at all.
bool is_namespace_of_reports(std::string_view name_space) {
  return name_space.empty() || name_space == kAggregateNamespace ||
         name_space.starts_with("http://dmarc.org/dmarc-xml/");
}

std::optional<AssessmentPolicy> parse_policy(std::string_view word) {
  for (const auto policy :
       {AssessmentPolicy::none, AssessmentPolicy::quarantine, AssessmentPolicy::reject}) {
    if (equals_ignoring_case(word, to_string(policy))) return policy;
  }
  return std::nullopt;
}

std::optional<AlignmentMode> parse_alignment(std::string_view word) {
  if (equals_ignoring_case(word, "r") || equals_ignoring_case(word, "relaxed")) {
    return AlignmentMode::relaxed;
  }
  if (equals_ignoring_case(word, "s") || equals_ignoring_case(word, "strict")) {
    return AlignmentMode::strict;
  }
  return std::nullopt;
}

/// A result; of SPF, some write the words of its drafts.
std::optional<ReportedResult> parse_result(std::string_view word) {
  if (const auto result = parse_reported_result(word)) return result;
  if (equals_ignoring_case(word, "hardfail")) return ReportedResult::fail;
  if (equals_ignoring_case(word, "error")) return ReportedResult::temperror;
  if (equals_ignoring_case(word, "unknown")) return ReportedResult::permerror;
  return std::nullopt;
}

bool starts_signs_of_9990(E element) {
  return element == E::generator || element == E::np || element == E::testing ||
         element == E::discovery_method;
}

/// One report on its way from events to values.
class AggregateReader {
 public:
  AggregateReader(OctetSource& source, const ReportLimits& limits, ReportSink& sink,
                  const ReportMail& mail)
      : source_(source), xml_(source), limits_(limits), sink_(sink), mail_(mail) {}

  ReportOutcome read() {
    run();
    if (begun_ && outcome_.status == Status::rejected) sink_.abandon();
    if (begun_ && outcome_.status == Status::failed) sink_.abandon();
    if (xml_.mended()) note("characters that are not XML were replaced");
    return std::move(outcome_);
  }

 private:
  using Status = ReportOutcome::Status;

  void run() {
    path_.push_back(E::document);
    while (!stopped_) {
      const auto event = xml_.next();
      if (!event) return reject(event.error().message);
      switch (*event) {
        case XmlReader::Event::start:
          start();
          break;
        case XmlReader::Event::text:
          if (text_.size() < kMostText) text_ += xml_.text().substr(0, kMostText - text_.size());
          break;
        case XmlReader::Event::end:
          end();
          break;
        case XmlReader::Event::finished:
          return finish();
      }
    }
  }

  void start() {
    text_.clear();
    const std::string_view name_space = xml_.name_space();
    E element = child_element(path_.back(), xml_.name());
    if (path_.size() == 1) {
      if (element != E::feedback) {
        return reject(fmt::format("its root element is <{}>, not <feedback>",
                                  clean_text(xml_.name(), kMostName)));
      }
      outcome_.kind = ReportKind::aggregate;
      root_namespace_ = name_space;
      report_.form = name_space == kAggregateNamespace ? ReportForm::rfc9990 : ReportForm::rfc7489;
    } else if (name_space != root_namespace_ && !is_namespace_of_reports(name_space)) {
      // RFC 9990 section 3.2: extensions are in a namespace of their own.
      element = E::unknown;
    }
    path_.push_back(element);
    if (element == E::record) {
      record_ = AggregateRecord();
      has_source_ = has_count_ = false;
    }
    if (element == E::reason) reason_type_ = reason_comment_ = "";
    if (element == E::dkim) dkim_ = ReportedDkim();
    if (element == E::spf) spf_ = ReportedSpf();
  }

  void end() {
    const E element = path_.back();
    path_.pop_back();
    if (starts_signs_of_9990(element)) report_.form = ReportForm::rfc9990;
    if (const Take take = kTakes[static_cast<std::size_t>(element)]) take(*this, trim_fws(text_));
    text_.clear();
  }

  /// What the end of an element does with the text in it.
  using Take = void (*)(AggregateReader& reader, std::string_view text);
  static const std::array<Take, kAggregateElements> kTakes;
  static std::array<Take, kAggregateElements> takes();
  static void take_metadata(std::array<Take, kAggregateElements>& takes);
  static void take_policy(std::array<Take, kAggregateElements>& takes);
  static void take_row(std::array<Take, kAggregateElements>& takes);
  static void take_results(std::array<Take, kAggregateElements>& takes);

  template <class Value>
  Value known(std::optional<Value> value, Value otherwise) {
    if (!value && !trim_fws(text_).empty())
      note("words that no report has were read as none or fail");
    return value.value_or(otherwise);
  }

  template <class Result>
  void add_result(std::vector<Result>& results, std::size_t most, Result result) {
    if (results.size() < most) {
      results.push_back(std::move(result));
    } else {
      note("some of a record's results were left out");
    }
  }

  void add_reason() {
    if ((reason_type_.empty() && reason_comment_.empty()) ||
        record_.reasons.size() == kMostReasons) {
      return;
    }
    PolicyOverrideReason reason;
    if (const auto type = parse_policy_override_type(reason_type_)) {
      reason.type = *type;
    } else if (reason_comment_.empty()) {
      reason_comment_ = reason_type_;
    }
    reason.comment = reason_comment_;
    record_.reasons.push_back(std::move(reason));
  }

  void end_record() {
    const std::uint64_t number = outcome_.records + early_.size() + 1;
    if (!has_source_) return reject(fmt::format("record {} has no address in source_ip", number));
    if (!has_count_) return reject(fmt::format("record {} has no sensible count", number));
    if (number > limits_.records) {
      return reject(fmt::format("it has more than {} records", limits_.records));
    }
    if (!has_metadata_ || !has_policy_) {
      if (early_.size() == kMostEarlyRecords)
        return reject("its metadata come behind too many records");
      early_.push_back(std::move(record_));
      return;
    }
    if (!begun_ && !begin()) return;
    give(record_);
  }

  /// All but the records, checked and handed on, and the records that came before it.
  bool begin() {
    ReportMetadata& metadata = report_.metadata;
    if (!has_metadata_) return rejected("it has no report_metadata");
    if (!has_policy_) return rejected("it has no policy_published");
    if (!domain_) return rejected("its policy_published names no domain");
    report_.policy_published.domain = *domain_;
    outcome_.domain = domain_->text();
    outcome_.organization = metadata.org_name.empty() ? metadata.email : metadata.org_name;
    outcome_.report_id = metadata.report_id;
    if (metadata.report_id.empty()) return rejected("it has no report_id");
    if (outcome_.organization.empty()) return rejected("it has neither org_name nor email");
    if (!begin_ || !end_) return rejected("its date_range is not two numbers of seconds");
    metadata.begin = outcome_.begin = *begin_;
    metadata.end = outcome_.end = *end_;
    if (*begin_ < kEarliestBegin) return rejected("its period begins before 1971");
    if (*end_ > limits_.latest_end) return rejected("its period ends in the future");
    if (*end_ < *begin_) return rejected("its period ends before it begins");
    if (*end_ - *begin_ > kLongestPeriod) return rejected("its period is longer than a year");
    const auto kept = sink_.begin(report_, mail_);
    if (!kept) return failed(kept.error().message);
    if (*kept == Kept::duplicate) {
      outcome_.status = Status::duplicate;
      stopped_ = true;
      return false;
    }
    begun_ = true;
    for (const AggregateRecord& record : std::exchange(early_, {})) give(record);
    return !stopped_;
  }

  void give(const AggregateRecord& record) {
    if (stopped_) return;
    if (record.count > limits_.messages - outcome_.messages)
      return reject(fmt::format("it counts more than {} messages", limits_.messages));
    ++outcome_.records;
    outcome_.messages += record.count;
    if (const auto done = sink_.record(record); !done) failed(done.error().message);
  }

  void finish() {
    // What a gzip file says of itself stands behind the text.
    for (;;) {
      const auto rest = source_.next();
      if (!rest) return reject(rest.error().message);
      if (rest->empty()) break;
    }
    if (!begun_ && !begin()) return;
    const auto kept = sink_.end();
    if (!kept) {
      failed(kept.error().message);
      return;
    }
    outcome_.status = *kept == Kept::stored ? Status::stored : Status::duplicate;
  }

  void reject(std::string reason) { rejected(std::move(reason)); }
  bool rejected(std::string reason) {
    outcome_.status = Status::rejected;
    outcome_.reason = std::move(reason);
    stopped_ = true;
    return false;
  }
  bool failed(std::string reason) {
    outcome_.status = Status::failed;
    outcome_.reason = std::move(reason);
    stopped_ = true;
    return false;
  }
  void note(std::string_view text) {
    auto& notes = outcome_.notes;
    if (std::find(notes.begin(), notes.end(), text) == notes.end()) notes.emplace_back(text);
  }

  ReportMetadata& metadata() { return report_.metadata; }
  PolicyPublished& policy() { return report_.policy_published; }

  OctetSource& source_;
  XmlReader xml_;
  const ReportLimits& limits_;
  ReportSink& sink_;
  const ReportMail& mail_;
  ReportOutcome outcome_;
  std::vector<E> path_;
  std::string text_;
  std::string root_namespace_;
  AggregateReport report_{.version = "",
                          .policy_published = {.domain = *DomainName::parse("invalid")}};
  std::optional<DomainName> domain_;
  std::optional<std::int64_t> begin_, end_;
  AggregateRecord record_;
  ReportedDkim dkim_;
  ReportedSpf spf_;
  std::string reason_type_, reason_comment_;
  std::vector<AggregateRecord> early_;
  bool has_metadata_ = false;
  bool has_policy_ = false;
  bool has_source_ = false;
  bool has_count_ = false;
  bool begun_ = false;
  bool stopped_ = false;
};

using Reader = AggregateReader;
using Text = std::string_view;

void AggregateReader::take_metadata(std::array<Take, kAggregateElements>& takes) {
  const auto on = [&](E element, Take take) { takes[static_cast<std::size_t>(element)] = take; };
  on(E::version, [](Reader& r, Text text) { r.report_.version = clean_text(text, kMostName); });
  on(E::org_name,
     [](Reader& r, Text text) { r.metadata().org_name = clean_text(text, kMostName); });
  on(E::email, [](Reader& r, Text text) { r.metadata().email = clean_text(text, kMostName); });
  on(E::extra_contact_info,
     [](Reader& r, Text text) { r.metadata().extra_contact_info = clean_text(text); });
  on(E::report_id,
     [](Reader& r, Text text) { r.metadata().report_id = clean_text(text, kMostName); });
  on(E::error, [](Reader& r, Text text) {
    // RFC 7489 has a list of them, RFC 9990 one.
    std::string& error = r.metadata().error;
    error = clean_text(error.empty() ? std::string(text) : error + "; " + std::string(text));
  });
  on(E::generator, [](Reader& r, Text text) { r.metadata().generator = clean_text(text); });
  on(E::begin, [](Reader& r, Text text) { r.begin_ = parse_number<std::int64_t>(text); });
  on(E::end, [](Reader& r, Text text) { r.end_ = parse_number<std::int64_t>(text); });
  on(E::report_metadata, [](Reader& r, Text) { r.has_metadata_ = true; });
}

void AggregateReader::take_policy(std::array<Take, kAggregateElements>& takes) {
  const auto on = [&](E element, Take take) { takes[static_cast<std::size_t>(element)] = take; };
  on(E::policy_domain, [](Reader& r, Text text) { r.domain_ = DomainName::parse(text); });
  on(E::p, [](Reader& r, Text text) { r.policy().p = parse_policy(text); });
  on(E::sp, [](Reader& r, Text text) { r.policy().sp = parse_policy(text); });
  on(E::np, [](Reader& r, Text text) { r.policy().np = parse_policy(text); });
  on(E::adkim, [](Reader& r, Text text) { r.policy().adkim = parse_alignment(text); });
  on(E::aspf, [](Reader& r, Text text) { r.policy().aspf = parse_alignment(text); });
  on(E::discovery_method,
     [](Reader& r, Text text) { r.policy().discovery_method = parse_discovery_method(text); });
  on(E::fo, [](Reader& r, Text text) { r.policy().fo = clean_name(text); });
  on(E::testing, [](Reader& r, Text text) {
    if (equals_ignoring_case(text, "y")) r.policy().testing = true;
    if (equals_ignoring_case(text, "n")) r.policy().testing = false;
  });
  on(E::pct, [](Reader& r, Text text) {
    const auto pct = parse_number<int>(text);
    if (pct && *pct >= 0 && *pct <= 100) r.policy().pct = pct;
  });
  on(E::policy_published, [](Reader& r, Text) { r.has_policy_ = true; });
}

void AggregateReader::take_row(std::array<Take, kAggregateElements>& takes) {
  const auto on = [&](E element, Take take) { takes[static_cast<std::size_t>(element)] = take; };
  on(E::source_ip, [](Reader& r, Text text) {
    const auto address = IpAddress::parse(text);
    if (address) r.record_.source_ip = *address;
    r.has_source_ = address.has_value();
  });
  on(E::count, [](Reader& r, Text text) {
    const auto count = parse_number<std::uint64_t>(text);
    r.record_.count = count.value_or(0);
    r.has_count_ = count && *count <= r.limits_.messages;
  });
  on(E::disposition, [](Reader& r, Text text) {
    r.record_.disposition = r.known(parse_reported_disposition(text), ReportedDisposition::none);
  });
  on(E::evaluated_dkim, [](Reader& r, Text text) {
    r.record_.dkim = r.known(parse_aligned_result(text), AlignedResult::fail);
  });
  on(E::evaluated_spf, [](Reader& r, Text text) {
    r.record_.spf = r.known(parse_aligned_result(text), AlignedResult::fail);
  });
  on(E::reason_type, [](Reader& r, Text text) { r.reason_type_ = clean_text(text, kMostName); });
  on(E::reason_comment, [](Reader& r, Text text) { r.reason_comment_ = clean_text(text); });
  on(E::reason, [](Reader& r, Text) { r.add_reason(); });
  on(E::header_from, [](Reader& r, Text text) { r.record_.header_from = clean_name(text); });
  on(E::envelope_from, [](Reader& r, Text text) { r.record_.envelope_from = clean_name(text); });
  on(E::envelope_to, [](Reader& r, Text text) { r.record_.envelope_to = clean_name(text); });
  on(E::record, [](Reader& r, Text) { r.end_record(); });
}

void AggregateReader::take_results(std::array<Take, kAggregateElements>& takes) {
  const auto on = [&](E element, Take take) { takes[static_cast<std::size_t>(element)] = take; };
  on(E::dkim_domain, [](Reader& r, Text text) { r.dkim_.domain = clean_name(text); });
  on(E::dkim_selector, [](Reader& r, Text text) { r.dkim_.selector = clean_name(text); });
  on(E::dkim_result, [](Reader& r, Text text) {
    r.dkim_.result = r.known(parse_result(text), ReportedResult::none);
  });
  on(E::dkim_human_result, [](Reader& r, Text text) { r.dkim_.human_result = clean_text(text); });
  on(E::dkim, [](Reader& r, Text) {
    r.add_result(r.record_.dkim_results, kMostDkimResults, std::move(r.dkim_));
  });
  on(E::spf_domain, [](Reader& r, Text text) { r.spf_.domain = clean_name(text); });
  on(E::spf_scope, [](Reader& r, Text text) { r.spf_.scope = parse_spf_scope(text); });
  on(E::spf_result, [](Reader& r, Text text) {
    r.spf_.result = r.known(parse_result(text), ReportedResult::none);
  });
  on(E::spf_human_result, [](Reader& r, Text text) { r.spf_.human_result = clean_text(text); });
  on(E::spf, [](Reader& r, Text) {
    r.add_result(r.record_.spf_results, kMostSpfResults, std::move(r.spf_));
  });
}

std::array<AggregateReader::Take, kAggregateElements> AggregateReader::takes() {
  std::array<Take, kAggregateElements> takes{};
  take_metadata(takes);
  take_policy(takes);
  take_row(takes);
  take_results(takes);
  return takes;
}
const std::array<AggregateReader::Take, kAggregateElements> AggregateReader::kTakes =
    AggregateReader::takes();

}  // namespace

ReportOutcome read_aggregate_report(OctetSource& source, const ReportLimits& limits,
                                    ReportSink& sink, const ReportMail& mail) {
  return AggregateReader(source, limits, sink, mail).read();
}

}  // namespace authmilter
