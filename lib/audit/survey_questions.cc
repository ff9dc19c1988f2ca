#include <algorithm>
#include <iterator>
#include <string>

#include <authmilter/audit_survey.h>
#include <authmilter/dmarc.h>

#include "audit/dmarc_facts.h"
#include "audit/mail_hosts.h"
#include "audit/selector_names.h"
#include "audit/spf_tree.h"
#include "audit/survey_keys.h"
#include "audit/zone_apex.h"

namespace authmilter {
namespace {

using Kind = SurveyChoice::Kind;

// Each function names the choices of its table by these, in their order.

enum class NameChoice { found, missing, unanswered };
constexpr SurveyChoice kName[] = {
    {"found", "there, and its name servers answer", Kind::good},
    {"missing", "does not exist", Kind::bad},
    {"unanswered", "its name servers do not answer", Kind::unknown},
};
static_assert(std::size(kName) == std::size_t(NameChoice::unanswered) + 1);
std::size_t choose_name(const DomainFacts& facts, Resolver& dns) {
  // Any answer will do: an SPF record too large for a server says nothing of the name.
  NameChoice choice = NameChoice::unanswered;
  for (const RrType type : {RrType::mx, RrType::txt, RrType::soa, RrType::a}) {
    const DnsAnswerRef answer = dns.resolve({facts.domain, type});
    if (answer->status == DnsStatus::nxdomain) return std::size_t(NameChoice::missing);
    if (answer->status != DnsStatus::temperror) choice = NameChoice::found;
  }
  return std::size_t(choice);
}

enum class SpfChoice { hard_fail, soft_fail, neutral, pass, broken, none, unknown };
constexpr SurveyChoice kSpf[] = {
    {"hard-fail", "all others are refused (-all)", Kind::good},
    {"soft-fail", "all others are suspect (~all)", Kind::good},
    {"neutral", "nothing is said of others (?all, or no all)", Kind::fair},
    {"pass", "everybody may send (+all)", Kind::bad},
    {"broken", "the record cannot be read, or there are several", Kind::bad},
    {"none", "no record", Kind::bad},
    {"unknown", "no answer", Kind::unknown},
};
static_assert(std::size(kSpf) == std::size_t(SpfChoice::unknown) + 1);
SpfChoice spf_choice(const SpfTree& tree) {
  switch (tree.own().state) {
    case SpfNodeState::record:
      break;
    case SpfNodeState::none:
      return SpfChoice::none;
    case SpfNodeState::several:
    case SpfNodeState::broken:
    case SpfNodeState::loop:
    case SpfNodeState::not_followed:
      return SpfChoice::broken;
    case SpfNodeState::unanswered:
      return SpfChoice::unknown;
  }
  const spf::Term* const all = tree.deciding_all();
  if (all == nullptr) return SpfChoice::neutral;
  switch (all->qualifier) {
    case SpfResult::fail:
      return SpfChoice::hard_fail;
    case SpfResult::softfail:
      return SpfChoice::soft_fail;
    case SpfResult::pass:
      return SpfChoice::pass;
    case SpfResult::neutral:
    case SpfResult::none:
    case SpfResult::temperror:
    case SpfResult::permerror:
      return SpfChoice::neutral;
  }
  return SpfChoice::neutral;
}
std::size_t choose_spf(const DomainFacts& facts, Resolver& dns) {
  return std::size_t(spf_choice(walk_spf(facts.domain, dns)));
}

enum class DmarcChoice { reject, quarantine, none, broken, absent, unknown };
constexpr SurveyChoice kDmarc[] = {
    {"reject", "forgeries are to be refused (p=reject)", Kind::good},
    {"quarantine", "forgeries are to be put aside (p=quarantine)", Kind::good},
    {"none", "nothing is to be done about forgeries (p=none)", Kind::fair},
    {"broken", "the record cannot be used, or there are several", Kind::bad},
    {"absent", "no record", Kind::bad},
    {"unknown", "no answer", Kind::unknown},
};
static_assert(std::size(kDmarc) == std::size_t(DmarcChoice::unknown) + 1);
DmarcChoice dmarc_choice(const DomainName& domain, Resolver& dns) {
  if (find_dmarc_records(domain, dns).texts.size() > 1) return DmarcChoice::broken;
  DmarcDiscovery discovery = discover_dmarc(domain, dns);
  const DmarcOutcome outcome = evaluate_dmarc(discovery, {});
  if (outcome.result == DmarcResult::temperror) return DmarcChoice::unknown;
  if (!outcome.policy_known)
    return outcome.policy_domain ? DmarcChoice::broken : DmarcChoice::absent;
  // What applies: t=y makes it one step less.
  switch (outcome.policy) {
    case AssessmentPolicy::reject:
      return DmarcChoice::reject;
    case AssessmentPolicy::quarantine:
      return DmarcChoice::quarantine;
    case AssessmentPolicy::none:
      return DmarcChoice::none;
  }
  return DmarcChoice::none;
}
std::size_t choose_dmarc(const DomainFacts& facts, Resolver& dns) {
  return std::size_t(dmarc_choice(facts.domain, dns));
}

enum class DkimChoice { found, every_name, not_found, unknown };
constexpr SurveyChoice kDkim[] = {
    {"found", "a key under a selector that was tried", Kind::good},
    {"every-name", "the same answer for every selector", Kind::bad},
    {"not-found", "no key under the selectors that were tried", Kind::fair},
    {"unknown", "no answer", Kind::unknown},
};
static_assert(std::size(kDkim) == std::size_t(DkimChoice::unknown) + 1);
std::size_t choose_dkim(const DomainFacts& facts, Resolver& dns) {
  const SurveyKeys keys = find_survey_keys(facts, dns);
  if (keys.every_name) return std::size_t(DkimChoice::every_name);
  if (!keys.selectors.empty()) return std::size_t(DkimChoice::found);
  return std::size_t(keys.undecided ? DkimChoice::unknown : DkimChoice::not_found);
}

enum class MxChoice { hosts, own_address, null_mx, none, unknown };
constexpr SurveyChoice kMx[] = {
    {"hosts", "names its mail servers", Kind::good},
    {"own-address", "no record, but a host of its own name", Kind::fair},
    {"null-mx", "says that it takes no mail (null MX)", Kind::good},
    {"none", "no mail server", Kind::fair},
    {"unknown", "no answer", Kind::unknown},
};
static_assert(std::size(kMx) == std::size_t(MxChoice::unknown) + 1);
std::size_t choose_mx(const DomainFacts& facts, Resolver& dns) {
  const MailHosts found = find_mail_hosts(facts.domain, dns);
  if (found.mx->status == DnsStatus::temperror) return std::size_t(MxChoice::unknown);
  if (found.implicit) return std::size_t(MxChoice::own_address);
  if (!found.hosts.empty()) return std::size_t(MxChoice::hosts);
  return std::size_t(found.null_mx ? MxChoice::null_mx : MxChoice::none);
}

enum class DnssecChoice { validated, not_validated, bogus, unsigned_zone, unknown };
constexpr SurveyChoice kDnssec[] = {
    {"validated", "signed, and the signatures are right", Kind::good},
    {"not-validated", "signed, but not checked here", Kind::fair},
    {"bogus", "the signatures are wrong", Kind::bad},
    {"unsigned", "not signed", Kind::bad},
    {"unknown", "no answer", Kind::unknown},
};
static_assert(std::size(kDnssec) == std::size_t(DnssecChoice::unknown) + 1);
std::size_t choose_dnssec(const DomainFacts& facts, Resolver& dns) {
  const DnsAnswerRef mx = dns.resolve({facts.domain, RrType::mx});
  if (mx->fault == DnsFault::bogus) return std::size_t(DnssecChoice::bogus);
  if (mx->status == DnsStatus::temperror) return std::size_t(DnssecChoice::unknown);
  if (mx->secure) return std::size_t(DnssecChoice::validated);
  const ZoneApex zone = find_zone(facts.domain, dns);
  const bool has_ds =
      zone.name && dns.resolve({*zone.name, RrType::ds})->status == DnsStatus::success;
  return std::size_t(has_ds ? DnssecChoice::not_validated : DnssecChoice::unsigned_zone);
}

enum class DaneChoice { all, some, insecure, none, no_hosts, unknown };
constexpr SurveyChoice kDane[] = {
    {"all", "signed TLSA records for all mail servers", Kind::good},
    {"some", "signed TLSA records for some mail servers", Kind::fair},
    {"insecure", "TLSA records that are not validated, which do not count", Kind::bad},
    {"none", "no TLSA records", Kind::fair},
    {"no-hosts", "no mail server that could have them", Kind::fair},
    {"unknown", "no answer", Kind::unknown},
};
static_assert(std::size(kDane) == std::size_t(DaneChoice::unknown) + 1);
std::size_t choose_dane(const DomainFacts& facts, Resolver& dns) {
  const MailHosts found = find_mail_hosts(facts.domain, dns);
  if (found.mx->status == DnsStatus::temperror) return std::size_t(DaneChoice::unknown);
  if (found.hosts.empty()) return std::size_t(DaneChoice::no_hosts);
  std::size_t secure = 0, insecure = 0, unknown = 0;
  for (const MailHost& host : found.hosts) {
    const auto name = host.name ? host.name->below(kSmtpTlsa) : std::nullopt;
    if (!name) continue;
    const DnsAnswerRef answer = dns.resolve({*name, RrType::tlsa});
    if (answer->status == DnsStatus::temperror) ++unknown;
    if (answer->status == DnsStatus::success) ++(answer->secure ? secure : insecure);
  }
  if (secure == found.hosts.size()) return std::size_t(DaneChoice::all);
  if (secure > 0) return std::size_t(DaneChoice::some);
  if (insecure > 0) return std::size_t(DaneChoice::insecure);
  return std::size_t(unknown > 0 ? DaneChoice::unknown : DaneChoice::none);
}

/// Of records that stand at a name below the domain and begin with a version.
enum class RecordChoice { record, several, none, unknown };
constexpr SurveyChoice kRecord[] = {
    {"record", "a record", Kind::good},
    {"several", "several records, of which none counts", Kind::bad},
    {"none", "no record", Kind::fair},
    {"unknown", "no answer", Kind::unknown},
};
static_assert(std::size(kRecord) == std::size_t(RecordChoice::unknown) + 1);
template <const auto& Prefix, const auto& Version>
std::size_t choose_record(const DomainFacts& facts, Resolver& dns) {
  const auto name = facts.domain.below(Prefix);
  if (!name) return std::size_t(RecordChoice::none);
  const DnsAnswerRef answer = dns.resolve({*name, RrType::txt});
  if (answer->status == DnsStatus::temperror) return std::size_t(RecordChoice::unknown);
  const auto texts = answer->texts();
  const auto records = std::count_if(texts.begin(), texts.end(), [](const std::string& text) {
    return text.starts_with(Version);
  });
  if (records > 1) return std::size_t(RecordChoice::several);
  return std::size_t(records == 1 ? RecordChoice::record : RecordChoice::none);
}
// RFC 8461 section 3.1, RFC 8460 section 3, and the draft of BIMI.
constexpr char kStsAt[] = "_mta-sts", kStsVersion[] = "v=STSv1";
constexpr char kTlsRptAt[] = "_smtp._tls", kTlsRptVersion[] = "v=TLSRPTv1";
constexpr char kBimiAt[] = "default._bimi", kBimiVersion[] = "v=BIMI1";

constexpr SurveyQuestion kQuestions[] = {
    {"name", "The name", kName, choose_name},
    {"spf", "SPF: which servers may send for the domain", kSpf, choose_spf},
    {"dmarc", "DMARC: what receivers shall do with forgeries", kDmarc, choose_dmarc},
    {"dkim", "DKIM: keys that mail is signed by", kDkim, choose_dkim},
    {"mx", "MX: servers that take mail", kMx, choose_mx},
    {"dnssec", "DNSSEC: signatures of the DNS", kDnssec, choose_dnssec},
    {"dane", "DANE: certificates named in the DNS (TLSA)", kDane, choose_dane},
    {"mta-sts", "MTA-STS: encryption is promised to senders", kRecord,
     choose_record<kStsAt, kStsVersion>},
    {"tls-rpt", "TLS-RPT: reports of failed encryption are asked for", kRecord,
     choose_record<kTlsRptAt, kTlsRptVersion>},
    {"bimi", "BIMI: a logo for mail programs", kRecord, choose_record<kBimiAt, kBimiVersion>},
};

constexpr SurveyFigure kFigures[] = {
    {"spf", "have an SPF record", "spf", "hard-fail soft-fail neutral pass broken"},
    {"spf-hard-fail", "end it in -all", "spf", "hard-fail"},
    {"spf-soft-fail", "end it in ~all", "spf", "soft-fail"},
    {"dmarc", "have a DMARC record", "dmarc", "reject quarantine none broken"},
    {"dmarc-enforcing", "enforce it (quarantine or reject)", "dmarc", "reject quarantine"},
    {"dmarc-reject", "ask for reject", "dmarc", "reject"},
    {"dkim", "have a key under a usual selector", "dkim", "found"},
    {"mx", "have mail servers", "mx", "hosts own-address"},
    {"null-mx", "say that they take no mail", "mx", "null-mx"},
    {"dnssec", "are signed by DNSSEC", "dnssec", "validated not-validated"},
    {"dane", "have DANE for all mail servers", "dane", "all"},
    {"mta-sts", "have MTA-STS", "mta-sts", "record"},
    {"tls-rpt", "ask for TLS reports", "tls-rpt", "record"},
    {"bimi", "have BIMI", "bimi", "record"},
};

}  // namespace

std::span<const SurveyQuestion> survey_questions() { return kQuestions; }
std::span<const SurveyFigure> survey_figures() { return kFigures; }

}  // namespace authmilter
