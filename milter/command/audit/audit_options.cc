#include "audit/audit_options.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include <authmilter/dns_check.h>

#include "audit/domain_list.h"
#include "options/input.h"
#include "output/output.h"

namespace authmilter::tools {
namespace {

// A line a domain: a file of all domains of a large registry is not meant.
constexpr std::size_t kMostListOctets = 64UL << 20U;
// Each waits for others nearly all of its time; more than this many would be more than name servers
// take from one address.
constexpr unsigned kMostJobs = 256;

std::string check_url(const std::string& text) {
  return text.starts_with("https://") && text.size() > std::string_view("https://").size()
             ? ""
             : "\"" + text + "\" is not a URL that begins with https://";
}

std::string check_jobs(const std::string& text) {
  unsigned jobs = 0;
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, jobs);
  const bool good = error == std::errc() && last == end && jobs > 0 && jobs <= kMostJobs;
  return good ? "" : fmt::format("\"{}\" is not a number from 1 to {}", text, kMostJobs);
}

std::string check_connect(const std::string& text);

std::optional<Detour> parse_detour(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  const auto host = DomainName::parse(text.substr(0, equals));
  const std::string_view where = text.substr(equals + 1);
  const auto server = NameServer::parse(where);
  // Without a port of its own it would be that of the DNS.
  if (!host || !server || where.find('@') == std::string_view::npos) return std::nullopt;
  return Detour{host->text(), server->address(), server->port()};
}

std::string check_connect(const std::string& text) {
  return parse_detour(text) ? "" : "\"" + text + "\" is not HOST=ADDRESS@PORT";
}

}  // namespace

void add_audit_options(const Command& command, AuditOptions& options) {
  command.add_list("domain", options.domains, "what is looked at")
      .check(check_domain_name)
      .stands_as("DOMAIN");
  command
      .add_text("--domains-file", options.domains_file,
                "a domain on each line; - is standard input")
      .stands_as("FILE");
  command
      .add_text("--profile", options.profile, "what is asked for: default, strict, nukib or a file")
      .stands_as("NAME|FILE")
      .show_default();
  command
      .add_list("--selector", options.selectors,
                "a DKIM selector of the domains, beside those of the configuration")
      .check(check_selector)
      .stands_as("NAME");
  command.add_list("--client-host", options.client_hosts, "a server that people's devices use")
      .check(check_domain_name)
      .stands_as("HOST");
  command.add_list("--webmail", options.webmail, "a page that mail is read on")
      .check(check_url)
      .stands_as("URL");
  command.add_text("--format", options.format, "text, json, csv or html (default: text)")
      .one_of({"text", "json", "csv", "html"})
      .stands_as("FORMAT");
  command.add_text("--out", options.out, "the file; - is standard output")
      .stands_as("FILE")
      .show_default();
  command.add_number("--jobs", options.jobs, "so many domains at a time")
      .check(check_jobs)
      .stands_as("NUMBER")
      .show_default();
  command
      .add_text("--since", options.since,
                "compare with the facts of FILE; exit status 1 if something became worse")
      .stands_as("FILE");
  const Option facts_out =
      command.add_text("--facts-out", options.facts_out, "keep what was found, to be judged again")
          .stands_as("FILE");
  command.add_text("--facts", options.facts, "judge what was kept, without the network")
      .stands_as("FILE")
      .excludes(facts_out);
  command.add_text("--explain", options.explain, "say what a rule is about; all: each rule")
      .stands_as("ID|all");
  command.add_flag("--survey", options.survey,
                   "count how many of the domains have what; --facts-out goes on where it stopped");
  command.add_number("--rate", options.rate, "questions of a survey a second; 0: no limit")
      .stands_as("N")
      .show_default();
  command
      .add_text("--simulate", options.simulate,
                "say which senders of a file of cases would pass for the domain")
      .stands_as("CASES");
  command.add_flag("--dns-only", options.dns_only, "ask the DNS alone, and no server");
  command.add_flag("--no-host", options.no_host, "do not look at this host's own Postfix");
  command.add_list("--connect", options.connect, "reach this host at this address and port instead")
      .check(check_connect)
      .stands_as("HOST=ADDR@PORT");
  command
      .add_text("--tls-ca", options.tls_ca,
                "certificates of authorities that count, instead of the system's")
      .stands_as("FILE");
  const DnsCheckNames names;
  options.signed_name = names.signed_name;
  options.bogus_name = names.bogus_name;
  command
      .add_text("--signed-name", options.signed_name,
                "a name with right signatures, asked of this host's resolver")
      .check(check_domain_name)
      .stands_as("NAME")
      .show_default();
  command.add_text("--bogus-name", options.bogus_name, "a name whose signatures are wrong")
      .check(check_domain_name)
      .stands_as("NAME")
      .show_default();
  command.add_text("--postconf", options.postconf, "the program postconf(1)")
      .stands_as("FILE")
      .show_default();
  add_time_option(command, options.time, "judge as if it were this time");
  add_dns_options(command, options.dns);
}

Result<std::vector<DomainName>> domains_of(const AuditOptions& options) {
  std::vector<DomainName> domains;
  std::set<DomainName> seen;
  const auto add = [&](const DomainName& domain) {
    if (seen.insert(domain).second) domains.push_back(domain);
  };
  for (const std::string& text : options.domains) add(DomainName::parse(text).value());
  if (options.domains_file.empty()) return domains;
  const auto file = read_regular_file(options.domains_file, kMostListOctets);
  if (!file) return file.error();
  std::string_view rest = *file;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = name_in(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty()) continue;
    const auto domain = DomainName::parse(line);
    if (!domain) {
      return Error{fmt::format("{}:{}: \"{}\" is not a domain name", options.domains_file, number,
                               printable(line))};
    }
    add(*domain);
  }
  return domains;
}

Result<std::vector<Detour>> detours_of(const AuditOptions& options) {
  std::vector<Detour> detours;
  for (const std::string& text : options.connect) {
    const auto detour = parse_detour(text);
    if (!detour) return Error{check_connect(text)};
    detours.push_back(*detour);
  }
  return detours;
}

Result<AuditProfile> profile_of(const AuditOptions& options) {
  if (const AuditProfile* profile = built_in_profile(options.profile)) return *profile;
  auto profile = read_audit_profile(options.profile);
  if (profile || options.profile.find('/') != std::string::npos) return profile;
  return Error{profile.error().message + " (a name: default, strict, nukib; or a file)"};
}

}  // namespace authmilter::tools
