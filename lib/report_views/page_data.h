#pragma once

#include <string>

#include <authmilter/report_page.h>

namespace authmilter {

/// What the page's script reads, as JSON for a script element. Numbers of a day are lists whose
/// zeros at the end are left out:
///   series:    [domain, source, [[day, messages, failed, without DKIM, without SPF, quarantined,
///              rejected], ...]]
///   receivers: [domain, organization, [[bucket, messages, failed, quarantined, rejected], ...]],
///              a bucket being `bucket` days
///   own:       [domain, [[day, messages, failed, quarantined, rejected, would be quarantined,
///   would
///              be rejected], ...]]
///   tls:       [day, domain, organization, policy, result, host, detail, sessions]
std::string page_data(const PageInput& input);

}  // namespace authmilter
