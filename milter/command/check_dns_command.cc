#include <memory>
#include <string>
#include <vector>

#include <authmilter/dns_check.h>

#include "commands.h"
#include "output/json.h"
#include "output/output.h"

namespace authmilter::tools {
namespace {

struct CheckDnsOptions {
  DnsOptions dns;
  DnsCheckNames names;
};

Json checks_json(const std::vector<DnsCheck>& checks) {
  std::vector<Json> list;
  for (const DnsCheck& check : checks) {
    list.push_back({{"id", check.id},
                    {"status", to_string(check.status)},
                    {"evidence", check.evidence},
                    {"remedy", check.remedy.empty() ? Json() : Json(check.remedy)}});
  }
  return list;
}

Json report_json(const DnsCheckReport& report) {
  std::vector<Json> servers;
  for (const NameServerCheck& server : report.name_servers)
    servers.push_back(
        {{"name_server", server.name_server}, {"checks", checks_json(server.checks)}});
  return {{"status", to_string(report.worst())},
          {"name_servers", servers},
          {"daemon", checks_json(report.daemon)},
          {"notices", report.notices}};
}

void show(Report& text, const std::string& heading, const std::vector<DnsCheck>& checks) {
  text.heading(heading);
  for (const DnsCheck& check : checks) {
    text.line(check.id,
              text.result(to_string(check.status)) + ": " + printable(check.evidence) + ".");
    if (!check.remedy.empty()) text.line("", "-> " + printable(check.remedy) + ".");
  }
}

ExitStatus exit_status(const DnsCheckReport& report) {
  const bool no_lookups = report.daemon.front().status == DnsCheckStatus::fail;
  if (report.silent() || no_lookups) return ExitStatus::temporary;
  return report.worst() == DnsCheckStatus::fail ? ExitStatus::negative : ExitStatus::done;
}

ExitStatus run(const CheckDnsOptions& options, const CommonOptions& common) {
  const auto config = read_configuration(common);
  if (!config) return fail(ExitStatus::configuration, config.error());
  if (!options.dns.zones.empty()) {
    return fail(ExitStatus::usage,
                "check-dns: --zone asks no name server, so there is none to try");
  }
  const bool named = !options.dns.nameservers.empty();
  const auto servers = name_servers(options.dns);
  if (!servers) return fail(ExitStatus::usage, servers.error());
  UnboundOptions resolver;
  resolver.nameservers = named ? *servers : config->dns.nameservers;
  resolver.dnssec = options.dns.no_dnssec ? DnssecMode::off : config->dns.dnssec;
  resolver.timeout = config->dns.timeout;
  resolver.trust_anchor_file = config->dns.trust_anchor.string();
  const auto report = check_dns(resolver, options.names);
  if (!report) return fail(named ? ExitStatus::usage : ExitStatus::configuration, report.error());

  const ExitStatus status = exit_status(*report);
  if (common.json) return write_json(report_json(*report), status);
  Report text;
  for (const NameServerCheck& server : report->name_servers)
    show(text, "Name server " + server.name_server, server.checks);
  show(text, "As the daemon asks", report->daemon);
  if (!report->notices.empty()) text.heading("Notices");
  for (const std::string& notice : report->notices) text.line("", printable(notice));
  return text.write(status);
}

}  // namespace

void add_check_dns_command(const Command& app, Context& context) {
  const Command command =
      app.add_subcommand("check-dns", "Try the name servers as the daemon uses them");
  const auto options = std::make_shared<CheckDnsOptions>();
  const auto add = [&](const char* name, std::string& value, const std::string& what) {
    command.add_text(name, value, what + " (default: " + value + ")")
        .check(check_domain_name)
        .stands_as("NAME");
  };
  add("--signed", options->names.signed_name, "a zone with right signatures and an address");
  add("--bogus", options->names.bogus_name, "a name whose signatures are wrong");
  add("--large", options->names.large_name, "a name with TXT records of some thousand octets");
  add("--loopback", options->names.loopback_name, "a name whose address is in 127.0.0.0/8");
  add_dns_options(command, options->dns);
  add_common_options(command, context.common);
  command.runs([options, &context] { context.status = run(*options, context.common); });
}

}  // namespace authmilter::tools
