#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>

#include <authmilter/policy.h>
#include <authmilter/sign.h>
#include <authmilter/tls_requirement.h>
#include <authmilter/verify.h>

namespace authmilter {

/// We failed, not the sender.
struct InternalFailure {};

/// All that is known of one message when it is over. What is said of it is read from here and from
/// nothing else: the answer to the MTA, the log line, the metrics. A plain value, which may travel
/// to another thread.
struct MessageRecord {
  std::string queue_id;         // of the MTA; empty when it has given none yet
  std::int64_t received = 0;    // when it began (MAIL), in seconds since 1970
  Envelope envelope;            // without the recipients, which only the policy looks at
  std::string tls_version;      // of the client's connection, in the MTA's words; empty: no TLS
  bool tls_missing = false;     // network.require_tls would refuse it, but for monitor mode
  bool recipients_cut = false;  // there were more, or longer ones, than are looked at
  /// What became of it: nothing good, refused at MAIL, judged, or signed (or not, with the reason).
  std::variant<InternalFailure, TlsRefusal, MessageVerdict, SigningOutcome> result;
  /// Of one that was judged, where `[reports]` tells of failures: the fields by which its author
  /// knows it, a line each, cut. Else empty.
  std::string header;
  bool changes_failed = false;        // the MTA did not take the changes of its header
  std::chrono::microseconds busy{0};  // of our own work and waiting

  const MessageVerdict* verdict() const { return std::get_if<MessageVerdict>(&result); }
  const SigningOutcome* signing() const { return std::get_if<SigningOutcome>(&result); }
  const TlsRefusal* refusal() const { return std::get_if<TlsRefusal>(&result); }
};

/// What the MTA is told to do with the message.
Disposition action_on(const MessageRecord& record);

}  // namespace authmilter
