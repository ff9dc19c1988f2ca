#pragma once

#include <string>
#include <vector>

#include <authmilter/audit_facts.h>
#include <authmilter/result.h>

namespace authmilter::tools {

/// What one run found: the facts, and the text of the file that holds them.
struct AuditFacts {
  AuditHeader header;
  std::vector<DomainFacts> domains;
  std::string text;
  /// Of the text, in hexadecimal.
  std::string sha256() const;
  const DomainFacts* find(const DomainName& domain) const;
};

/// Makes the text of the others.
AuditFacts make_facts(AuditHeader header, std::vector<DomainFacts> domains);
/// Errors begin with the path, and name the line. A last line without an end, as a run that was
/// killed leaves it, is left out.
Result<AuditFacts> read_facts(const std::string& path);

}  // namespace authmilter::tools
