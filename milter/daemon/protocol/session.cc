#include "protocol/session.h"

#include <authmilter/message.h>
#include <authmilter/sign.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "log/detail_log.h"

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

// In one log line: a message with ten signatures can leave more of them open.
constexpr std::size_t kNamedLookups = 4;

// Newer versions of Postfix write it into their log, and Sendmail keeps it in the queue file.
constexpr std::size_t kQuarantineReasonOctets = 120;
constexpr std::string_view kCut = "...";

const char* const kNothing = "-";
constexpr std::string_view kHeaderLimitRule = "limit.header";
constexpr std::string_view kHeaderLimitReason = "header-limit-exceeded";

std::string text_of(const std::optional<DomainName>& domain) {
  return domain ? domain->text() : kNothing;
}

void append(std::string& list, std::string_view item) {
  if (!list.empty()) list += ',';
  list += item;
}

std::string shortened(const std::string& text, std::size_t octets) {
  if (text.size() <= octets) return text;
  return text.substr(0, octets - kCut.size()).append(kCut);
}

/// The SPF result of one identity, or "-" when it was not checked.
std::string spf_result(const std::vector<SpfOutcome>& outcomes, SpfIdentity identity) {
  for (const SpfOutcome& outcome : outcomes) {
    if (outcome.identity == identity) return std::string(to_string(outcome.result));
  }
  return kNothing;
}

/// What stands on top of signatures that count, or would but for `verify.added_fields`.
std::string added_fields(const std::vector<DkimOutcome>& outcomes) {
  std::set<std::string_view> names;
  for (const DkimOutcome& outcome : outcomes) {
    if (outcome.result == DkimResult::pass || outcome.reason == "added-fields")
      names.insert(outcome.added_fields.begin(), outcome.added_fields.end());
  }
  std::string list;
  for (const std::string_view name : names) append(list, name);
  return list;
}

/// Which lookups left a result open, and why: "_dmarc.example.org=dns-timeout".
std::string failed_lookups(const Findings& findings) {
  std::string list;
  std::set<std::string> named;
  const auto add = [&](const std::optional<FailedLookup>& lookup) {
    if (!lookup || named.size() == kNamedLookups) return;
    const std::string& name = lookup->question.name.text();
    if (!named.insert(name).second) return;
    append(list, name + '=' + std::string(temperror_reason(lookup->fault)));
  };
  add(findings.dmarc.undecided_by);
  for (const SpfOutcome& outcome : findings.spf) add(outcome.undecided_by);
  for (const DkimOutcome& outcome : findings.dkim) add(outcome.undecided_by);
  return list;
}

void log_results(LogFields& log, const Findings& findings) {
  log.push_back({"from", text_of(findings.dmarc.author_domain)});
  log.push_back({"spf", spf_result(findings.spf, SpfIdentity::mailfrom)});
  log.push_back({"spf_helo", spf_result(findings.spf, SpfIdentity::helo)});
  std::string results;
  std::string domains;
  for (const DkimOutcome& outcome : findings.dkim) {
    append(results, to_string(outcome.result));
    append(domains, outcome.domain ? outcome.domain->text() : kNothing);
  }
  log.push_back({"dkim", results.empty() ? std::string("none") : results});
  if (!domains.empty()) log.push_back({"dkim_domain", domains});
  const std::string added = added_fields(findings.dkim);
  if (!added.empty()) log.push_back({"added_fields", added});
  log.push_back({"dmarc", std::string(to_string(findings.dmarc.result))});
  const std::string failed = failed_lookups(findings);
  if (!failed.empty()) log.push_back({"undecided", failed});
}

/// The stable part of a reason: what stands before free text.
std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }

std::optional<Limit> limit_of(std::string_view reason) {
  constexpr struct {
    std::string_view reason;
    Limit limit;
  } rows[] = {{"too-many-signatures", Limit::signatures},
              {"too-many-signed-names", Limit::signed_names},
              {"too-many-body-lengths", Limit::body_lengths},
              {"too-many-lookups", Limit::spf_lookups},
              {"too-many-void-lookups", Limit::spf_void_lookups},
              {"too-many-mx", Limit::spf_mx},
              {"record-too-long", Limit::spf_record},
              {"term-too-long", Limit::spf_record},
              {"identifier-limit", Limit::dmarc_identifiers}};
  for (const auto& row : rows) {
    if (row.reason == first_word(reason)) return row.limit;
  }
  return std::nullopt;
}

void count_results(Metrics& metrics, const Findings& findings) {
  for (const SpfOutcome& outcome : findings.spf) {
    if (outcome.identity == SpfIdentity::mailfrom) Metrics::count(metrics.spf, outcome.result);
  }
  for (const DkimOutcome& outcome : findings.dkim) Metrics::count(metrics.dkim, outcome.result);
  if (findings.dkim.empty()) Metrics::count(metrics.dkim, DkimResult::none);
  Metrics::count(metrics.dmarc, findings.dmarc.result);
}

void count_decision(Metrics& metrics, const Decision& decision) {
  const std::string_view rule = first_word(decision.rule);
  Metrics::count(metrics.decisions, decision.disposition);
  Metrics::count_word(metrics.rules, kRules, rule);
  if (rule != decision.rule) Metrics::add(metrics.overrides);  // "... (override 2)"
}

bool goes_on(Disposition action) {
  return action == Disposition::accept || action == Disposition::tag ||
         action == Disposition::quarantine;
}

std::int64_t milliseconds(std::chrono::microseconds time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

}  // namespace

Outcome internal_failure() {
  Outcome outcome;
  outcome.action = Disposition::tempfail;
  // RFC 3463 section 3.4: X.3.0, other or undefined mail system status.
  outcome.reply = SmtpReply{451, "4.3.0", "Internal error, try again later"};
  return outcome;
}

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
  std::string auth_user;
  bool wants_tls = false;  // it would not have begun but for monitor mode
  std::size_t recipients = 0;
  bool header_ended = false;
  bool failed = false;
  std::set<Limit> limits;  // reached so far
  std::chrono::microseconds busy{0};

 private:
  Metrics::Process& process_;
};

/// Adds the time of a callback to its message's account.
class Session::Busy {
 public:
  explicit Busy(Message& message) : message_(message) {}
  ~Busy() {
    message_.busy += std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - since_);
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
}

bool Session::is_client(const IpAddress& named) const {
  if (client_) return *client_ == named;
  // An MTA may give local submission the address of its host.
  static const auto loopback = {Network::parse("127.0.0.0/8"), Network::parse("::1")};
  return std::any_of(loopback.begin(), loopback.end(),
                     [&](const auto& network) { return network->contains(named); });
}

void Session::helo(std::string_view name) { helo_ = name; }

void Session::encryption(std::string_view tls_version) { tls_version_ = tls_version; }

LogFields Session::connection_log(const std::string& queue_id) const {
  return {{"id", queue_id},
          {"client", client_ ? client_->text() : kNothing},
          {"tls", tls_version_.empty() ? "none" : tls_version_}};
}

Outcome Session::tls_refused(const TlsRefusal& refusal, const std::string& queue_id) {
  Outcome outcome;
  outcome.action = Disposition::reject;
  outcome.reply = refusal.reply;
  outcome.log = connection_log(queue_id.empty() ? kNothing : queue_id);
  outcome.log.push_back({"action", std::string(to_string(outcome.action))});
  outcome.log.push_back({"rule", std::string("network.require_tls")});
  outcome.log.push_back({"reason", refusal.reason});
  Metrics::add(metrics_.tls_refusals);
  return outcome;
}

std::optional<Outcome> Session::mail(std::string_view reverse_path, std::string auth_user,
                                     std::int64_t now, const std::string& queue_id) {
  abort();
  const Config& config = runtime_->config();
  std::optional<TlsRefusal> refusal;
  if (origin_ == Origin::connection)
    refusal = tls_refusal(config.require_tls, client_, tls_version_);
  if (refusal && config.verify.mode == VerifyMode::enforce) return tls_refused(*refusal, queue_id);
  message_ = std::make_unique<Message>(process_);
  const Busy busy(*message_);
  message_->auth_user = auth_user;
  message_->wants_tls = refusal.has_value();
  message_->failed = true;  // unless the rest of this succeeds
  Envelope envelope;
  envelope.client = client_;
  envelope.submitted_here = !client_ && origin_ == Origin::submission;
  envelope.helo = parse_helo(helo_);
  envelope.mail_from = parse_reverse_path(reverse_path);
  envelope.auth_user = std::move(auth_user);
  envelope.quarantine_offered = features_.quarantine;
  envelope.mta = mta_;
  if (runtime_->signs(envelope)) {
    message_->signer = runtime_->signer(std::move(envelope), now);
  } else {
    message_->verifier = runtime_->verifier(std::move(envelope), now);
  }
  message_->failed = false;
  return std::nullopt;
}

void Session::recipient(std::string_view address) {
  if (!message_ || !message_->verifier || message_->recipients > kRecipients) return;
  const bool kept = ++message_->recipients <= kRecipients && address.size() <= kRecipientOctets;
  if (!kept) message_->limits.insert(Limit::recipients);
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

/// A message counts once for each limit that it has reached.
void Session::count_limits(const Verdict& verdict) {
  std::set<Limit>& limits = message_->limits;
  const auto add = [&](std::string_view reason) {
    if (const auto limit = limit_of(reason)) limits.insert(*limit);
  };
  for (const SpfOutcome& outcome : verdict.findings.spf) add(outcome.reason);
  for (const DkimOutcome& outcome : verdict.findings.dkim) add(outcome.reason);
  add(verdict.findings.dmarc.reason);
  if (verdict.decision.rule == kHeaderLimitRule) limits.insert(Limit::header);
  const DnsConfig& dns = runtime_->config().dns;
  const bool cut_short = std::any_of(
      verdict.lookups.begin(), verdict.lookups.end(),
      [](const RecordingResolver::Entry& entry) { return entry.answer->fault == DnsFault::limit; });
  if (cut_short && verdict.dns_wait >= dns.message_timeout) limits.insert(Limit::dns_time);
  if (cut_short && verdict.dns_queries >= dns.message_queries) limits.insert(Limit::dns_queries);
  const bool overloaded = std::any_of(verdict.lookups.begin(), verdict.lookups.end(),
                                      [](const RecordingResolver::Entry& entry) {
                                        return entry.answer->fault == DnsFault::overload;
                                      });
  if (overloaded) limits.insert(Limit::dns_pending);
  for (const Limit limit : limits) Metrics::count(metrics_.limits, limit);
}

Outcome Session::verdict(const std::string& queue_id) {
  Verdict verdict = message_->verifier->finish();
  Outcome outcome;
  outcome.action = verdict.disposition;
  if (goes_on(outcome.action)) {
    outcome.edits = std::move(verdict.edits);
  } else {
    outcome.reply = verdict.decision.reply;
  }
  if (outcome.action == Disposition::quarantine) {
    outcome.quarantine_reason = shortened(verdict.decision.reason, kQuarantineReasonOctets);
  }
  outcome.log = connection_log(queue_id);
  log_results(outcome.log, verdict.findings);
  outcome.log.push_back({"action", std::string(to_string(outcome.action))});
  if (verdict.decision.disposition != outcome.action) {
    outcome.log.push_back({"policy", std::string(to_string(verdict.decision.disposition))});
  }
  outcome.log.push_back({"rule", verdict.decision.rule});
  if (verdict.decision.disposition != Disposition::accept) {
    outcome.log.push_back({"reason", verdict.decision.reason});
  }
  outcome.log.push_back({"dns_ms", milliseconds(verdict.dns_wait)});
  const Config& config = runtime_->config();
  if (config.log.level == LogLevel::debug)
    outcome.details = detail_lines(verdict, config.policy, queue_id);
  count_results(metrics_, verdict.findings);
  count_limits(verdict);
  count_decision(metrics_, verdict.decision);
  Metrics::add(metrics_.dns_questions, verdict.dns_queries);
  Metrics::add(metrics_.dns_wait_microseconds,
               static_cast<std::uint64_t>(verdict.dns_wait.count()));
  return outcome;
}

Outcome Session::signing(const std::string& queue_id) {
  SigningOutcome signing = message_->signer->finish();
  Outcome outcome;
  const std::string_view reason = first_word(signing.reason);
  if (signing.failed) {
    outcome = internal_failure();
    Metrics::count_word(metrics_.signing_failures, kSigningFailures, reason);
  } else {
    outcome.action = Disposition::accept;
    outcome.edits = std::move(signing.edits);
    if (signing.keys.empty()) {
      Metrics::count_word(metrics_.unsigned_messages, kUnsignedReasons, reason);
    } else {
      Metrics::add(metrics_.signed_messages);
    }
    for (const SigningKey& key : signing.keys) {
      Metrics::count(metrics_.signatures, key.key->type());
    }
    for (const Fragility kind : signing.fragile) Metrics::count(metrics_.fragile_messages, kind);
  }
  if (reason == kHeaderLimitReason) Metrics::count(metrics_.limits, Limit::header);
  Metrics::count_word(metrics_.rules, kRules, "signing");
  outcome.log = connection_log(queue_id);
  if (!message_->auth_user.empty()) outcome.log.push_back({"user", message_->auth_user});
  outcome.log.push_back({"from", text_of(signing.author_domain)});
  outcome.log.push_back({"sign", signing.reason});
  std::string keys;
  for (const SigningKey& key : signing.keys) {
    append(keys, key.selector.text() + "._domainkey." + key.domain.text());
  }
  if (!keys.empty()) outcome.log.push_back({"keys", keys});
  std::string fragile;
  for (const Fragility kind : signing.fragile) append(fragile, to_string(kind));
  if (!fragile.empty()) outcome.log.push_back({"fragile", fragile});
  outcome.log.push_back({"action", std::string(to_string(outcome.action))});
  outcome.log.push_back({"rule", std::string("signing")});
  return outcome;
}

Outcome Session::end_of_message(const std::string& queue_id) {
  // However this function is left, the message is over.
  const struct Drop {
    Session& session;
    ~Drop() { session.message_.reset(); }
  } drop{*this};
  if (!message_ || message_->failed) {
    Outcome outcome = internal_failure();
    outcome.log = {{"id", queue_id}, {"action", std::string(to_string(outcome.action))}};
    Metrics::count_word(metrics_.rules, kRules, "internal");
    return outcome;
  }
  end_of_headers();  // in case the MTA left it out
  Outcome outcome;
  {
    const Busy busy(*message_);
    outcome = message_->signer ? signing(queue_id) : verdict(queue_id);
    if (message_->wants_tls) outcome.log.push_back({"tls_policy", std::string("reject")});
  }
  outcome.log.push_back({"ms", milliseconds(message_->busy)});
  Metrics::add(metrics_.busy_microseconds, static_cast<std::uint64_t>(message_->busy.count()));
  return outcome;
}

void Session::abort() {
  if (message_) Metrics::add(metrics_.aborted_messages);
  message_.reset();
}

void Session::fail() {
  if (message_) message_->failed = true;
}

}  // namespace authmilter
