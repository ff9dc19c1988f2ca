#pragma once

#include <memory>
#include <optional>
#include <string>

#include <authmilter/report_sending.h>
#include <authmilter/runtime.h>

#include "options/command_runtime.h"

namespace authmilter::tools {

/// The mails of reports, signed by the keys of this host for the domain of `[reports] email` (RFC
/// 9990 section 3.5.2: they must pass DMARC). Where that domain has no key here, or the key cannot
/// be read, a note says so and mails stay unsigned: whoever passes them on may sign them, and does
/// not sign again what has a good signature.
class OwnMail {
 public:
  /// Both must outlive it. Keys are read for the first mail.
  OwnMail(const Config& config, const ReportSender& sender) : config_(config), sender_(sender) {}
  /// It must outlive what it gives.
  ReportComposer composer();
  FailureComposer failure_composer();

 private:
  void read_keys();
  std::string signed_mail(const std::string& mail);

  const Config& config_;
  const ReportSender& sender_;
  bool looked_ = false;
  std::unique_ptr<CommandRuntime> runtime_;  // null: nothing is signed
};

/// The file of a report alone, without a mail around it.
ReportComposer file_composer();

}  // namespace authmilter::tools
