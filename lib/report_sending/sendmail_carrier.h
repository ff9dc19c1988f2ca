#pragma once

#include <chrono>
#include <string>

#include <authmilter/report_sending.h>

namespace authmilter {

/// Hands mail to a program that takes it as sendmail(1) does: `PROGRAM -i -f FROM -- RECIPIENT...`,
/// without a shell. The program reads a file that is whole before it starts, so that it never takes
/// a part of a mail for all of it, whatever becomes of this process; it is waited for, up to
/// `timeout`, and killed then.
class SendmailCarrier final : public ReportCarrier {
 public:
  SendmailCarrier(std::string program, std::string from, std::chrono::milliseconds timeout)
      : program_(std::move(program)), from_(std::move(from)), timeout_(timeout) {}
  Carried carry(const OutgoingReport& mail) override;

 private:
  std::string program_;
  std::string from_;
  std::chrono::milliseconds timeout_;
};

}  // namespace authmilter
