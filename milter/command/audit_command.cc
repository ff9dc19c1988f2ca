#include <algorithm>
#include <atomic>
#include <cstddef>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <authmilter/audit_gather.h>
#include <authmilter/audit_host.h>
#include <authmilter/audit_view.h>
#include <authmilter/host_name.h>
#include <authmilter/key_states.h>

#include "audit/audit_options.h"
#include "audit/facts_file.h"
#include "audit/own_selectors.h"
#include "audit/simulate.h"
#include "audit/survey.h"
#include "commands.h"
#include "options/command_runtime.h"
#include "options/input.h"
#include "output/json.h"
#include "output/output.h"
#include "output/progress.h"

namespace authmilter::tools {
namespace {

constexpr std::size_t kMostCaOctets = 16UL << 20U;  // the system's file of all has a quarter of one

constexpr unsigned kSurveyCacheOctets = 4 << 20;

/// Facts, or how the run ends without them.
using Gathered = Result<AuditFacts, ExitStatus>;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string resolver_text(const AuditOptions& options, const Config& config,
                          ValidationStatus validation) {
  if (!options.dns.zones.empty()) return "zone files " + joined(options.dns.zones);
  std::string servers = joined(options.dns.nameservers);
  if (servers.empty()) {
    std::vector<std::string> configured;
    for (const NameServer& server : config.dns.nameservers) configured.push_back(server.text());
    servers = configured.empty() ? "the system's" : joined(configured);
  }
  switch (validation) {
    case ValidationStatus::on:
      return servers + ", validated here by DNSSEC";
    case ValidationStatus::undecided:
    case ValidationStatus::off:
      return servers + ", not validated";
  }
  return servers;
}

/// The mail server's own settings, where this run is on one: that is where Postfix is.
std::optional<HostFacts> host_facts(const AuditOptions& options, const Config& config,
                                    const CommonOptions& common) {
  if (options.no_host) return std::nullopt;
  HostQuestions questions;
  questions.postconf = options.postconf;
  // Zone files stand for the whole DNS, and nobody is to be asked.
  if (options.dns.zones.empty()) {
    questions.signed_name = options.signed_name;
    questions.bogus_name = options.bogus_name;
  }
  HostFacts facts = gather_host(questions);
  if (facts.postfix.empty() && facts.postfix_trouble.empty()) return std::nullopt;
  facts.name = host_name();
  if (has_configuration(common)) {
    facts.authmilter = configuration_settings(print_config(config));
    std::vector<std::string> domains;
    for (const SigningDomainConfig* domain : config.signing.all_domains())
      domains.push_back((domain->subdomains ? "." : "") + domain->domain.text());
    facts.authmilter["signing.domains"] = joined(domains);
  }
  return facts;
}

/// Calls `work` with each number below `count`, in `jobs` threads.
template <class Work>
void in_threads(std::size_t count, std::size_t jobs, const Work& work) {
  std::atomic<std::size_t> next = 0;
  const auto run = [&] {
    for (std::size_t i; (i = next.fetch_add(1)) < count;) work(i);
  };
  std::vector<std::future<void>> threads;  // whose destructors wait
  for (std::size_t i = 0; i < std::min(count, jobs); ++i)
    threads.push_back(std::async(std::launch::async, run));
  for (auto& thread : threads) thread.get();
}

AuditProbes probes_of(const AuditOptions& options, const std::vector<Detour>& detours) {
  TlsProbeOptions tls;
  tls.ca_file = options.tls_ca;
  tls.helo = host_name();
  FetchOptions fetch;
  fetch.ca_file = options.tls_ca;
  fetch.detours = detours;
  return {[tls](ServerProtocol protocol, const std::string& host, const IpAddress& address,
                std::uint16_t port) { return probe_server(protocol, host, address, port, tls); },
          [fetch](const std::string& url) { return fetch_url(url, fetch); }};
}

Gathered gather(const AuditOptions& options, const CommonOptions& common) {
  auto config = read_configuration(common);
  if (!config) return fail(ExitStatus::configuration, config.error());
  const auto domains = domains_of(options);
  if (!domains) return fail(ExitStatus::no_input, domains.error());
  if (domains->empty()) return fail(ExitStatus::usage, "audit: no domain is named");
  const auto detours = detours_of(options);
  if (!detours) return fail(ExitStatus::usage, detours.error());
  if (!options.tls_ca.empty()) {
    if (const auto file = read_regular_file(options.tls_ca, kMostCaOctets); !file)
      return fail(ExitStatus::no_input, file.error());
  }

  AuditHeader header;
  header.program = "authmilter " AUTHMILTER_VERSION;
  header.time = time_or_now(options.time);
  header.tls_library = options.dns_only ? "" : tls_library();
  header.host = host_facts(options, *config, common);
  const OwnSelectors selectors(*config, options.selectors, header.time);
  std::vector<GatherOptions> what(domains->size());
  for (std::size_t i = 0; i < what.size(); ++i) {
    what[i].selectors = selectors.of((*domains)[i]);
    what[i].servers = !options.dns_only;
    what[i].client_hosts = options.client_hosts;
    what[i].webmail = options.webmail;
    what[i].detours = *detours;
  }
  const AuditProbes probes = probes_of(options, *detours);

  const CommandRuntime runtime(*config, options.dns);
  if (!runtime) return runtime.report_failure();
  std::vector<std::optional<DomainFacts>> found(domains->size());
  Progress progress("domains");
  std::mutex shown;
  std::size_t done = 0;
  in_threads(found.size(), options.jobs, [&](std::size_t i) {
    found[i] = gather_domain((*domains)[i], what[i], runtime->resolver(), probes);
    const std::lock_guard lock(shown);
    progress.at(++done, found.size());
  });
  progress.wipe();
  // Whether answers are validated is known once some have come.
  header.resolver = resolver_text(options, *config, runtime->dns_validation());
  std::vector<DomainFacts> facts;
  for (auto& domain : found) facts.push_back(std::move(*domain));
  return make_facts(std::move(header), std::move(facts));
}

ExitStatus survey(const AuditOptions& options, const CommonOptions& common,
                  const AuditProfile& profile) {
  if (!options.since.empty())
    return fail(ExitStatus::usage, "audit: --survey compares with no earlier facts");
  if (!options.facts.empty()) return run_kept_survey(options, common, profile);
  auto config = read_configuration(common);
  if (!config) return fail(ExitStatus::configuration, config.error());
  const auto detours = detours_of(options);
  if (!detours) return fail(ExitStatus::usage, detours.error());
  SurveyWork work;
  // What one domain is asked for no other is, but for providers' names: a large cache would only be
  // a slow one.
  config->dns.cache_octets = std::min(config->dns.cache_octets, kSurveyCacheOctets);
  work.header.program = "authmilter " AUTHMILTER_VERSION;
  work.header.time = time_or_now(options.time);
  work.header.tls_library = options.dns_only ? "" : tls_library();
  work.probes = probes_of(options, *detours);
  work.what = [&](const DomainName&) {
    GatherOptions what;
    for (const std::string& selector : options.selectors)
      what.selectors.push_back({selector, SelectorOrigin::given, ""});
    // The usual ones are looked at beside those that are given.
    for (SelectorFact& usual : usual_selectors()) {
      const auto same = [&](const SelectorFact& one) { return one.selector == usual.selector; };
      if (std::none_of(what.selectors.begin(), what.selectors.end(), same))
        what.selectors.push_back(std::move(usual));
    }
    what.servers = !options.dns_only;
    what.detours = *detours;
    return what;
  };
  const CommandRuntime runtime(*config, options.dns);
  if (!runtime) return runtime.report_failure();
  work.resolver = &runtime->resolver();
  work.resolver_text = [&] { return resolver_text(options, *config, runtime->dns_validation()); };
  return run_survey(options, common, profile, std::move(work));
}

/// Those that are kept in a file; of them the domains that are named, if any are.
Gathered kept(const AuditOptions& options) {
  const auto domains = domains_of(options);
  if (!domains) return fail(ExitStatus::no_input, domains.error());
  auto facts = read_facts(options.facts);
  if (!facts) return fail(ExitStatus::no_input, facts.error());
  if (facts->domains.empty())
    return fail(ExitStatus::no_input, options.facts + ": has the facts of no domain");
  if (options.time) facts->header.time = *options.time;
  if (domains->empty()) return std::move(*facts);
  std::vector<DomainFacts> named;
  for (const DomainName& domain : *domains) {
    const DomainFacts* known = facts->find(domain);
    if (known == nullptr) {
      return fail(ExitStatus::no_input,
                  fmt::format("{}: knows nothing of {}", options.facts, domain.text()));
    }
    named.push_back(*known);
  }
  facts->domains = std::move(named);
  return std::move(*facts);
}

std::vector<DomainAudit> judge(const AuditFacts& facts, const AuditProfile& profile) {
  const KeyOwners owners = key_owners(facts.domains);
  std::vector<DomainAudit> audits;
  for (const DomainFacts& domain : facts.domains)
    audits.push_back(judge_domain(domain, facts.header, profile, &owners));
  return audits;
}

struct Comparison {
  std::int64_t since = 0;
  std::vector<std::vector<CheckChange>> changes;
};

/// With the facts of --since, judged by the same profile: what has changed is the domain, not what
/// is asked of it.
Comparison compare(const AuditFacts& before, const std::vector<DomainAudit>& now,
                   const AuditProfile& profile) {
  Comparison comparison{before.header.time, {}};
  const KeyOwners owners = key_owners(before.domains);
  for (const DomainAudit& audit : now) {
    const DomainFacts* known = before.find(audit.domain);
    if (known != nullptr) {
      comparison.changes.push_back(
          audit_changes(judge_domain(*known, before.header, profile, &owners), audit));
      continue;
    }
    note(audit.domain.text() + ": was not looked at then, so only what is to be mended is news");
    auto news = audit_changes(DomainAudit{audit.domain, {}, {}}, audit);
    std::erase_if(news, [](const CheckChange& change) { return !is_worse(change); });
    comparison.changes.push_back(std::move(news));
  }
  return comparison;
}

bool any_failed(const std::vector<DomainAudit>& audits) {
  return std::any_of(audits.begin(), audits.end(), [](const DomainAudit& audit) {
    return std::any_of(audit.checks.begin(), audit.checks.end(),
                       [](const AuditCheck& check) { return check.status == CheckStatus::fail; });
  });
}

bool any_worse(const Comparison& comparison) {
  return std::any_of(comparison.changes.begin(), comparison.changes.end(), [](const auto& domain) {
    return std::any_of(domain.begin(), domain.end(), is_worse);
  });
}

std::string shown_as(const std::string& format, const AuditReport& report) {
  if (format == "json") return audit_json(report);
  if (format == "csv") return audit_csv(report);
  if (format == "html") return audit_html(report);
  return audit_text(report);
}

Json rule_json(const AuditRule& rule) {
  return {{"id", rule.id},
          {"title", rule.title},
          {"looked_at", rule.looked_at},
          {"reference", rule.reference},
          {"points", rule.points},
          {"page", rule.page}};
}

ExitStatus explain(const std::string& id, const CommonOptions& common) {
  std::string text;
  std::vector<Json> pages;
  for (const AuditRule* rule : audit_rules()) {
    if (id != "all" && rule->id != id) continue;
    text += (text.empty() ? "" : "\n\n") + rule_page(*rule);
    pages.push_back(rule_json(*rule));
  }
  if (text.empty())
    return fail(ExitStatus::usage, "audit: \"" + printable(id) + "\" is the id of no rule");
  return common.json ? write_json(pages, ExitStatus::done) : write_out(text, ExitStatus::done);
}

ExitStatus run(const AuditOptions& options, const CommonOptions& common) {
  if (!options.explain.empty()) return explain(options.explain, common);
  if (common.json && !options.format.empty() && options.format != "json")
    return fail(ExitStatus::usage, "audit: --json and --format " + options.format);
  if (!options.simulate.empty()) return run_simulation(options, common);
  const auto profile = profile_of(options);
  if (!profile) return fail(ExitStatus::configuration, profile.error());
  if (options.survey) return survey(options, common, *profile);

  // Before anything is asked: a run takes long, and its result would be lost.
  std::optional<AuditFacts> before;
  if (!options.since.empty()) {
    std::error_code ignored;
    const bool first =
        options.since == options.facts_out && !std::filesystem::exists(options.since, ignored);
    if (first) {
      note(options.since + ": is not there yet, so there is nothing to compare with");
    } else {
      auto earlier = read_facts(options.since);
      if (!earlier) return fail(ExitStatus::no_input, earlier.error());
      before = std::move(*earlier);
    }
  }

  const auto facts = options.facts.empty() ? gather(options, common) : kept(options);
  if (!facts) return facts.error();
  const std::vector<DomainAudit> audits = judge(*facts, *profile);
  Comparison comparison;
  if (before) comparison = compare(*before, audits, *profile);
  const AuditReport report{facts->header,   *profile,         audits,
                           facts->sha256(), comparison.since, comparison.changes};
  if (!options.facts_out.empty()) {
    const auto written = replace_file(options.facts_out, facts->text, Links::followed);
    if (!written) return fail(ExitStatus::cannot_create, written.error());
  }
  // With --since what is bad and known asks for nobody, each week anew.
  const bool bad = before ? any_worse(comparison) : any_failed(audits);
  const ExitStatus status = bad ? ExitStatus::negative : ExitStatus::done;
  const std::string text = shown_as(common.json ? "json" : options.format, report);
  if (options.out == "-") return write_out(text, status);
  const auto written = replace_file(options.out, text, Links::followed);
  return written ? status : fail(ExitStatus::cannot_create, written.error());
}

}  // namespace

void add_audit_command(const Command& app, Context& context) {
  const Command command = app.add_subcommand(
      "audit", "Say whether a domain and its servers are in order, and what to do");
  const auto options = std::make_shared<AuditOptions>();
  add_audit_options(command, *options);
  add_common_options(command, context.common);
  command.runs([options, &context] { context.status = run(*options, context.common); });
}

}  // namespace authmilter::tools
