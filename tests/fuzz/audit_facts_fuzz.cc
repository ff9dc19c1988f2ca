#include <string>

#include <authmilter/audit.h>

#include "input.h"

// A line of a file of facts. What is read is written as a line that is read as the same, and
// can be judged, whatever it says.

using namespace authmilter;
using fuzz::printable_ascii;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  if (const auto header = parse_header_line(input.text())) {
    const std::string line = facts_line(*header);
    const auto again = parse_header_line(line);
    require(again && facts_line(*again) == line, "written and read, the header is the same");
  }
  const auto facts = parse_facts_line(input.text());
  if (!facts) {
    require(facts.error().message.starts_with("not a line of facts: it "), "an error says why");
    require(facts.error().message.find('\n') == std::string::npos, "an error is one line");
    return 0;
  }
  const std::string line = facts_line(*facts);
  require(line.find('\n') == std::string::npos, "facts are one line");
  const auto again = parse_facts_line(line);
  require(again && again->servers == facts->servers && again->selectors == facts->selectors &&
              again->webmail == facts->webmail && again->mta_sts_policy == facts->mta_sts_policy,
          "written and read, the facts are the same");
  require(facts_line(*again) == line, "written again, the line is the same");
  const DomainAudit audit = judge_domain(*facts, AuditHeader{}, AuditProfile{});
  for (const AuditCheck& check : audit.checks) {
    require(!check.verdicts.empty(), "a check has a verdict");
    for (const Verdict& verdict : check.verdicts) {
      require(printable_ascii(verdict.subject) && printable_ascii(verdict.evidence) &&
                  printable_ascii(verdict.remedy),
              "what is shown can be printed");
    }
  }
  return 0;
}
