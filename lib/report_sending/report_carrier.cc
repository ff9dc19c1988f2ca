#include <chrono>

#include <authmilter/report_sending.h>

#include "report_sending/sendmail_carrier.h"
#include "transfer/smtp_client.h"

namespace authmilter {
namespace {

// Longer than an MTA takes for a mail of some megabytes on a busy host, and shorter than the lease
// of a run.
constexpr std::chrono::minutes kTimeout{5};

class SmtpCarrier final : public ReportCarrier {
 public:
  SmtpCarrier(SmtpServer server, std::string from)
      : server_(std::move(server)), from_(std::move(from)) {}
  Carried carry(const OutgoingReport& mail) override {
    const SmtpOutcome outcome = send_by_smtp(server_, from_, mail.recipients, mail.octets);
    return {state_of(outcome.state), outcome.reply};
  }

 private:
  static Carried::State state_of(SmtpOutcome::State state) {
    switch (state) {
      case SmtpOutcome::State::accepted:
        return Carried::State::done;
      case SmtpOutcome::State::later:
        return Carried::State::later;
      case SmtpOutcome::State::refused:
        return Carried::State::refused;
      case SmtpOutcome::State::unknown:
        break;
    }
    return Carried::State::unknown;
  }

  SmtpServer server_;
  std::string from_;
};

}  // namespace

std::unique_ptr<ReportCarrier> make_report_carrier(const ReportDelivery& delivery,
                                                   const ReportSender& sender) {
  switch (delivery.way) {
    case ReportDelivery::Way::smtp:
      return std::make_unique<SmtpCarrier>(
          SmtpServer{.url = delivery.target, .helo = sender.submitter.text(), .timeout = kTimeout},
          sender.email);
    case ReportDelivery::Way::sendmail:
      break;
  }
  return std::make_unique<SendmailCarrier>(delivery.target, sender.email, kTimeout);
}

}  // namespace authmilter
