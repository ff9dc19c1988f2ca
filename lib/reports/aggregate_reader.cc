#include "reports/aggregate_reader.h"

#include <algorithm>
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
/// More messages than all of the Internet's in a day: sums of a million of them fit in 64 bits.
constexpr std::uint64_t kMostCount = 1'000'000'000'000;
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
    switch (element) {
      case E::record:
        record_ = AggregateRecord();
        has_source_ = has_count_ = false;
        break;
      case E::reason:
        reason_type_.clear();
        reason_comment_.clear();
        break;
      case E::dkim:
        dkim_ = ReportedDkim();
        break;
      case E::spf:
        spf_ = ReportedSpf();
        break;
      default:
        break;
    }
  }

  void end() {
    const E element = path_.back();
    path_.pop_back();
    if (starts_signs_of_9990(element)) report_.form = ReportForm::rfc9990;
    metadata(element);
    published(element);
    in_record(element);
    text_.clear();
  }

  void metadata(E element) {
    ReportMetadata& to = report_.metadata;
    switch (element) {
      case E::version:
        report_.version = clean_text(text_, kMostName);
        break;
      case E::org_name:
        to.org_name = clean_text(text_, kMostName);
        break;
      case E::email:
        to.email = clean_text(text_, kMostName);
        break;
      case E::extra_contact_info:
        to.extra_contact_info = clean_text(text_);
        break;
      case E::report_id:
        to.report_id = clean_text(text_, kMostName);
        break;
      case E::error:
        // RFC 7489 has a list of them, RFC 9990 one.
        to.error = clean_text(to.error.empty() ? text_ : to.error + "; " + text_);
        break;
      case E::generator:
        to.generator = clean_text(text_);
        break;
      case E::begin:
        begin_ = parse_number<std::int64_t>(text_);
        break;
      case E::end:
        end_ = parse_number<std::int64_t>(text_);
        break;
      case E::report_metadata:
        has_metadata_ = true;
        break;
      default:
        break;
    }
  }

  void published(E element) {
    const std::string_view word = trim_fws(text_);
    PolicyPublished& to = report_.policy_published;
    switch (element) {
      case E::policy_domain:
        domain_ = DomainName::parse(word);
        break;
      case E::p:
        to.p = parse_policy(word);
        break;
      case E::sp:
        to.sp = parse_policy(word);
        break;
      case E::np:
        to.np = parse_policy(word);
        break;
      case E::adkim:
        to.adkim = parse_alignment(word);
        break;
      case E::aspf:
        to.aspf = parse_alignment(word);
        break;
      case E::discovery_method:
        to.discovery_method = parse_discovery_method(word);
        break;
      case E::fo:
        to.fo = clean_name(word);
        break;
      case E::testing:
        if (equals_ignoring_case(word, "y")) to.testing = true;
        if (equals_ignoring_case(word, "n")) to.testing = false;
        break;
      case E::pct:
        to.pct = parse_number<int>(word);
        if (to.pct && (*to.pct < 0 || *to.pct > 100)) to.pct.reset();
        break;
      case E::policy_published:
        has_policy_ = true;
        break;
      default:
        break;
    }
  }

  void in_record(E element) {
    const std::string_view word = trim_fws(text_);
    switch (element) {
      case E::source_ip:
        if (const auto address = IpAddress::parse(word)) {
          record_.source_ip = *address;
          has_source_ = true;
        }
        break;
      case E::count:
        if (const auto count = parse_number<std::uint64_t>(word); count && *count <= kMostCount) {
          record_.count = *count;
          has_count_ = true;
        }
        break;
      case E::disposition:
        record_.disposition = known(parse_reported_disposition(word), ReportedDisposition::none);
        break;
      case E::evaluated_dkim:
        record_.dkim = known(parse_aligned_result(word), AlignedResult::fail);
        break;
      case E::evaluated_spf:
        record_.spf = known(parse_aligned_result(word), AlignedResult::fail);
        break;
      case E::reason_type:
        reason_type_ = clean_text(word, kMostName);
        break;
      case E::reason_comment:
        reason_comment_ = clean_text(word);
        break;
      case E::reason:
        add_reason();
        break;
      case E::header_from:
        record_.header_from = clean_name(word);
        break;
      case E::envelope_from:
        record_.envelope_from = clean_name(word);
        break;
      case E::envelope_to:
        record_.envelope_to = clean_name(word);
        break;
      case E::dkim_domain:
        dkim_.domain = clean_name(word);
        break;
      case E::dkim_selector:
        dkim_.selector = clean_name(word);
        break;
      case E::dkim_result:
        dkim_.result = known(parse_result(word), ReportedResult::none);
        break;
      case E::dkim_human_result:
        dkim_.human_result = clean_text(word);
        break;
      case E::dkim:
        if (record_.dkim_results.size() < kMostDkimResults) {
          record_.dkim_results.push_back(std::move(dkim_));
        } else {
          note("some of a record's results were left out");
        }
        break;
      case E::spf_domain:
        spf_.domain = clean_name(word);
        break;
      case E::spf_scope:
        spf_.scope = parse_spf_scope(word);
        break;
      case E::spf_result:
        spf_.result = known(parse_result(word), ReportedResult::none);
        break;
      case E::spf_human_result:
        spf_.human_result = clean_text(word);
        break;
      case E::spf:
        if (record_.spf_results.size() < kMostSpfResults) {
          record_.spf_results.push_back(std::move(spf_));
        } else {
          note("some of a record's results were left out");
        }
        break;
      case E::record:
        end_record();
        break;
      default:
        break;
    }
  }

  template <class Value>
  Value known(std::optional<Value> value, Value otherwise) {
    if (!value && !trim_fws(text_).empty())
      note("words that no report has were read as none or fail");
    return value.value_or(otherwise);
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

}  // namespace

ReportOutcome read_aggregate_report(OctetSource& source, const ReportLimits& limits,
                                    ReportSink& sink, const ReportMail& mail) {
  return AggregateReader(source, limits, sink, mail).read();
}

}  // namespace authmilter
