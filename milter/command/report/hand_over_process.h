#pragma once

#include <sys/types.h>

#include <memory>

#include <authmilter/report_sending.h>
#include <authmilter/reports_config.h>

namespace authmilter::tools {

/// Hands reports over in a process of its own, which goes on when this one is killed: it ends the
/// entry that it has in hand, writes down what came of it, and then itself. So a crash of a run,
/// whenever it comes, makes no report go out twice or not at all. What this process has open is
/// open there too: a lock that is held stays held until both are gone.
class HandOverProcess final : public ReportHandOver {
 public:
  /// Before this process has threads: theirs would not be there.
  static Result<std::unique_ptr<HandOverProcess>> start(const StoreAddress& store,
                                                        const ReportDelivery& delivery,
                                                        const ReportSender& sender);
  HandOverProcess(const HandOverProcess&) = delete;
  HandOverProcess& operator=(const HandOverProcess&) = delete;
  /// Waits for its end.
  ~HandOverProcess() override;
  StoreResult<EntryProgress> hand_over(const SendEntry& entry, const OutgoingReport& mail,
                                       std::int64_t now) override;

 private:
  HandOverProcess(pid_t child, int channel) : child_(child), channel_(channel) {}
  pid_t child_;
  int channel_;
};

}  // namespace authmilter::tools
