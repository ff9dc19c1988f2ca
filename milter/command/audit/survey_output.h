#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include <authmilter/audit_survey_view.h>
#include <authmilter/result.h>

#include "output/exit_status.h"

namespace authmilter::tools {

/// Where a survey goes: as CSV a line for each domain as it comes, else the sums at the end. A file
/// has its name once it is whole.
class SurveyOutput {
 public:
  /// `out` is a file, or "-" for standard output.
  static Result<SurveyOutput> open(const std::string& format, const std::string& out);

  Status add(const SurveyRow& row);
  ExitStatus finish(const SurveyReport& report);

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept;
  };
  Status write(const std::string& text);
  std::string part() const { return out_ + ".part"; }

  std::string format_;
  std::string out_;
  std::unique_ptr<std::FILE, Close> file_;  // of CSV
};

}  // namespace authmilter::tools
