#include <authmilter/other_methods.h>

#include <fmt/format.h>

namespace authmilter {
namespace {

/// Of a hop's own results, in an explanation; a field has room for two hundred.
constexpr std::size_t kNamedResults = 8;

std::string results_text(const std::optional<AuthenticationResults>& results) {
  if (!results) return "results that cannot be read";
  std::string text;
  for (std::size_t i = 0; i < results->results.size() && i < kNamedResults; ++i) {
    const MethodResult& one = results->results[i];
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", one.method, one.result);
  }
  if (results->results.size() > kNamedResults) text += ", ...";
  return text.empty() ? "no results" : text;
}

/// RFC 8617 section 6: the address of the client and the age of the chain, as far as they are
/// known.
MethodFinding arc_finding(const Findings& findings) {
  const ArcOutcome& arc = findings.arc;
  MethodFinding finding;
  finding.method = "arc";
  finding.domain_key = "arc_domain";
  finding.entry.method = finding.method;
  finding.entry.result = to_string(arc.result);
  finding.entry.reason = arc.reason.word();
  if (findings.client)
    finding.entry.properties.push_back({"smtp", "remote-ip", findings.client->text()});
  if (arc.oldest_pass)
    finding.entry.properties.push_back(
        {"header", "oldest-pass", fmt::format("{}", *arc.oldest_pass)});
  finding.reason = arc.reason.text();
  finding.undecided_by = arc.undecided_by;
  unsigned instance = 0;
  for (const ArcHop& hop : arc.hops) {
    finding.domains.push_back(hop.sealer);
    finding.details.emplace_back(
        fmt::format("hop {}", ++instance),
        fmt::format("{}, selector {}, found the chain before: {}; found: {}", hop.sealer.text(),
                    hop.selector.text(), to_string(hop.chain), results_text(hop.results)));
  }
  return finding;
}

}  // namespace

std::vector<MethodFinding> other_methods(const Findings& findings) {
  std::vector<MethodFinding> methods;
  if (findings.arc.result != ArcResult::none) methods.push_back(arc_finding(findings));
  return methods;
}

}  // namespace authmilter
