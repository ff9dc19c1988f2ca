#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/report_reader.h>
#include <authmilter/report_store.h>

namespace authmilter::tools {

/// Who may say what became of a report's mail: hosts of ours, by the name in their results.
using OurNames = std::vector<DomainName>;

/// What is to be written down of where a report came from. `organization_email` is the report's own
/// contact. The mail's DMARC result is that of the topmost Authentication-Results field which one
/// of `ours` has written. Doubtful is a report whose mail did not pass, or whose author is of
/// another organization than the contact that the report names (RFC 9990 section 3.5.2: report mail
/// must pass DMARC, so that reports cannot be forged); one that came without a mail is the
/// administrator's own word.
ReportOrigin report_origin(const ReportMail& mail, std::string_view organization_email,
                           const OurNames& ours, std::int64_t now);

}  // namespace authmilter::tools
