#pragma once

#include <string_view>
#include <vector>

#include <authmilter/dkim.h>
#include <authmilter/dmarc.h>
#include <authmilter/recording_resolver.h>
#include <authmilter/spf.h>
#include <authmilter/verify.h>

#include "output/output.h"

namespace authmilter::tools {

// What was found out and why, for people. Everything a stranger wrote is escaped.

void explain_envelope(Report& report, const Envelope& envelope);
void explain_spf(Report& report, const SpfOutcome& outcome, const SpfLimits& limits);
void explain_dkim(Report& report, const std::vector<DkimOutcome>& signatures);
void explain_dmarc(Report& report, const DmarcOutcome& outcome);
void explain_other_methods(Report& report, const Findings& findings);
/// Of a client that is a forwarder; nothing otherwise.
void explain_forwarder(Report& report, const Findings& findings);
/// Of a message that is to be sealed; nothing otherwise.
void explain_seal(Report& report, const SealOutcome& seal);
void explain_decision(Report& report, const MessageVerdict& verdict, const PolicyConfig& policy);
void explain_edits(Report& report, const std::vector<HeaderEdit>& edits);
void explain_lookups(Report& report, const std::vector<RecordingResolver::Entry>& lookups);

}  // namespace authmilter::tools
