#include "dns/check/server_rules.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace authmilter {
namespace {

using std::chrono::milliseconds;
using Status = DnsCheckStatus;

constexpr unsigned kNoError = 0;
constexpr unsigned kServfail = 2;
constexpr unsigned kNameError = 3;
constexpr unsigned kRefused = 5;

// Half of dns.timeout's default goes to the first try; mail asks many questions in a row.
constexpr milliseconds kSlow{1000};
// What fits into a UDP answer as libunbound takes it says nothing of larger ones.
constexpr std::size_t kUdpOctets = 1232;

DnsCheck pass(std::string id, std::string evidence) {
  return {std::move(id), Status::pass, std::move(evidence), ""};
}

DnsCheck found(std::string id, Status status, std::string evidence, std::string remedy) {
  return {std::move(id), status, std::move(evidence), std::move(remedy)};
}

std::int64_t ms(std::chrono::microseconds time) {
  return std::chrono::duration_cast<milliseconds>(time).count();
}

std::string rcode_text(unsigned rcode) {
  switch (rcode) {
    case 0:
      return "NOERROR";
    case 1:
      return "FORMERR";
    case kServfail:
      return "SERVFAIL";
    case kNameError:
      return "NXDOMAIN";
    case 4:
      return "NOTIMP";
    case kRefused:
      return "REFUSED";
    default:
      return fmt::format("response code {}", rcode);
  }
}

/// "no answer within 5000 ms", "REFUSED", ...
std::string outcome_text(const DirectReply& reply) {
  switch (reply.outcome) {
    case DirectReply::Outcome::answered:
      return rcode_text(reply.rcode);
    case DirectReply::Outcome::silent:
      return fmt::format("no answer within {} ms", ms(reply.after));
    case DirectReply::Outcome::refused:
      return "nothing listens there, or a firewall refuses";
    case DirectReply::Outcome::unreadable:
      return "an answer that cannot be read";
  }
  return "";
}

bool usable(const DirectReply& reply) {
  return reply.answered() && (reply.rcode == kNoError || reply.rcode == kNameError);
}

bool is_loopback(const IpAddress& address) {
  return address.is_v4() && address.octets().front() == 127;
}

bool has_loopback(const std::vector<IpAddress>& addresses) {
  return std::any_of(addresses.begin(), addresses.end(), is_loopback);
}

std::string_view last_label(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

DnsCheck judge_answers(const NameServerFacts& facts, const CheckContext& context) {
  const std::string& name = context.names.signed_name;
  if (!facts.answers()) {
    return found("answers", Status::fail, "does not answer: " + outcome_text(facts.extended),
                 "start it, let UDP and TCP port 53 through, or take it out of dns.nameservers or "
                 "/etc/resolv.conf");
  }
  const DirectReply& reply = facts.extended.answered() ? facts.extended
                             : facts.plain.answered()  ? facts.plain
                                                       : facts.by_tcp;
  if (!facts.extended.answered() && !facts.plain.answered()) {
    return found("answers", Status::fail, "answers over TCP only",
                 "let UDP port 53 through: every question goes there first");
  }
  if (reply.rcode == kRefused) {
    return found("answers", Status::fail, "refuses to look names up for this host (REFUSED)",
                 "allow this host there, or ask another resolver (dns.nameservers)");
  }
  if (reply.rcode == kNameError) {
    return found(
        "answers", Status::unknown,
        fmt::format("answers in {} ms, but says that {} does not exist", ms(reply.after), name),
        "in a private tree give one of its signed zones: --signed NAME");
  }
  if (reply.rcode != kNoError) {
    return found("answers", Status::fail,
                 fmt::format("fails for {}: {}", name, rcode_text(reply.rcode)),
                 "look into that server's log: does it reach the Internet?");
  }
  if (!reply.recursive) {
    return found("answers", Status::fail, "does not look names up for others (no recursion)",
                 "ask a resolver, not a server of zones (dns.nameservers)");
  }
  return pass("answers", fmt::format("answers in {} ms", ms(reply.after)));
}

DnsCheck judge_time(const NameServerFacts& facts) {
  std::chrono::microseconds longest{0};
  for (const DirectReply* reply : {&facts.plain, &facts.extended, &facts.by_tcp, &facts.root_key,
                                   &facts.missing, &facts.loopback}) {
    if (reply->answered()) longest = std::max(longest, reply->after);
  }
  if (longest < kSlow) return pass("time", fmt::format("{} ms at most", ms(longest)));
  return found("time", Status::warn, fmt::format("took {} ms for an answer", ms(longest)),
               "ask a nearer resolver, best one on this host: what is not answered within "
               "dns.timeout makes mail wait");
}

DnsCheck judge_edns(const NameServerFacts& facts) {
  const DirectReply& reply = facts.extended;
  if (!reply.answered()) {
    return found("edns", Status::fail,
                 "questions with EDNS (RFC 6891) are lost: " + outcome_text(reply),
                 "let them through the firewall, or ask another resolver (dns.nameservers)");
  }
  if (reply.extended) return pass("edns", "speaks EDNS");
  return found("edns", Status::warn, "does not speak EDNS (RFC 6891)",
               "ask a newer resolver: every answer over 512 octets needs TCP, and nothing can be "
               "validated");
}

DnsCheck judge_tcp(const NameServerFacts& facts) {
  if (facts.by_tcp.answered()) return pass("tcp", "answers over TCP");
  return found("tcp", Status::fail, "does not answer over TCP: " + outcome_text(facts.by_tcp),
               "let TCP port 53 through, or ask a resolver that has it (dns.nameservers): long "
               "keys and policies do not fit into UDP, and mail that needs them waits. The DNS of "
               "some container networks has no TCP");
}

DnsCheck judge_dnssec(const NameServerFacts& facts, const CheckContext& context) {
  const Status status = context.dnssec == DnssecMode::on ? Status::fail : Status::warn;
  const std::string remedy =
      "ask a resolver that passes DNSSEC records, best an unbound on this host, or set dns.dnssec "
      "to \"off\"";
  const auto lost = [&](const DirectReply& reply) {
    return !usable(reply) || !reply.has_signatures;
  };
  if (!usable(facts.root_key)) {
    return found("dnssec", status,
                 "does not answer for the DNSKEY of the root: " + outcome_text(facts.root_key),
                 remedy);
  }
  if (lost(facts.root_key) || facts.root_key.records == 0)
    return found("dnssec", status, "strips DNSSEC signatures", remedy);
  const std::string domain(last_label(context.names.signed_name));
  for (const auto& [reply, type] :
       {std::pair(&facts.delegation, "DS"), std::pair(&facts.domain_key, "DNSKEY")}) {
    if (usable(*reply)) continue;
    return found("dnssec", status,
                 fmt::format("passes the keys of the root, but not the {} of {}: {}", type, domain,
                             outcome_text(*reply)),
                 remedy);
  }
  if (usable(facts.extended) && facts.extended.rcode == kNoError && lost(facts.extended)) {
    return found("dnssec", status,
                 fmt::format("passes no signature of {}", context.names.signed_name),
                 remedy + "; give a zone that is signed: --signed NAME");
  }
  return pass("dnssec", "passes DNSSEC records");
}

DnsCheck judge_large(const NameServerFacts& facts, const CheckContext& context) {
  const std::string& name = context.names.large_name;
  const std::string lost_remedy =
      "mend TCP or large UDP answers on the way, or ask another resolver (dns.nameservers): long "
      "records are a temperror, and their mail waits";
  const bool by_udp = usable(facts.large) && !facts.large.truncated;
  const DirectReply& best =
      facts.large_by_tcp.answered() || !by_udp ? facts.large_by_tcp : facts.large;
  const bool promised = facts.large.answered() && facts.large.truncated;
  if (!usable(best)) {
    return found("large", Status::fail,
                 fmt::format("the TXT records of {} do not come: {}", name, outcome_text(best)),
                 lost_remedy);
  }
  if (best.records == 0 && promised) {
    return found("large", Status::fail, fmt::format("the TXT records of {} are cut off", name),
                 lost_remedy);
  }
  if (best.records == 0) {
    return found("large", Status::unknown, fmt::format("{} has no TXT records here", name),
                 "give a name that has some of 4,000 octets: --large NAME");
  }
  if (best.text_octets <= kUdpOctets) {
    return found("large", Status::unknown,
                 fmt::format("the TXT records of {} have {} octets only", name, best.text_octets),
                 "give a name that has some of 4,000 octets: --large NAME");
  }
  return pass("large", fmt::format("TXT records of {} octets come whole", best.text_octets));
}

constexpr std::string_view kRebindRemedy =
    "except 127.0.0.0/8 from its filter against DNS rebinding (dnsmasq: rebind-localhost-ok; "
    "unbound: no such private-address), or ask another resolver: SPF records and DNS lists answer "
    "with such addresses";

DnsCheck judge_loopback(const NameServerFacts& facts, const CheckContext& context) {
  const DirectReply& reply = facts.loopback;
  const std::string& name = context.names.loopback_name;
  if (has_loopback(reply.addresses)) return pass("loopback", "passes addresses in 127.0.0.0/8");
  if (reply.answered() && reply.rcode == kNoError) {
    const bool emptied = reply.addresses.empty();
    return found("loopback", Status::fail,
                 emptied ? fmt::format("the answer for {} is emptied", name)
                         : fmt::format("{} has another address here: {}", name,
                                       reply.addresses.front().text()),
                 std::string(kRebindRemedy));
  }
  return found("loopback", Status::unknown,
               fmt::format("no address of {}: {}", name, outcome_text(reply)),
               "give a name whose address is in 127.0.0.0/8: --loopback NAME");
}

DnsCheck judge_missing(const NameServerFacts& facts) {
  const DirectReply& reply = facts.missing;
  if (reply.answered() && reply.rcode == kNameError)
    return pass("missing", "says that a name does not exist where it does not");
  if (reply.answered() && reply.rcode == kNoError && reply.records > 0) {
    return found("missing", Status::fail,
                 fmt::format("gives names that do not exist an address ({})",
                             reply.addresses.empty() ? "" : reply.addresses.front().text()),
                 "ask a resolver that does not (dns.nameservers): SPF and DMARC are misjudged");
  }
  return found("missing", Status::unknown, "a name that does not exist: " + outcome_text(reply),
               "give a zone that says so: --signed NAME");
}

// Through all of them, as the daemon asks

std::string fault_text(const DnsAnswer& answer) { return std::string(to_string(answer.fault)); }

bool failed(const DnsAnswerRef& answer) { return answer->status == DnsStatus::temperror; }

DnsCheck judge_lookups(const DaemonFacts& facts, const CheckContext& context) {
  const std::string& name = context.names.signed_name;
  const DnsAnswer& answer = *facts.signed_answer;
  switch (answer.status) {
    case DnsStatus::temperror:
      return found("lookups", Status::fail,
                   fmt::format("{} cannot be looked up: {}", name, fault_text(answer)),
                   "see what is said of each name server; until then mail has to wait "
                   "(policy.dmarc_temperror)");
    case DnsStatus::nxdomain:
    case DnsStatus::no_data:
      return found("lookups", Status::unknown, fmt::format("{} has no address here", name),
                   "in a private tree give one of its signed names: --signed NAME");
    case DnsStatus::success:
      break;
  }
  return pass("lookups",
              fmt::format("names are looked up, in {} ms at most", facts.longest.count()));
}

DnsCheck judge_validation(const DaemonFacts& facts, const CheckContext& context) {
  const DnsAnswer& answer = *facts.signed_answer;
  if (context.dnssec == DnssecMode::off)
    return pass("validation", "answers are not validated (dns.dnssec is \"off\")");
  if (!facts.validating) {
    return found("validation", Status::warn, "answers are not validated with DNSSEC",
                 "see what is said of each name server and of the trust anchor "
                 "(dns.trust_anchor); dns.dnssec = \"off\" does without");
  }
  if (answer.fault == DnsFault::bogus) {
    return found("validation", Status::fail,
                 fmt::format("the signatures of {} do not validate", context.names.signed_name),
                 "check this host's clock and the trust anchor (dns.trust_anchor), and what is "
                 "said of each name server");
  }
  if (answer.secure) return pass("validation", "answers are validated with DNSSEC");
  return found("validation", Status::unknown,
               fmt::format("{} is not signed here", context.names.signed_name),
               "give a name that is signed: --signed NAME");
}

DnsCheck judge_bogus(const DaemonFacts& facts, const CheckContext& context) {
  const std::string& name = context.names.bogus_name;
  const DnsAnswer& answer = *facts.bogus_answer;
  switch (answer.status) {
    case DnsStatus::temperror:
      if (answer.fault == DnsFault::bogus || !failed(facts.signed_answer)) {
        return pass("bogus", answer.fault == DnsFault::bogus
                                 ? "wrong signatures are noticed by the daemon"
                                 : "wrong signatures are noticed by the name servers");
      }
      break;
    case DnsStatus::success:
      return found("bogus", facts.validating ? Status::fail : Status::warn,
                   fmt::format("{} is answered, although its signatures are wrong", name),
                   facts.validating ? "give a name whose signatures are wrong: --bogus NAME"
                                    : "nobody validates: neither the daemon nor the name servers");
    case DnsStatus::nxdomain:
    case DnsStatus::no_data:
      break;
  }
  return found("bogus", Status::unknown, fmt::format("{} could not be tried", name),
               "give a name whose signatures are wrong: --bogus NAME");
}

DnsCheck judge_large_answer(const DaemonFacts& facts, const CheckContext& context) {
  const DnsAnswer& answer = *facts.large_answer;
  const std::string& name = context.names.large_name;
  if (failed(facts.large_answer)) {
    return found("large", Status::fail,
                 fmt::format("the TXT records of {} cannot be had: {}", name, fault_text(answer)),
                 "see what is said of each name server: long records need TCP");
  }
  std::size_t octets = 0;
  for (const std::string& text : answer.texts()) octets += text.size();
  if (octets > kUdpOctets)
    return pass("large", fmt::format("TXT records of {} octets come whole", octets));
  return found("large", Status::unknown,
               fmt::format("the TXT records of {} have {} octets here", name, octets),
               "give a name that has some of 4,000 octets: --large NAME");
}

DnsCheck judge_loopback_answer(const DaemonFacts& facts, const CheckContext& context) {
  const DnsAnswer& answer = *facts.loopback_answer;
  const std::string& name = context.names.loopback_name;
  if (has_loopback(answer.addresses())) return pass("loopback", "addresses in 127.0.0.0/8 come");
  if (answer.status == DnsStatus::no_data) {
    return found("loopback", Status::fail, fmt::format("the answer for {} is emptied", name),
                 std::string(kRebindRemedy));
  }
  return found("loopback", Status::unknown, fmt::format("{} could not be tried", name),
               "give a name whose address is in 127.0.0.0/8: --loopback NAME");
}

}  // namespace

std::vector<DnsCheck> judge_server(const NameServerFacts& facts, const CheckContext& context) {
  std::vector<DnsCheck> checks = {judge_answers(facts, context)};
  if (!facts.answers()) return checks;
  checks.push_back(judge_time(facts));
  checks.push_back(judge_edns(facts));
  checks.push_back(judge_tcp(facts));
  if (context.dnssec != DnssecMode::off) checks.push_back(judge_dnssec(facts, context));
  checks.push_back(judge_large(facts, context));
  checks.push_back(judge_loopback(facts, context));
  checks.push_back(judge_missing(facts));
  return checks;
}

std::vector<DnsCheck> judge_daemon(const DaemonFacts& facts, const CheckContext& context) {
  return {judge_lookups(facts, context), judge_validation(facts, context),
          judge_bogus(facts, context), judge_large_answer(facts, context),
          judge_loopback_answer(facts, context)};
}

}  // namespace authmilter
