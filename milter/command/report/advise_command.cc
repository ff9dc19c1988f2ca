#include <memory>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <authmilter/dmarc.h>
#include <authmilter/report_advice.h>
#include <authmilter/report_text.h>

#include "output/output.h"
#include "report/load_view.h"
#include "report/names_option.h"
#include "report/report_commands.h"
#include "report/report_reading.h"
#include "report/text_table.h"

namespace authmilter::tools {
namespace {

// As text, so many sources of a change; with --json all.
constexpr std::size_t kHitsShown = 5;
constexpr std::size_t kSourcesShown = 20;

struct AdviseOptions {
  StoreOptions store;
  DnsOptions dns;
  std::vector<std::string> not_ours;
};

/// What is published now; nothing where the DNS does not say.
std::optional<AssessmentPolicy> published_policy(const DomainName& domain, const Runtime& runtime) {
  auto budget = runtime.message_budget();
  DmarcDiscovery discovery = discover_dmarc(domain, budget);
  const DmarcOutcome outcome = evaluate_dmarc(discovery, {});
  if (!outcome.policy_known) return std::nullopt;
  return outcome.published_policy;
}

Json json_of(const Advice& advice, const DomainView& domain) {
  std::vector<Json> changes;
  for (const ChangeOutcome& change : advice.changes) {
    std::vector<Json> hits;
    for (const Hit& hit : change.hits) {
      hits.push_back({{"source", hit.source.name},
                      {"known_by", to_string(hit.source.kind)},
                      {"standing", to_string(hit.standing)},
                      {"messages", hit.messages}});
    }
    changes.push_back({{"change", change.text},
                       {"ready", change.ready},
                       {"reason", change.reason},
                       {"hit", change.hit},
                       {"hit_wanted", change.hit_wanted},
                       {"wanted", change.wanted},
                       {"sources", hits}});
  }
  std::vector<Json> sources;
  for (const SourceView& source : domain.sources) {
    const std::string remedy = remedy_for(source, advice.domain);
    if (remedy.empty()) continue;
    sources.push_back({{"source", source.source.name},
                       {"known_by", to_string(source.source.kind)},
                       {"standing", to_string(standing_of(source))},
                       {"messages", source.total.messages},
                       {"fail", source.total.fail()},
                       {"addresses", source.addresses},
                       {"remedy", remedy}});
  }
  Json json = {{"domain", advice.domain},
               {"policy", advice.policy ? Json(to_string(*advice.policy)) : Json()},
               {"first", day_text(advice.first)},
               {"last", day_text(advice.last)},
               {"days_seen", advice.days_seen},
               {"messages", advice.total.messages},
               {"pass", advice.total.pass}};
  json.add("changes", changes);
  json.add("sources", sources);
  json.add("path", advice.path);
  return json;
}

std::string source_text(const ReportSource& source, SourceStanding standing) {
  return fmt::format("{} ({}, {})", printable(source.name), to_string(source.kind),
                     to_string(standing));
}

void show(Report& text, const Advice& advice, const DomainView& domain) {
  text.heading(fmt::format("Advice for {}, from {} to {}", advice.domain, day_text(advice.first),
                           day_text(advice.last)));
  text.line("policy now", advice.policy ? std::string(to_string(*advice.policy)) : "not known");
  text.line("reports",
            fmt::format("of {} days, {} messages, {} pass", advice.days_seen, advice.total.messages,
                        share(advice.total.pass, advice.total.messages)));
  text.heading("What would have been hit");
  for (const ChangeOutcome& change : advice.changes) {
    if (change.change == PolicyChange::drop_selector) continue;
    text.line(change.text, fmt::format("{}: {}",
                                       change.ready ? text.result("pass") + ", ready"
                                                    : text.result("fail") + ", not ready",
                                       change.reason));
    for (std::size_t i = 0; i < change.hits.size() && i < kHitsShown; ++i) {
      const Hit& hit = change.hits[i];
      text.line("", fmt::format("  {}: {}", source_text(hit.source, hit.standing), hit.messages));
    }
    if (change.hits.size() > kHitsShown)
      text.line("", fmt::format("  and {} more", change.hits.size() - kHitsShown));
  }
  text.heading("Selectors");
  for (const SelectorView& selector : domain.selectors) {
    text.line(printable(selector.selector),
              fmt::format("d={}: {} messages, {} pass by it alone, {} do not verify; last on {}",
                          printable(selector.domain), selector.messages, selector.only,
                          selector.failing, day_text(selector.last)));
  }
  if (domain.selectors.empty()) text.line("", "none is named in the reports");
  text.heading("Sources to mend");
  std::size_t shown = 0;
  for (const SourceView& source : domain.sources) {
    const std::string remedy = remedy_for(source, advice.domain);
    if (remedy.empty()) continue;
    if (++shown > kSourcesShown) break;
    text.line("", fmt::format("{}: {} of {} messages fail",
                              source_text(source.source, standing_of(source)), source.total.fail(),
                              source.total.messages));
    text.line("", "-> " + printable(remedy) + ".");
  }
  if (shown == 0) text.line("", "none");
  if (shown > kSourcesShown) text.line("", "and more; --json has all");
  text.heading("The way to p=reject");
  for (const std::string& step : advice.path) text.line("", step + ".");
}

/// The first step that is not done says whether one is ready.
ExitStatus exit_status(const Advice& advice) {
  if (advice.policy == AssessmentPolicy::reject) return ExitStatus::done;
  const auto next = advice.policy == AssessmentPolicy::quarantine ? PolicyChange::reject
                                                                  : PolicyChange::quarantine;
  for (const ChangeOutcome& change : advice.changes) {
    if (change.change == next) return change.ready ? ExitStatus::done : ExitStatus::negative;
  }
  return ExitStatus::negative;
}

ExitStatus run(const AdviseOptions& options, const CommonOptions& common) {
  const ReportReading reports(options.store, {options.dns, false}, common);
  if (!reports) return reports.report_failure();
  const DomainName name = *DomainName::parse(options.store.domain);
  const Period period = period_of(options.store);
  const auto view = load_view(reports.store(), ViewQuery::Rows::received, period, name.text(),
                              reports.names().get());
  if (!view) return fail(view.error());
  const DomainView* domain = view->domain(name.text());
  if (domain == nullptr) {
    return fail(ExitStatus::negative,
                fmt::format("report: there are no reports of {} from {} to {}", name.text(),
                            day_text(period.first), day_text(period.last)));
  }
  const Advice advice =
      advise(*domain, period.first, period.last, published_policy(name, reports.names().runtime()),
             {options.not_ours.begin(), options.not_ours.end()});
  if (common.json) return write_json(json_of(advice, *domain), exit_status(advice));
  Report text;
  show(text, advice, *domain);
  return text.write(exit_status(advice));
}

}  // namespace

void add_report_advise(const Command& report, Context& context) {
  const Command command = report.add_subcommand(
      "advise", "Say what a stricter policy of a domain would have hit, and what to do first");
  const auto options = std::make_shared<AdviseOptions>();
  command.add_text("DOMAIN", options->store.domain, "the policy domain")
      .check(check_domain_name)
      .required();
  add_store_options(command, options->store);
  command.add_list("--not-ours", options->not_ours, "a source that need not be spared")
      .stands_as("SOURCE");
  add_dns_options(command, options->dns);
  add_common_options(command, context.common);
  command.runs([options, &context] { context.status = run(*options, context.common); });
}

}  // namespace authmilter::tools
