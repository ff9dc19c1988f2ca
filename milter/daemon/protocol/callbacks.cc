#include "protocol/callbacks.h"

#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "log/detail_log.h"
#include "log/message_line.h"
#include "metrics/message_counts.h"
#include "protocol/answer.h"
#include "protocol/give_answer.h"
#include "protocol/macros.h"
#include "protocol/session.h"
#include "workarounds/accept.h"
#include "workarounds/negotiations.h"

namespace authmilter {
namespace {

// libmilter drops a connection that sends more at once; its own limit of 64 KiB is less than a
// header field may be long in Postfix (header_size_limit).
constexpr std::size_t kPacketOctets = 1U << 20U;
constexpr int kIdleSeconds = 600;
constexpr int kBacklog = 256;

constexpr unsigned long kNeededActions = SMFIF_ADDHDRS | SMFIF_CHGHDRS;
// Callbacks that never answer, so that the MTA need not wait. Not MAIL, which is refused where TLS
// is required, and not the body: its answer is how the MTA is told to keep the rest. libmilter
// fakes these for an MTA that lacks them.
constexpr unsigned long kNoReplies =
    SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_RCPT | SMFIP_NR_HDR | SMFIP_NR_EOH;
constexpr unsigned long kWantedOptions = SMFIP_SKIP | SMFIP_HDR_LEADSPC;
// Steps that we have no callback for.
constexpr unsigned long kNotWanted = SMFIP_NODATA | SMFIP_NOUNKNOWN;

/// Set once, before libmilter starts a thread; libmilter has no place for a pointer of ours.
const MilterContext* milter = nullptr;

Negotiations negotiations;

void log_internal_error(const char* callback, const char* what) noexcept {
  ++milter->metrics.internal_errors;
  try {
    milter->logger.error("internal error", {{"callback", callback}, {"what", std::string(what)}});
  } catch (...) {
    // Out of memory: it is counted, although it cannot be logged.
  }
}

/// Runs `body` behind a wall that no exception passes. What went wrong is logged, and `otherwise`
/// is returned.
template <class Body>
sfsistat contained(const char* callback, sfsistat otherwise, Body body) noexcept {
  try {
    return body();
  } catch (const std::exception& e) {
    log_internal_error(callback, e.what());
  } catch (...) {
    log_internal_error(callback, "unknown exception");
  }
  return otherwise;
}

/// For a callback that takes part in a message. One that fails has mostly no answer to give
/// (SMFIP_NR_...): the message is marked, and refused at its end.
template <class Body>
sfsistat guarded(const char* callback, SMFICTX* ctx, Body body) noexcept {
  auto* session = static_cast<Session*>(smfi_getpriv(ctx));
  if (session == nullptr) return SMFIS_NOREPLY;
  return contained(callback, SMFIS_NOREPLY, [&] {
    try {
      body(*session);
    } catch (...) {
      session->fail();
      throw;
    }
    return SMFIS_NOREPLY;
  });
}

class ContextMacros final : public MacroSource {
 public:
  explicit ContextMacros(SMFICTX* ctx) : ctx_(ctx) {}
  std::string_view get(const char* name) const override {
    std::string mutable_name = name;
    const char* value = smfi_getsymval(ctx_, mutable_name.data());
    return value == nullptr ? std::string_view() : std::string_view(value);
  }

 private:
  SMFICTX* ctx_;
};

/// The client's address as the MTA has it from its own socket. Host names and macros are not looked
/// at: those repeat what the client's DNS says.
std::optional<IpAddress> client_address(const sockaddr* address) {
  if (address == nullptr) return std::nullopt;
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    return IpAddress::v4(std::bit_cast<std::array<std::uint8_t, 4>>(v4.sin_addr));
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    return IpAddress::v6(std::bit_cast<std::array<std::uint8_t, 16>>(v6.sin6_addr));
  }
  return std::nullopt;
}

/// Postfix shows mail of sendmail(1), which has no client, as coming from 127.0.0.1, port 0: no
/// connection has that one. Sendmail names no address at all, and takes no mail from a client that
/// it cannot name. Postfix does: a client that has reset its connection is "unknown", while what it
/// had sent is still read.
Origin origin_of(const sockaddr* address, Mta mta) {
  const auto client = client_address(address);
  if (!client) return mta == Mta::sendmail ? Origin::submission : Origin::connection;
  if (address->sa_family != AF_INET || *client != IpAddress::parse("127.0.0.1"))
    return Origin::connection;
  sockaddr_in v4{};
  std::memcpy(&v4, address, sizeof v4);
  return v4.sin_port == 0 ? Origin::submission : Origin::connection;
}

std::int64_t unix_time() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

int symbol_stage(MacroStage stage) {
  switch (stage) {
    case MacroStage::connect:
      return SMFIM_CONNECT;
    case MacroStage::helo:
      return SMFIM_HELO;
    case MacroStage::mail:
      return SMFIM_ENVFROM;
    case MacroStage::rcpt:
      return SMFIM_ENVRCPT;
    case MacroStage::end_of_headers:
      return SMFIM_EOH;
    case MacroStage::end_of_message:
      return SMFIM_EOM;
  }
  return SMFIM_EOM;
}

/// Somebody has to see to a message that must be signed and cannot be.
void tell_of_failed_signing(const MessageRecord& record) {
  const auto* signing = record.signing();
  if (signing == nullptr || !signing->failed) return;
  const SigningReason reason = signing->reason.code();
  if (reason != SigningReason::keys_unusable && reason != SigningReason::signing_failed) return;
  milter->logger.error("mail has to wait: it cannot be signed",
                       {{"from", signing->author_domain ? signing->author_domain->text() : "-"},
                        {"reason", signing->reason.text()}});
}

/// The same for one that must be sealed.
void tell_of_failed_seal(const MessageRecord& record) {
  const auto* verdict = record.verdict();
  if (verdict == nullptr || verdict->seal.state != SealState::failed) return;
  milter->logger.error("mail has to wait: it cannot be sealed", {{"reason", verdict->seal.fault}});
}

/// What there is to say of a message beside the answer.
void tell(const MessageRecord& record, const Config& config) {
  count_message(milter->metrics, record, config.dns);
  for (const LogLine& line : detail_lines(record, config))
    milter->logger.debug(line.text, line.fields);
  tell_of_failed_signing(record);
  tell_of_failed_seal(record);
  milter->logger.message(message_line(record));
  milter->reports.take(record, config.reports);
}

sfsistat end_of_message(SMFICTX* ctx, Session& session) {
  MessageRecord record = session.end_of_message(queue_id(ContextMacros(ctx)));
  if (!apply_changes(ctx, answer_to(record), session.features())) {
    log_internal_error("eom", "the MTA's connection takes no changes");
    record.changes_failed = true;
  }
  tell(record, session.config());
  return give(ctx, answer_to(record));
}

/// A connection that an MTA uses again may bring another client than the one that was announced:
/// then the session is still the one of the client before.
bool is_another_client(const MacroSource& macros, const Session& session) {
  const auto named = named_client(macros);
  if (!named || session.is_client(*named)) return false;
  milter->logger.error("the MTA's connection has another client now, and this was not announced",
                       {{"client", named->text()}});
  return true;
}

/// After a QUIT_NC there is no session yet for the next SMTP client on the connection.
Session& session_of(SMFICTX* ctx) {
  if (auto* session = static_cast<Session*>(smfi_getpriv(ctx))) return *session;
  auto session = std::make_unique<Session>(milter->runtimes.get(), negotiations.get(ctx),
                                           milter->metrics, milter->process);
  smfi_setpriv(ctx, session.get());
  return *session.release();  // close deletes it
}

}  // namespace

extern "C" {

static sfsistat on_negotiate(SMFICTX* ctx, unsigned long offered_actions,
                             unsigned long offered_options, unsigned long, unsigned long,
                             unsigned long* actions, unsigned long* options,
                             unsigned long* reserved2, unsigned long* reserved3) noexcept {
  return contained("negotiate", SMFIS_REJECT, [&] {
    if ((offered_actions & kNeededActions) != kNeededActions) {
      // Its mail could be judged, but nobody would be told.
      milter->logger.error("cannot serve an MTA that takes no header changes");
      return SMFIS_REJECT;
    }
    *actions = offered_actions & (kNeededActions | SMFIF_QUARANTINE | SMFIF_SETSYMLIST);
    *options = offered_options & (kNoReplies | kWantedOptions | kNotWanted);
    *reserved2 = 0;
    *reserved3 = 0;
    negotiations.set(ctx, {.quarantine = (*actions & SMFIF_QUARANTINE) != 0,
                           .skip_body = (*options & SMFIP_SKIP) != 0,
                           .leading_space = (*options & SMFIP_HDR_LEADSPC) != 0});
    if ((offered_actions & SMFIF_SETSYMLIST) != 0) {
      for (const MacroRequest& request : macro_requests()) {
        std::string names = request.names;
        smfi_setsymlist(ctx, symbol_stage(request.stage), names.data());
      }
    }
    return SMFIS_CONTINUE;
  });
}

static sfsistat on_connect(SMFICTX* ctx, char*, sockaddr* address) noexcept {
  return contained("connect", SMFIS_NOREPLY, [&] {
    const ContextMacros macros(ctx);
    const Mta from = mta(macros);
    Session& session = session_of(ctx);
    session.connect(client_address(address), from, origin_of(address, from));
    session.listener(daemon_name(macros));
    return SMFIS_NOREPLY;
  });
}

static sfsistat on_helo(SMFICTX* ctx, char* name) noexcept {
  return guarded("helo", ctx, [&](Session& session) { session.helo(name == nullptr ? "" : name); });
}

static sfsistat on_mail(SMFICTX* ctx, char** arguments) noexcept {
  sfsistat status = SMFIS_CONTINUE;
  guarded("mail", ctx, [&](Session& session) {
    const char* path = arguments == nullptr ? nullptr : arguments[0];
    const ContextMacros macros(ctx);
    if (is_another_client(macros, session)) {
      session.abort();
      status = give(ctx, answer_to(MessageRecord{}));
      return;
    }
    session.encryption(tls_version(macros));
    const auto refused =
        session.mail(path == nullptr ? "" : path, auth_user(macros), unix_time(), queue_id(macros));
    if (!refused) return;
    tell(*refused, session.config());
    status = give(ctx, answer_to(*refused));
  });
  return status;
}

static sfsistat on_rcpt(SMFICTX* ctx, char** arguments) noexcept {
  return guarded("rcpt", ctx, [&](Session& session) {
    if (arguments != nullptr && arguments[0] != nullptr) session.recipient(arguments[0]);
  });
}

static sfsistat on_header(SMFICTX* ctx, char* name, char* value) noexcept {
  return guarded("header", ctx, [&](Session& session) {
    session.header(name == nullptr ? "" : name, value == nullptr ? "" : value);
  });
}

static sfsistat on_end_of_headers(SMFICTX* ctx) noexcept {
  return guarded("eoh", ctx, [](Session& session) { session.end_of_headers(); });
}

static sfsistat on_body(SMFICTX* ctx, unsigned char* octets, size_t size) noexcept {
  BodyNeed need = BodyNeed::more;
  auto* session = static_cast<Session*>(smfi_getpriv(ctx));
  if (session == nullptr) return SMFIS_CONTINUE;
  guarded("body", ctx, [&](Session& the_session) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): libmilter's octets
    need = the_session.body({reinterpret_cast<const char*>(octets), size});
  });
  return need == BodyNeed::nothing && session->features().skip_body ? SMFIS_SKIP : SMFIS_CONTINUE;
}

static sfsistat on_end_of_message(SMFICTX* ctx) noexcept {
  bool finished = false;
  const sfsistat status = contained("eom", SMFIS_TEMPFAIL, [&] {
    auto* session = static_cast<Session*>(smfi_getpriv(ctx));
    const sfsistat result = session == nullptr ? SMFIS_TEMPFAIL : end_of_message(ctx, *session);
    finished = true;
    return result;
  });
  if (!finished) count_internal_failure(milter->metrics);
  return status;
}

static sfsistat on_abort(SMFICTX* ctx) noexcept {
  // Also called in the middle of nothing; libmilter ignores the answer.
  if (auto* session = static_cast<Session*>(smfi_getpriv(ctx))) session->abort();
  return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX* ctx) noexcept {
  const std::unique_ptr<Session> session(static_cast<Session*>(smfi_getpriv(ctx)));
  smfi_setpriv(ctx, nullptr);
  return SMFIS_CONTINUE;
}

}  // extern "C"

Status register_milter(const MilterContext& context, const SocketAddress& socket) {
  static const MilterContext the_context = context;
  milter = &the_context;
  std::string name = "authmilter";
  smfiDesc description{};
  description.xxfi_name = name.data();
  description.xxfi_version = SMFI_VERSION;
  description.xxfi_flags = kNeededActions | SMFIF_QUARANTINE;
  description.xxfi_connect = on_connect;
  description.xxfi_helo = on_helo;
  description.xxfi_envfrom = on_mail;
  description.xxfi_envrcpt = on_rcpt;
  description.xxfi_header = on_header;
  description.xxfi_eoh = on_end_of_headers;
  description.xxfi_body = on_body;
  description.xxfi_eom = on_end_of_message;
  description.xxfi_abort = on_abort;
  description.xxfi_close = on_close;
  description.xxfi_negotiate = on_negotiate;
  std::string connection = socket.text();
  if (smfi_register(description) != MI_SUCCESS) return Error{"libmilter cannot be set up"};
  if (smfi_setconn(connection.data()) != MI_SUCCESS) {
    return Error{fmt::format("{}: not a socket that libmilter knows", socket.text())};
  }
  smfi_setmaxdatasize(kPacketOctets);
  smfi_settimeout(kIdleSeconds);
  smfi_setbacklog(kBacklog);
  return Done{};
}

Status open_milter_socket(const SocketAddress& socket) {
  if (smfi_opensocket(false) == MI_SUCCESS) return Done{};
  return Error{fmt::format("{}: cannot be opened: {}", socket.text(), std::strerror(errno))};
}

void run_milter() {
  accept_connections_of_mtas();
  smfi_main();
}

}  // namespace authmilter
