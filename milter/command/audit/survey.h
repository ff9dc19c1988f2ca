#pragma once

#include <functional>
#include <string>

#include <authmilter/audit_gather.h>
#include <authmilter/audit_profile.h>
#include <authmilter/resolver.h>

#include "audit/audit_options.h"
#include "options/common_options.h"
#include "output/exit_status.h"

namespace authmilter::tools {

/// What a survey takes from the audit that it is made of.
struct SurveyWork {
  AuditHeader header;  // but for the resolver, which is known once some answers have come
  std::function<std::string()> resolver_text;
  std::function<GatherOptions(const DomainName&)> what;  // to ask of a domain; one thread at a time
  AuditProbes probes;
  Resolver* resolver = nullptr;
};

/// `audit --survey`: many domains, each gathered, judged, counted and forgotten. With --facts-out a
/// run that was stopped goes on behind the last whole line of that file.
ExitStatus run_survey(const AuditOptions& options, const CommonOptions& common,
                      const AuditProfile& profile, SurveyWork work);
/// The same of a file of facts (--facts), without the network.
ExitStatus run_kept_survey(const AuditOptions& options, const CommonOptions& common,
                           const AuditProfile& profile);

}  // namespace authmilter::tools
