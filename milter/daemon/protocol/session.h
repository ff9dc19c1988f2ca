#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <authmilter/ip_address.h>
#include <authmilter/message_record.h>
#include <authmilter/runtime.h>
#include <authmilter/verify.h>

#include "metrics/metrics.h"
#include "protocol/macros.h"
#include "workarounds/negotiations.h"

namespace authmilter {

enum class BodyNeed { more, nothing };

/// Where the MTA has a message from: another program on a connection, or itself.
enum class Origin { connection, submission };

/// One connection of the MTA: SMTP's state and the message in hand, of which a record is left.
/// Knows nothing of libmilter. Not thread-safe: libmilter calls from changing threads, but one at a
/// time. `metrics`, where it counts connections and what is in hand, must outlive it; `process` is
/// the number of this one there.
class Session {
 public:
  Session(std::shared_ptr<const Runtime> runtime, const MtaFeatures& features, Metrics& metrics,
          std::size_t process = 0);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const MtaFeatures& features() const { return features_; }
  /// The configuration that its messages are treated by.
  const Config& config() const { return runtime_->config(); }

  /// `client` is nothing when the MTA names no IP address.
  void connect(std::optional<IpAddress> client, Mta mta = Mta::other,
               Origin origin = Origin::connection);
  /// Of the listener that the client has connected to.
  void listener(std::string name) { daemon_name_ = std::move(name); }
  /// Whether `named` can be the client that connected.
  bool is_client(const IpAddress& named) const;
  /// May come again after STARTTLS; the last one before MAIL counts.
  void helo(std::string_view name);
  /// The version of TLS in the MTA's words, empty for none. The last one before MAIL counts.
  void encryption(std::string_view tls_version);
  /// Begins a message; one that is still in hand is dropped. `now` in seconds since 1970. With a
  /// record the sender is refused, and there is no message. `queue_id` is for that.
  std::optional<MessageRecord> mail(std::string_view reverse_path, std::string auth_user,
                                    std::int64_t now, const std::string& queue_id = {});
  void recipient(std::string_view address);
  void header(std::string_view name, std::string_view value);
  void end_of_headers();
  BodyNeed body(std::string_view octets);
  /// Ends the message. Waits for the DNS.
  MessageRecord end_of_message(const std::string& queue_id);
  /// Gives the message in hand up, if there is one.
  void abort();

  /// Something went wrong where nothing can be answered: the message in hand will be tempfailed.
  void fail();

 private:
  struct Message;
  class Busy;

  void keep_known_field(const HeaderField& field);
  Envelope envelope(std::string_view reverse_path, std::string auth_user) const;

  std::shared_ptr<const Runtime> runtime_;
  MtaFeatures features_;
  Metrics& metrics_;
  Metrics::Process& process_;
  std::optional<IpAddress> client_;
  Mta mta_ = Mta::other;
  Origin origin_ = Origin::connection;
  std::string daemon_name_;
  std::string helo_;
  std::string tls_version_;
  std::unique_ptr<Message> message_;
};

}  // namespace authmilter
