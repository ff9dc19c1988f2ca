#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include <authmilter/dane.h>

#include "audit/dane_pages.h"
#include "audit/mail_hosts.h"
#include "audit/served_tls.h"

namespace authmilter {
namespace {

/// What senders with DANE make of a mail host before they connect (RFC 7672 section 2.2).
struct TlsaOfHost {
  std::string host;
  std::string name;  // of the TLSA records
  /// RFC 7672 section 2.2.2: of an address that is not signed, TLSA records are not looked at. The
  /// MX set need not be signed: Postfix applies DANE all the same.
  bool has_signed_address = false;
  std::optional<FailedLookup> no_address;  // the addresses are not known
  DnsAnswerRef answer;                     // for TLSA
  std::vector<TlsaRecord> records;         // those that count: of a signed answer

  bool counts() const { return has_signed_address && !no_address && !records.empty(); }
};

std::vector<TlsaOfHost> tlsa_of_hosts(const RuleInput& input) {
  std::vector<TlsaOfHost> found;
  for (const MailHost& host : find_mail_hosts(input.facts.domain, input.dns).hosts) {
    if (!host.name) continue;
    const auto name = host.name->below("_25._tcp");
    if (!name) continue;
    TlsaOfHost one;
    one.host = host.name->text();
    one.name = name->text();
    const HostAddresses addresses = find_addresses(*host.name, input.dns);
    bool has_address = false;
    one.has_signed_address = true;
    for (const auto& [answer, type] :
         {std::pair(addresses.v4, RrType::a), std::pair(addresses.v6, RrType::aaaa)}) {
      if (answer->status == DnsStatus::temperror)
        one.no_address = FailedLookup{{*host.name, type}, answer->fault};
      if (answer->status != DnsStatus::success) continue;
      has_address = true;
      one.has_signed_address = one.has_signed_address && answer->secure;
    }
    // Nobody connects to it: a matter of mx.address.
    if (!has_address && !one.no_address) continue;
    one.answer = input.dns.resolve({*name, RrType::tlsa});
    if (one.answer->secure) one.records = one.answer->all<TlsaRecord>();
    found.push_back(std::move(one));
  }
  return found;
}

/// What we could not have asked ourselves says nothing of the domain.
bool is_ours(DnsFault fault) { return fault == DnsFault::limit || fault == DnsFault::overload; }

/// "3 1 1 0123456789ab...".
std::string shown(const TlsaRecord& record) {
  constexpr std::size_t kShownOctets = 8;
  std::string text = fmt::format("{} {} {} ", record.usage, record.selector, record.matching_type);
  for (std::size_t i = 0; i < std::min(record.data.size(), kShownOctets); ++i)
    text += fmt::format("{:02x}", record.data[i]);
  return record.data.size() > kShownOctets ? text + "..." : text;
}

constexpr std::size_t kShownRecords = 8;

std::string shown(const std::vector<TlsaRecord>& records) {
  std::string text;
  for (std::size_t i = 0; i < std::min(records.size(), kShownRecords); ++i)
    text += (i == 0 ? "" : ", ") + shown(records[i]);
  return records.size() > kShownRecords ? text + ", ..." : text;
}

/// Point 1.6 asks for it; elsewhere it is good advice.
CheckStatus missing(const RuleInput& input) {
  return input.profile.prints_measure ? CheckStatus::fail : CheckStatus::warn;
}

std::string publish(const std::string& name) {
  return "Publish \"" + name +
         ". TLSA 3 1 1 DIGEST\"; `openssl x509 -in cert.pem -noout -pubkey | openssl pkey -pubin "
         "-outform DER | openssl sha256` gives the digest of the server's key.";
}

Verdicts judge_exists(const RuleInput& input) {
  Verdicts verdicts;
  for (const TlsaOfHost& one : tlsa_of_hosts(input)) {
    if (one.no_address) {
      verdicts.push_back(undecided(*one.no_address, one.host));
    } else if (!one.has_signed_address) {
      verdicts.push_back({missing(input), one.host,
                          "the host's addresses are not signed, so nobody looks at TLSA records",
                          "Sign the zone of " + one.host +
                              " with DNSSEC, then publish a TLSA record at " + one.name + "."});
    } else if (one.answer->status == DnsStatus::temperror) {
      continue;  // dane.answer says it
    } else if (one.answer->status != DnsStatus::success) {
      verdicts.push_back(
          {missing(input), one.host, "there is no TLSA record at " + one.name, publish(one.name)});
    } else if (!one.answer->secure) {
      verdicts.push_back({missing(input), one.host,
                          "the TLSA record at " + one.name + " is not signed",
                          "Sign the zone of " + one.name +
                              " with DNSSEC: without it the record counts for "
                              "nothing."});
    } else {
      verdicts.push_back({CheckStatus::pass, one.host, shown(one.records), {}});
    }
  }
  return verdicts;
}

Verdicts judge_answer(const RuleInput& input) {
  Verdicts verdicts;
  for (const TlsaOfHost& one : tlsa_of_hosts(input)) {
    if (one.no_address || !one.has_signed_address) continue;
    if (one.answer->status != DnsStatus::temperror) {
      verdicts.push_back({CheckStatus::pass, one.host, "TLSA at " + one.name + " is answered", {}});
      continue;
    }
    const std::string why(temperror_reason(one.answer->fault));
    if (is_ours(one.answer->fault)) {
      verdicts.push_back(
          {CheckStatus::unknown, one.host, "TLSA at " + one.name + ": " + why, "Try again."});
      continue;
    }
    verdicts.push_back(
        {CheckStatus::fail, one.host,
         "no trustworthy answer for TLSA at " + one.name + " (" + why +
             "): senders that use DANE defer mail",
         one.answer->fault == DnsFault::bogus
             ? "Mend the signatures of the zone of " + one.name +
                   " (sign it anew, look at the DS "
                   "record and at the servers' clocks)."
             : "Let each name server of the zone answer questions for TLSA, also where there is no "
               "record: `dig +dnssec TLSA " +
                   one.name + " @SERVER`."});
  }
  return verdicts;
}

/// What the records come to without looking at a server: which are unusable.
std::vector<TlsaState> usability(const std::vector<TlsaRecord>& records) {
  return match_tlsa({}, records, {}, 0).records;
}

Verdicts judge_usage(const RuleInput& input) {
  Verdicts verdicts;
  for (const TlsaOfHost& one : tlsa_of_hosts(input)) {
    if (!one.counts()) continue;
    const auto states = usability(one.records);
    std::vector<TlsaRecord> unusable;
    for (std::size_t i = 0; i < states.size(); ++i) {
      if (states[i] == TlsaState::unusable) unusable.push_back(one.records[i]);
    }
    if (unusable.empty()) {
      verdicts.push_back({CheckStatus::pass, one.host, shown(one.records), {}});
      continue;
    }
    const bool all = unusable.size() == one.records.size();
    verdicts.push_back(
        {all ? CheckStatus::fail : CheckStatus::warn, one.host,
         std::string(all ? "no record is usable for mail: " : "not usable for mail: ") +
             shown(unusable),
         "Usages 0 and 1 are not for mail servers, and a record needs a whole digest. Remove it. " +
             publish(one.name)});
  }
  return verdicts;
}

/// One sentence for what is wrong with the first record that is.
std::string remedy_of(const DaneMatch& match, const TlsaOfHost& host) {
  const auto has = [&](TlsaState state) {
    return std::find(match.records.begin(), match.records.end(), state) != match.records.end();
  };
  if (has(TlsaState::weaker_digest))
    return "Of digests only the strongest counts. Remove the stale record with the longer digest "
           "(matching type 2) from " +
           host.name + ", or publish the one of the key that is served.";
  if (has(TlsaState::name_or_date))
    return "With usage 2 the certificate needs the name " + host.host +
           " and valid dates: renew it, or publish 3 1 1, for which neither counts.";
  if (has(TlsaState::issuer_not_sent))
    return "With usage 2 the server has to send the certificate that the record names: add it to "
           "smtpd_tls_chain_files of Postfix, or publish 3 1 1 of the server's own key.";
  return publish(host.name) + " Senders that use DANE keep mail back until it fits.";
}

Verdict judge_match_at(const ServerFacts& server, const TlsaOfHost& host, const RuleInput& input) {
  // RFC 7672 section 3.2.2: the name of the MX host, and the domain that mail is for.
  const std::vector<std::string> names = {host.host, input.facts.domain.text()};
  const DaneMatch match = match_tlsa(server.chain, host.records, names, input.time);
  std::string evidence;
  for (std::size_t i = 0; i < std::min(host.records.size(), kShownRecords); ++i)
    evidence += (i == 0 ? "" : ", ") + shown(host.records[i]) + " " +
                std::string(to_string(match.records[i]));
  if (match.state == DaneState::verified)
    return {CheckStatus::pass, subject_of(server), std::move(evidence), {}};
  return {CheckStatus::fail, subject_of(server), std::move(evidence), remedy_of(match, host)};
}

bool has_usable(const std::vector<TlsaRecord>& records) {
  const auto states = usability(records);
  return std::any_of(states.begin(), states.end(),
                     [](TlsaState state) { return state != TlsaState::unusable; });
}

Verdicts judge_match(const RuleInput& input) {
  Verdicts verdicts;
  for (const TlsaOfHost& one : tlsa_of_hosts(input)) {
    // Without a usable record nobody is compared: dane.usage says it.
    if (!one.counts() || !has_usable(one.records)) continue;
    for (const ServerFacts& server : input.facts.servers) {
      if (role_of(server) != ServerRole::mail_exchanger || server.host != one.host) continue;
      // What is served is not known: starttls.offered and tls.version say why.
      if (!server.chain.empty()) verdicts.push_back(judge_match_at(server, one, input));
    }
  }
  return verdicts;
}

Verdicts judge_rollover(const RuleInput& input) {
  Verdicts verdicts;
  for (const TlsaOfHost& one : tlsa_of_hosts(input)) {
    if (!one.counts()) continue;
    const auto states = usability(one.records);
    const auto effective = std::count_if(states.begin(), states.end(), [](TlsaState state) {
      return state != TlsaState::unusable && state != TlsaState::weaker_digest;
    });
    if (effective == 0) continue;
    verdicts.push_back(
        {effective > 1 ? CheckStatus::pass : CheckStatus::info,
         one.host,
         effective > 1 ? fmt::format("{} records that count", effective)
                       : std::string("one record: before the key is changed the next one's record "
                                     "has to stand beside it"),
         {}});
  }
  return verdicts;
}

constexpr AuditRule kRules[] = {
    {"dane.exists", "Each mail host has a signed TLSA record", "TLSA at _25._tcp of each MX host",
     "RFC 7672 section 2.2", "1.6", kDaneExistsPage, judge_exists},
    {"dane.answer", "Questions for TLSA records are answered", "TLSA at _25._tcp of each MX host",
     "RFC 7672 section 2.1.1", "1.6", kDaneAnswerPage, judge_answer},
    {"dane.usage", "TLSA records are usable for mail", "the TLSA records of each MX host",
     "RFC 7672 section 3.1.3", "1.6", kDaneUsagePage, judge_usage},
    {"dane.match", "Servers serve what their TLSA records say",
     "the chain of each MX host at each address", "RFC 7672 section 3.1", "1.6", kDaneMatchPage,
     judge_match},
    {"dane.rollover", "There is a TLSA record for the next key", "the TLSA records of each MX host",
     "RFC 7671 section 8.1", "", kDaneRolloverPage, judge_rollover},
};

}  // namespace

std::span<const AuditRule> dane_rules() { return kRules; }

}  // namespace authmilter
