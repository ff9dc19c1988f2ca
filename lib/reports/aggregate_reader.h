#pragma once

#include <authmilter/report_reader.h>

#include "base/octet_source.h"

namespace authmilter {

/// Reads one aggregate report, of RFC 7489 or RFC 9990, whatever its namespace and the order of its
/// elements, and hands it to `sink`. The outcome has no kind where the document is something else.
ReportOutcome read_aggregate_report(OctetSource& source, const ReportLimits& limits,
                                    ReportSink& sink, const ReportMail& mail);

}  // namespace authmilter
