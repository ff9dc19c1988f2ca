#pragma once

#include <string>

#include <authmilter/report_view.h>

namespace authmilter {

/// What one row says, beyond how many messages it counts.
struct RowFacts {
  ReportTally tally;
  WhatIf what_if;
  FailureCauses causes;
  std::string other_domain;  // that passed instead; see SourceView
};
RowFacts row_facts(const ViewRow& row);

}  // namespace authmilter
