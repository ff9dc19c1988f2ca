#include <authmilter/authentication_results.h>
#include <authmilter/published_key.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <numeric>

#include "authres.h"
#include "base/ascii.h"
#include "edits/header_edits.h"
#include "inner_daemon.h"
#include "input.h"
#include "keys.h"
#include "milter_dialogue.h"
#include "milter_wire.h"

// The daemon behind libmilter, at the mercy of whoever speaks to its socket: see milter_wire.h for
// what a script may say. Behind every script, on the same connection and on a new one, comes a
// forged message.

using namespace authmilter;
using fuzz::Answer;
using fuzz::OrderlyMessage;
using fuzz::Packet;
using fuzz::require;
using Action = HeaderEdit::Action;

namespace {

const DomainName kOurName = DomainName::parse("mx.example.net").value();

constexpr const char* kAuthorised = "192.0.2.1";
// Its clients must use TLS.
constexpr const char* kEncrypting = "203.0.113.0/24";
// Of legit.example nobody has a key, and no client may send for it.
constexpr const char* kZone = R"(
$TTL 300
example.org.           IN TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.example.org.    IN TXT "v=DMARC1; p=reject"
legit.example.         IN TXT "v=spf1 -all"
_dmarc.legit.example.  IN TXT "v=DMARC1; p=reject"
s._domainkey.legit.example. IN TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
attack.example.        IN TXT "v=spf1 +all"
tagged.example.        IN TXT "v=spf1 -all"
_dmarc.tagged.example. IN TXT "v=DMARC1; p=reject"
held.example.          IN TXT "v=spf1 -all"
_dmarc.held.example.   IN TXT "v=DMARC1; p=quarantine"
_dmarc.football.example.com. IN TXT "v=DMARC1; p=reject"
brisbane._domainkey.football.example.com. IN TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
)";
// RFC 8463 appendix A: the one message that football.example.com has signed.
constexpr const char* kSignedBodyHash = "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=";
constexpr const char* kSignedFrom = "Joe SixPack <joe@football.example.com>";

constexpr const char* kForgedMessage =
    "D Mi=4Xk2|{mail_addr}=any@attack.example\n"
    "M <any@attack.example>\n"
    "R <b@example.net>\n"
    "L From: <admin@legit.example>\n"
    "L Authentication-Results: mx.example.net; dmarc=pass header.from=legit.example\n"
    "N\n"
    "B Hello.\\r\\n\n"
    "E\n";
constexpr const char* kFreshConnection =
    "O 6 1ff 1fffff\n"
    "C helo.attack.example 4 198.51.100.9\n"
    "H helo.attack.example\n";
constexpr const char* kHonestMessage =
    "D Mi=4Xk3|{mail_addr}=any@attack.example\n"
    "M <any@attack.example>\n"
    "R <b@example.net>\n"
    "L From: <any@attack.example>\n"
    "N\n"
    "E\n";

Config make_config() {
  Config config;
  config.authserv_id = kOurName;
  config.internal = {*Network::parse("127.0.0.0/8"), *Network::parse("::1/128")};
  config.require_tls = {{{*Network::parse(kEncrypting)}, TlsLevel::tls1_2}};
  config.policy.tag_subject = "[forged?] ";
  config.policy.actions.dmarc_temperror = Disposition::tempfail;
  PolicyOverride tagged;
  tagged.author_domain = {*DomainPattern::parse("tagged.example")};
  tagged.actions.dmarc_reject = Disposition::tag;
  config.policy.overrides = {tagged};
  config.verify.limits.total_octets = 16 * 1024;
  config.verify.limits.fields = 100;
  config.signing = fuzz::signing_setup().config;
  // Every blank counts.
  config.signing.profile.header_canonicalization = Canonicalization::simple;
  return config;
}

std::string zone() {
  std::string text = kZone;
  for (const SigningKey& key : fuzz::signing_setup().ring->all()) {
    const std::string record = key_record_text(*key.key);
    text += fuzz::key_record_name(key) + ". IN TXT \"" + record.substr(0, 200) + "\" \"" +
            record.substr(std::min<std::size_t>(200, record.size())) + "\"\n";
  }
  return text;
}

/// Kept for good, as libmilter's threads may use it to the end.
const std::shared_ptr<const Runtime>& runtime() {
  static const auto& the_runtime =
      *new std::shared_ptr<const Runtime>(std::make_shared<const Runtime>(
          make_config(), fuzz::signing_setup().ring,
          ResolverSet{
              .zones = make_test_resolver(zone(), {{"_dmarc.broken.example", DnsFault::servfail}})},
          std::make_shared<const DkimEngine>()));
  return the_runtime;
}

const fuzz::InnerDaemon& daemon() {
  static const auto& the_daemon = *new fuzz::InnerDaemon(runtime());
  return the_daemon;
}

/// What the packets of a script may entitle the sender to, at the most. It is the MTA that says who
/// the client is; a script that says so may.
struct Rights {
  bool ours = false;        // a client of our own: signed, not judged
  bool authorised = false;  // to send for example.org
  bool any_mail = false;    // to send anything: not from where TLS is required, or with it
};

Rights rights_of(const std::vector<Packet>& sent) {
  Rights rights;
  const Config& config = runtime()->config();
  for (const Packet& packet : sent) {
    if (packet.command == 'D') {
      rights.ours = rights.ours || packet.data.find("auth_authen") != std::string::npos;
      rights.any_mail = rights.any_mail || packet.data.find("tls_version") != std::string::npos;
    }
    if (packet.command != 'C') continue;
    const auto strings = split(packet.data, '\0');
    const std::string_view rest = strings.size() > 1 ? strings[1] : "";
    const auto client = IpAddress::parse(rest.substr(std::min<std::size_t>(3, rest.size())));
    // Other ways to write an address, and what is none.
    const bool plain = client && (rest[0] == '4' || rest[0] == '6');
    rights.ours = rights.ours || !plain || is_ours({.client = client}, config);
    rights.authorised = rights.authorised || !plain || client == IpAddress::parse(kAuthorised);
    rights.any_mail = rights.any_mail || !plain || !Network::parse(kEncrypting)->contains(*client);
  }
  return rights;
}

/// The protocol has macros as names with values; half a pair is for no MTA to send.
bool pairs_of_macros(const std::vector<Packet>& sent) {
  return std::all_of(sent.begin(), sent.end(), [](const Packet& packet) {
    if (packet.command != 'D' || packet.data.empty()) return true;
    return std::count(packet.data.begin() + 1, packet.data.end(), '\0') % 2 == 0;
  });
}

std::string without_blanks(std::string_view text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out),
               [](char c) { return !is_fws(c); });
  return out;
}

bool is_or_is_below(std::string_view name, std::string_view domain) {
  return name == domain || (name.size() > domain.size() && name.ends_with(domain) &&
                            name[name.size() - domain.size() - 1] == '.');
}

bool named(const HeaderEdit& edit, std::string_view name) {
  return has_name({edit.name, ""}, name);
}

std::size_t inserted(const Answer& answer, std::string_view name) {
  return static_cast<std::size_t>(std::count_if(
      answer.edits.begin(), answer.edits.end(),
      [&](const HeaderEdit& edit) { return edit.action == Action::insert && edit.name == name; }));
}

/// Whatever a message holds, a change cannot end its field and begin another.
void check_edit(const HeaderEdit& edit) {
  for (std::size_t i = 0; i < edit.value.size(); ++i) {
    require(edit.value[i] != '\r', "no line ends but folds");
    require(edit.value[i] != '\n' || (i + 1 < edit.value.size() && is_wsp(edit.value[i + 1])),
            "no field in a field");
  }
  switch (edit.action) {
    case Action::insert:
      require(edit.index == 0, "what is new goes on top");
      require(edit.name == "Authentication-Results" || edit.name == "DKIM-Signature" ||
                  edit.name == "Subject" || edit.name == kVerdictField,
              "only fields of ours");
      fuzz::require_clean(trim_wsp(edit.value));
      return;
    case Action::replace:
      require(edit.index == 1 && equals_ignoring_case(edit.name, "Subject"),
              "only the Subject is replaced");
      require(trim_wsp(edit.value).starts_with("[forged?]"), "to mark it");
      return;
    case Action::remove:
      require(edit.index > 0, "fields are counted from one");
      require(named(edit, "Authentication-Results") || named(edit, kVerdictField) ||
                  named(edit, "BIMI-Location") || named(edit, "BIMI-Indicator"),
              "only what may be forged is removed");
  }
}

void check_results(const std::string& value, const Rights& rights, bool football) {
  const auto results = parse_authentication_results(trim_wsp(value));
  require(results && results->authserv_id == kOurName.text(), "the results read back");
  const MethodResult& dmarc = results->results.back();
  require(dmarc.method == "dmarc", "DMARC's is the last");
  for (const ResultProperty& property : dmarc.properties) {
    if (property.property != "from") continue;
    require(!is_or_is_below(property.value, "legit.example"), "nobody sends for legit.example");
    if (dmarc.result != "pass") continue;
    require((rights.authorised && is_or_is_below(property.value, "example.org")) ||
                (football && property.value == "football.example.com"),
            "who passes has the right to");
  }
}

/// What holds for every message that goes on, whatever came before it.
void check_answer(const Answer& answer, const Rights& rights, bool football) {
  if (answer.edits.empty()) {
    require(!answer.quarantine, "what is held has results");
    return;
  }
  require(rights.any_mail, "TLS is required");
  std::for_each(answer.edits.begin(), answer.edits.end(), check_edit);
  const std::size_t results = inserted(answer, "Authentication-Results");
  const std::size_t signatures = inserted(answer, "DKIM-Signature");
  if (results == 0) {
    require(rights.ours, "only what is ours goes unjudged");
    return;
  }
  const HeaderEdit& last = answer.edits.back();
  require(results == 1 && last.action == Action::insert && last.name == "Authentication-Results",
          "one field of results, on top");
  require(signatures == 0, "what is judged is not signed");
  check_results(last.value, rights, football);
}

/// The message as the MTA sends it on.
Message edited(Message message, const Answer& answer) {
  for (const HeaderEdit& edit : answer.edits) {
    if (edit.action == Action::insert) {
      message.fields.insert(message.fields.begin(), make_header_field(edit.name, edit.value));
      continue;
    }
    std::size_t ordinal = 0;
    const auto found =
        std::find_if(message.fields.begin(), message.fields.end(), [&](const HeaderField& field) {
          return equals_ignoring_case(field.name, edit.name) && ++ordinal == edit.index;
        });
    require(found != message.fields.end(), "what is changed is there");
    if (edit.action == Action::remove) {
      message.fields.erase(found);
    } else {
      found->value = make_header_field(edit.name, edit.value).value;
    }
  }
  return message;
}

MessageVerdict verdict_of(const Message& message) {
  Envelope envelope;
  envelope.client = IpAddress::parse("198.51.100.9");
  const auto verifier = runtime()->verifier(std::move(envelope), std::time(nullptr));
  for (const HeaderField& field : message.fields) verifier->header(field);
  verifier->end_of_headers();
  verifier->body(message.body);
  return verifier->finish();
}

void check_signatures(const Message& sent, std::size_t signatures) {
  const MessageVerdict verdict = verdict_of(sent);
  // The signatures may be what makes the header too large, and a bare CR is no line end to all.
  if (verdict.decision.rule == Rule::limit_header || sent.body.find('\r') != std::string::npos)
    return;
  require(verdict.findings.dkim.size() >= signatures, "the signatures arrive");
  for (std::size_t i = 0; i < signatures; ++i) {
    require(verdict.findings.dkim[i].result == DkimResult::pass, "what we sign, we verify");
  }
}

std::size_t count(const Message& message, std::string_view name) {
  return static_cast<std::size_t>(
      std::count_if(message.fields.begin(), message.fields.end(),
                    [&](const HeaderField& field) { return has_name(field, name); }));
}

/// What may stay in mail from inside: nothing good is said of it.
bool speaks_against(const HeaderField& field) {
  const auto read = parse_authentication_results(field.value);
  return read && std::none_of(read->results.begin(), read->results.end(), [](const auto& result) {
           return result.method == "dmarc" && result.result == "pass";
         });
}

/// What holds when it is known which message the MTA has.
void check_message(const OrderlyMessage& orderly, const Rights& rights) {
  const Answer& answer = orderly.answer;
  if (!answer.accepted()) return;
  require(rights.ours || !answer.edits.empty(), "what goes on is judged");
  const Message sent = edited(orderly.message, answer);
  const bool judged = inserted(answer, "Authentication-Results") == 1;
  std::ptrdiff_t ours = 0;
  std::ptrdiff_t against = 0;
  for (const HeaderField& field : sent.fields) {
    if (!has_name(field, "Authentication-Results")) continue;
    if (!claims_to_be_ours(field.value, kOurName)) continue;
    ++ours;
    if (speaks_against(field)) ++against;
  }
  require(judged ? ours == 1 : ours == against, "no results stay that only claim to be ours");
  require((!judged && against > 0) || count(sent, kVerdictField) == inserted(answer, kVerdictField),
          "nor such a verdict");
  require(count(sent, "BIMI-Location") + count(sent, "BIMI-Indicator") == 0, "nor a logo");
  const std::size_t signatures = inserted(answer, "DKIM-Signature");
  if (signatures != 0 && !orderly.sendmail) check_signatures(sent, signatures);
  if (!judged) return;
  const auto results = parse_authentication_results(trim_wsp(answer.edits.back().value));
  const MethodResult& dmarc = results->results.back();
  const bool held = dmarc.result == "fail" && !dmarc.properties.empty() &&
                    is_or_is_below(dmarc.properties.front().value, "held.example");
  require(answer.quarantine == (held && orderly.may_quarantine), "what is to be held is held");
  if (dmarc.result != "pass" || rights.authorised) return;
  require(count(sent, "From") == 1, "one author");
  const auto from = std::find_if(sent.fields.begin(), sent.fields.end(),
                                 [](const HeaderField& field) { return has_name(field, "From"); });
  require(without_blanks(from->value) == without_blanks(kSignedFrom), "the one who signed");
}

template <std::size_t Size>
std::uint64_t sum(const std::array<Metrics::Count, Size>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

/// What the daemon counts.
struct Counts {
  explicit Counts(const Metrics& metrics)
      : ours(metrics.signed_messages + sum(metrics.unsigned_messages) +
             sum(metrics.signing_failures)),
        passes(metrics.dmarc[static_cast<std::size_t>(DmarcResult::pass)]),
        messages(sum(metrics.messages)) {}
  std::uint64_t ours;
  std::uint64_t passes;
  std::uint64_t messages;
};

/// Sends octets; the messages that came in order.
std::vector<OrderlyMessage> converse(const std::string& octets) {
  const std::vector<Packet> sent = fuzz::read_packets(octets).packets;
  const Rights rights = rights_of(sent);
  const bool football = without_blanks(octets).find(kSignedBodyHash) != std::string::npos;
  const Counts before(daemon().metrics());
  const fuzz::Replies replies(daemon().exchange(octets));
  const Counts after(daemon().metrics());

  require(replies.answers.size() <= fuzz::most_replies(sent), "one reply to a command at most");
  for (const Answer& answer : replies.answers) check_answer(answer, rights, football);
  const auto ends = std::count_if(sent.begin(), sent.end(),
                                  [](const Packet& packet) { return packet.command == 'E'; });
  require(after.messages - before.messages <= static_cast<std::uint64_t>(ends),
          "one verdict on a message");
  require(rights.ours || after.ours == before.ours, "mail from outside is judged");
  require(rights.authorised || football || after.passes == before.passes,
          "nobody passes without the right to");
  const auto messages = fuzz::follow(sent, replies);
  for (const OrderlyMessage& message : messages) check_message(message, rights);

  const Metrics& metrics = daemon().metrics();
  require(metrics.open_connections == 0 && metrics.messages_in_hand() == 0, "nothing stays behind");
  require(metrics.internal_errors == 0, "the daemon blames nothing on itself");
  return messages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  const std::string script = fuzz::read_script(input.text());
  if (!pairs_of_macros(fuzz::read_packets(script).packets)) return 0;
  static const std::string forged = fuzz::read_script(kForgedMessage);
  static const std::string fresh =
      fuzz::read_script(kFreshConnection) + forged + fuzz::read_script(kHonestMessage);
  converse(script + fuzz::read_script("A") + forged);

  const auto messages = converse(fresh);
  require(messages.size() == 2, "a new connection is served");
  require(messages[0].answer.last.data.starts_with("550 5.7.26 "), "what is forged is refused");
  require(messages[1].answer.accepted(), "what is not is accepted");
  return 0;
}
