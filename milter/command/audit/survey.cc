#include "audit/survey.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include <authmilter/audit_survey_view.h>
#include <authmilter/paced_resolver.h>

#include "audit/domain_list.h"
#include "audit/facts_log.h"
#include "audit/in_order.h"
#include "audit/survey_output.h"
#include "output/output.h"
#include "output/progress.h"

namespace authmilter::tools {
namespace {

// Domains that may be done while one before them takes its whole time: some 20 MB of facts.
constexpr std::size_t kAhead = 1000;

/// One domain to be looked at, with what shall be asked of it.
struct SurveyItem {
  DomainName domain;
  GatherOptions what;
  unsigned place;  // in the list
};

struct SurveyedFacts {
  std::string line;  // of the file of facts
  SurveyRow row;
};

/// Takes rows, in their order.
class SurveyTally {
 public:
  explicit SurveyTally(SurveyOutput output) : output_(std::move(output)) {}

  Status add_line(std::string_view line) {
    digest_.add(line);
    return Done{};
  }
  Status add(std::string_view line, const SurveyRow& row) {
    digest_.add(line);
    summary_.add(row);
    return output_.add(row);
  }
  ExitStatus finish(const AuditHeader& header, const AuditProfile& profile) {
    return output_.finish({header, profile, summary_, digest_.finish()});
  }
  std::uint64_t domains() const { return summary_.domains(); }

 private:
  SurveyOutput output_;
  SurveySummary summary_;
  FactsDigest digest_;
};

SurveyRow judged_row(const DomainFacts& facts, const AuditHeader& header,
                     const AuditProfile& profile) {
  return survey_row(facts, judge_domain(facts, header, profile));
}

std::string shown_format(const AuditOptions& options, const CommonOptions& common) {
  return common.json ? "json" : options.format;
}

/// Reads the lines of a file of facts, the header first, and counts them. `list` (may be null) is
/// what the file shall hold.
class FactsReader {
 public:
  FactsReader(FactsLog& log, const std::string& path, const AuditProfile& profile)
      : log_(log), path_(path), profile_(profile) {}

  /// Nothing where the file is empty.
  Result<std::optional<AuditHeader>> header(SurveyTally& tally) {
    auto line = log_.next_line();
    if (!line) return line.error();
    if (!*line) return std::optional<AuditHeader>();
    auto header = parse_header_line(**line);
    if (!header) return wrong(header.error().message);
    if (auto added = tally.add_line(**line); !added) return added.error();
    return std::optional(std::move(*header));
  }

  Status domains(SurveyTally& tally, const AuditHeader& header, DomainList* list) {
    Progress progress("domains that are known");
    while (true) {
      auto line = log_.next_line();
      if (!line) return line.error();
      if (!*line) return Done{};
      const auto facts = parse_facts_line(**line);
      if (!facts) return wrong(facts.error().message);
      if (list != nullptr) {
        const auto listed = list->next();
        if (!listed || *listed != facts->domain) {
          return wrong(fmt::format("is of {}, where the list has {}: the file is of another survey",
                                   facts->domain.text(), listed ? listed->text() : "its end"));
        }
      }
      if (auto added = tally.add(**line, judged_row(*facts, header, profile_)); !added)
        return added.error();
      progress.at(tally.domains(), list == nullptr ? 0 : list->size(), tally.domains());
    }
  }

 private:
  Error wrong(const std::string& what) const {
    return Error{fmt::format("{}:{}: {}", path_, log_.line_number(), what)};
  }

  FactsLog& log_;
  const std::string& path_;
  const AuditProfile& profile_;
};

/// Each domain is a client of its own to the resolver, which gives one client a part of its places:
/// those parts are for strangers' mail, and all of this is our own. The addresses are of RFC 3849.
DnsClient client_of(unsigned place) {
  return DnsClient(
      IpAddress::parse(fmt::format("2001:db8:{:x}::{:x}", place & 0xffffU, place >> 16U)));
}

class Survey {
 public:
  Survey(const AuditOptions& options, const AuditProfile& profile, SurveyWork work)
      : profile_(profile),
        work_(std::move(work)),
        paces_(options.rate > 0),
        rate_(options.rate),
        jobs_(options.jobs) {}

  /// Those that are left of `list`.
  Status run(DomainList& list, std::optional<AuditHeader> before, FactsLog* log,
             SurveyTally& tally) {
    // What is judged needs the time alone of the header, so that the resolver may come later.
    const AuditHeader judged_by = before ? *before : work_.header;
    bool header_written = before.has_value();
    Status status = Done{};
    Progress progress("domains", Progress::Pace::told);
    progress.at(tally.domains(), list.size());
    unsigned place = 0;
    const auto next = [&]() -> std::optional<SurveyItem> {
      const auto domain = list.next();
      if (!domain) return std::nullopt;
      return SurveyItem{*domain, work_.what(*domain), place++};
    };
    const auto make = [&](const SurveyItem& item) { return look_at(item, judged_by); };
    const auto take = [&](SurveyedFacts& made) {
      if (!header_written) {
        header_written = true;
        work_.header.resolver = work_.resolver_text();
        status = keep(facts_line(work_.header), log, tally);
      }
      if (status && log != nullptr) status = log->append(made.line);
      if (status) status = tally.add(made.line, made.row);
      progress.at(tally.domains(), list.size());
      return bool(status);
    };
    in_order<SurveyItem, SurveyedFacts>(jobs_, kAhead, next, make, take);
    if (before) work_.header = std::move(*before);
    return status;
  }

  const AuditHeader& header() const { return work_.header; }

 private:
  SurveyedFacts look_at(const SurveyItem& item, const AuditHeader& header) {
    const auto view = work_.resolver->for_message(client_of(item.place));
    Resolver& own = view ? *view : *work_.resolver;
    PacedResolver paced(own, rate_);
    const DomainFacts facts = gather_domain(
        item.domain, item.what, paces_ ? static_cast<Resolver&>(paced) : own, work_.probes);
    return {facts_line(facts), judged_row(facts, header, profile_)};
  }

  static Status keep(const std::string& line, FactsLog* log, SurveyTally& tally) {
    if (log != nullptr) {
      if (auto kept = log->append(line); !kept) return kept.error();
    }
    return tally.add_line(line);
  }

  const AuditProfile& profile_;
  SurveyWork work_;
  const bool paces_;
  QuestionRate rate_;
  const std::size_t jobs_;
};

}  // namespace

ExitStatus run_survey(const AuditOptions& options, const CommonOptions& common,
                      const AuditProfile& profile, SurveyWork work) {
  auto list = DomainList::open(options.domains, options.domains_file);
  if (!list) return fail(ExitStatus::no_input, list.error());
  if (list->size() == 0) return fail(ExitStatus::usage, "audit: no domain is named");
  std::optional<FactsLog> log;
  if (!options.facts_out.empty()) {
    auto opened = FactsLog::open(options.facts_out, FactsLog::Access::growing);
    if (!opened) return fail(ExitStatus::cannot_create, opened.error());
    log = std::move(*opened);
  }
  auto output = SurveyOutput::open(shown_format(options, common), options.out);
  if (!output) return fail(ExitStatus::cannot_create, output.error());
  SurveyTally tally(std::move(*output));

  std::optional<AuditHeader> before;
  if (log) {
    FactsReader reader(*log, options.facts_out, profile);
    auto header = reader.header(tally);
    if (!header) return fail(ExitStatus::no_input, header.error());
    before = std::move(*header);
    if (before) {
      const auto read = reader.domains(tally, *before, &*list);
      if (!read) return fail(ExitStatus::no_input, read.error());
      note(fmt::format("{}: {} of {} domains are known; going on behind them", options.facts_out,
                       tally.domains(), list->size()));
    }
  }
  Survey survey(options, profile, std::move(work));
  const auto done = survey.run(*list, std::move(before), log ? &*log : nullptr, tally);
  if (!done) return fail(ExitStatus::output, done.error());
  return tally.finish(survey.header(), profile);
}

ExitStatus run_kept_survey(const AuditOptions& options, const CommonOptions& common,
                           const AuditProfile& profile) {
  auto log = FactsLog::open(options.facts, FactsLog::Access::reading);
  if (!log) return fail(ExitStatus::no_input, log.error());
  auto output = SurveyOutput::open(shown_format(options, common), options.out);
  if (!output) return fail(ExitStatus::cannot_create, output.error());
  SurveyTally tally(std::move(*output));
  FactsReader reader(*log, options.facts, profile);
  const auto header = reader.header(tally);
  if (!header) return fail(ExitStatus::no_input, header.error());
  if (!*header) return fail(ExitStatus::no_input, options.facts + ": is empty");
  const auto read = reader.domains(tally, **header, nullptr);
  if (!read) return fail(ExitStatus::no_input, read.error());
  return tally.finish(**header, profile);
}

}  // namespace authmilter::tools
