#include "protocol/session.h"

#include <authmilter/message.h>
#include <authmilter/sign.h>
#include <authmilter/tls_requirement.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace authmilter {
namespace {

using Clock = std::chrono::steady_clock;

// Recipients only choose among policy overrides. The MTA's own limit (1000 in Postfix) is seldom
// higher.
constexpr std::size_t kRecipients = 1000;
// RFC 5321 section 4.5.3.1.3: a path has 256 octets. MTAs allow more, lines of 2048 in Postfix.
constexpr std::size_t kRecipientOctets = 2048;
// Stands for recipients above the limits. It cannot be read, so it may be anybody: overrides that
// make a message's lot worse match it, those that make it better do not.
constexpr const char* kOtherRecipients = "?";

}  // namespace

/// The message in hand: judged or signed, never both.
struct Session::Message {
  explicit Message(Metrics::Process& process) : process_(process) { ++process_.messages_in_hand; }
  ~Message() { --process_.messages_in_hand; }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  /// Calls `use` with whichever of the two there is.
  template <class Use>
  auto with(Use use) {
    return verifier ? use(*verifier) : use(*signer);
  }

  std::unique_ptr<MessageVerifier> verifier;
  std::unique_ptr<MessageSigner> signer;
  std::size_t recipients = 0;
  bool header_ended = false;
  bool failed = false;
  MessageRecord record;

 private:
  Metrics::Process& process_;
};

/// Adds the time of a callback to its message's account.
class Session::Busy {
 public:
  explicit Busy(Message& message) : message_(message) {}
  ~Busy() {
    message_.record.busy +=
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - since_);
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  Message& message_;
  const Clock::time_point since_ = Clock::now();
};

Session::Session(std::shared_ptr<const Runtime> runtime, const MtaFeatures& features,
                 Metrics& metrics, std::size_t process)
    : runtime_(std::move(runtime)),
      features_(features),
      metrics_(metrics),
      process_(metrics.process(process)) {
  ++metrics_.connections;
  ++metrics_.open_connections;
}

Session::~Session() {
  abort();
  --metrics_.open_connections;
}

void Session::connect(std::optional<IpAddress> client, Mta mta, Origin origin) {
  client_ = client;
  mta_ = mta;
  origin_ = origin;
  tls_version_.clear();
  daemon_name_.clear();
}

bool Session::is_client(const IpAddress& named) const {
  if (client_) return *client_ == named;
  // An MTA may give local submission the address of its host.
  return is_loopback(named);
}

void Session::helo(std::string_view name) { helo_ = name; }

void Session::encryption(std::string_view tls_version) { tls_version_ = tls_version; }

Envelope Session::envelope(std::string_view reverse_path, std::string auth_user) const {
  Envelope envelope;
  envelope.client = client_;
  envelope.submitted_here = !client_ && origin_ == Origin::submission;
  envelope.helo = parse_helo(helo_);
  envelope.mail_from = parse_reverse_path(reverse_path);
  envelope.auth_user = std::move(auth_user);
  envelope.daemon_name = daemon_name_;
  envelope.quarantine_offered = features_.quarantine;
  envelope.mta = mta_;
  return envelope;
}

std::optional<MessageRecord> Session::mail(std::string_view reverse_path, std::string auth_user,
                                           std::int64_t now, const std::string& queue_id) {
  abort();
  MessageRecord record;
  record.queue_id = queue_id;
  record.received = now;
  record.tls_version = tls_version_;
  record.envelope = envelope(reverse_path, std::move(auth_user));
  std::optional<TlsRefusal> refusal;
  if (origin_ == Origin::connection)
    refusal = tls_refusal(config().require_tls, client_, tls_version_);
  if (refusal && config().verify.mode == VerifyMode::enforce) {
    record.result = std::move(*refusal);
    return record;
  }
  record.tls_missing = refusal.has_value();
  message_ = std::make_unique<Message>(process_);
  const Busy busy(*message_);
  message_->failed = true;  // unless the rest of this succeeds
  message_->record = std::move(record);
  const Envelope& envelope = message_->record.envelope;
  if (runtime_->signs(envelope)) {
    message_->signer = runtime_->signer(envelope, now);
  } else {
    message_->verifier = runtime_->verifier(envelope, now);
  }
  message_->failed = false;
  return std::nullopt;
}

void Session::recipient(std::string_view address) {
  if (!message_ || !message_->verifier || message_->recipients > kRecipients) return;
  const bool kept = ++message_->recipients <= kRecipients && address.size() <= kRecipientOctets;
  if (!kept) message_->record.recipients_cut = true;
  message_->verifier->add_recipient(
      parse_reverse_path(kept ? address : std::string_view(kOtherRecipients)));
}

void Session::header(std::string_view name, std::string_view value) {
  if (!message_ || message_->failed) return;
  const Busy busy(*message_);
  // Without the option the MTA has taken one blank off. Which one is not known, but a space is what
  // nearly every field has.
  const HeaderField field = features_.leading_space || value.empty()
                                ? make_header_field(name, value)
                                : make_header_field(name, ' ' + std::string(value));
  message_->with([&](auto& stream) { stream.header(field); });
  if (message_->verifier && config().reports.failure_reports) keep_known_field(field);
}

void Session::keep_known_field(const HeaderField& field) {
  // A message has one of each, but for signatures, and none of a reasonable size needs more room.
  constexpr std::size_t kMostOctets = 16 * 1024;
  constexpr std::string_view kNames[] = {"from",    "date",           "message-id",
                                         "list-id", "dkim-signature", "subject"};
  std::string& header = message_->record.header;
  const bool known = std::any_of(std::begin(kNames), std::end(kNames),
                                 [&](std::string_view name) { return has_name(field, name); });
  if (!known || header.size() + field.name.size() + field.value.size() > kMostOctets) return;
  header += field.name + ":";
  for (const char c : field.value) {
    if (c != '\r' && c != '\n') header += c;
  }
  header += '\n';
}

void Session::end_of_headers() {
  if (!message_ || message_->failed || message_->header_ended) return;
  const Busy busy(*message_);
  message_->header_ended = true;
  message_->with([](auto& stream) { stream.end_of_headers(); });
}

BodyNeed Session::body(std::string_view octets) {
  if (!message_ || message_->failed) return BodyNeed::nothing;
  end_of_headers();  // in case the MTA left it out
  const Busy busy(*message_);
  return message_->with([&](auto& stream) {
    if (!stream.wants_body()) return BodyNeed::nothing;
    stream.body(octets);
    return stream.wants_body() ? BodyNeed::more : BodyNeed::nothing;
  });
}

MessageRecord Session::end_of_message(const std::string& queue_id) {
  // However this function is left, the message is over.
  const struct Drop {
    Session& session;
    ~Drop() { session.message_.reset(); }
  } drop{*this};
  if (!message_ || message_->failed) {
    MessageRecord failure;
    failure.queue_id = queue_id;
    return failure;
  }
  end_of_headers();  // in case the MTA left it out
  MessageRecord& record = message_->record;
  record.queue_id = queue_id;
  {
    const Busy busy(*message_);
    if (message_->signer) {
      record.result = message_->signer->finish();
    } else {
      record.result = message_->verifier->finish();
    }
  }
  return std::move(record);
}

void Session::abort() {
  if (message_) Metrics::add(metrics_.aborted_messages);
  message_.reset();
}

void Session::fail() {
  if (message_) message_->failed = true;
}

}  // namespace authmilter
