#include <array>
#include <cstddef>

#include <authmilter/audit_facts.h>

#include "audit/dns_json.h"
#include "audit/facts_json.h"
#include "base/json_events.h"

namespace authmilter {

// The words of a file of facts: what is printed elsewhere may change, these may not.

template <>
constexpr Word<SelectorOrigin> kJsonWords<SelectorOrigin>[] = {
    {SelectorOrigin::given, "given"},
    {SelectorOrigin::configured, "configured"},
    {SelectorOrigin::reported, "reported"},
    {SelectorOrigin::usual, "usual"}};
static_assert(is_complete(kJsonWords<SelectorOrigin>, SelectorOrigin::usual));
template <>
constexpr Word<ServerProtocol> kJsonWords<ServerProtocol>[] = {
    {ServerProtocol::smtp, "smtp"},
    {ServerProtocol::submission, "submission"},
    {ServerProtocol::submissions, "submissions"},
    {ServerProtocol::imap, "imap"},
    {ServerProtocol::imaps, "imaps"},
    {ServerProtocol::pop3, "pop3"},
    {ServerProtocol::pop3s, "pop3s"},
    {ServerProtocol::https, "https"}};
static_assert(is_complete(kJsonWords<ServerProtocol>, ServerProtocol::https));
template <>
constexpr Word<TlsVersion> kJsonWords<TlsVersion>[] = {{TlsVersion::ssl_3, "ssl3"},
                                                       {TlsVersion::tls_1_0, "tls1.0"},
                                                       {TlsVersion::tls_1_1, "tls1.1"},
                                                       {TlsVersion::tls_1_2, "tls1.2"},
                                                       {TlsVersion::tls_1_3, "tls1.3"}};
static_assert(is_complete(kJsonWords<TlsVersion>, TlsVersion::tls_1_3));
template <>
constexpr Word<OfferState> kJsonWords<OfferState>[] = {{OfferState::offered, "offered"},
                                                       {OfferState::refused, "refused"},
                                                       {OfferState::not_probed, "not_probed"},
                                                       {OfferState::unanswered, "unanswered"}};
static_assert(is_complete(kJsonWords<OfferState>, OfferState::unanswered));
template <>
constexpr Word<CipherKind> kJsonWords<CipherKind>[] = {
    {CipherKind::null, "null"},
    {CipherKind::anonymous, "anonymous"},
    {CipherKind::export_grade, "export"},
    {CipherKind::rc4, "rc4"},
    {CipherKind::triple_des, "3des"},
    {CipherKind::cbc_sha1, "cbc_sha1"},
    {CipherKind::no_forward_secrecy, "no_forward_secrecy"}};
static_assert(is_complete(kJsonWords<CipherKind>, CipherKind::no_forward_secrecy));
template <>
constexpr Word<ChainTrust> kJsonWords<ChainTrust>[] = {{ChainTrust::trusted, "trusted"},
                                                       {ChainTrust::untrusted, "untrusted"},
                                                       {ChainTrust::not_checked, "not_checked"}};
static_assert(is_complete(kJsonWords<ChainTrust>, ChainTrust::not_checked));

template <>
struct JsonForm<std::map<std::string, std::string>> {
  using Map = std::map<std::string, std::string>;
  static FactsJson write(const Map& map) {
    FactsJson list = FactsJson::array();
    for (const auto& [name, value] : map)
      list.push_back({JsonForm<std::string>::write(name), JsonForm<std::string>::write(value)});
    return list;
  }
  static Result<Map> read(const FactsJson& json) {
    auto pairs = JsonForm<std::vector<std::vector<std::string>>>::read(json);
    if (!pairs) return pairs.error();
    Map map;
    for (auto& pair : *pairs) {
      if (pair.size() != 2) return not_of_form("a list of names with their values");
      map[pair[0]] = pair[1];
    }
    return map;
  }
};

template <>
constexpr auto kJsonMembers<SelectorFact> = std::tuple(
    json_member("selector", &SelectorFact::selector), json_member("origin", &SelectorFact::origin),
    json_member("own_record", &SelectorFact::own_record));
template <>
constexpr auto kJsonMembers<TlsOffer> = std::tuple(json_member("version", &TlsOffer::version),
                                                   json_member("state", &TlsOffer::state),
                                                   json_member("cipher", &TlsOffer::cipher),
                                                   json_member("group", &TlsOffer::group),
                                                   json_member("detail", &TlsOffer::detail));
template <>
constexpr auto kJsonMembers<CipherOffer> = std::tuple(json_member("kind", &CipherOffer::kind),
                                                      json_member("state", &CipherOffer::state),
                                                      json_member("cipher", &CipherOffer::cipher));
template <>
constexpr auto kJsonMembers<ServerFacts> = std::tuple(
    json_member("protocol", &ServerFacts::protocol), json_member("host", &ServerFacts::host),
    json_member("address", &ServerFacts::address), json_member("port", &ServerFacts::port),
    json_member("connected", &ServerFacts::connected),
    json_member("same_host", &ServerFacts::same_host),
    json_member("trouble", &ServerFacts::trouble), json_member("greeting", &ServerFacts::greeting),
    json_member("starttls", &ServerFacts::starttls),
    json_member("plain_logins", &ServerFacts::plain_logins),
    json_member("versions", &ServerFacts::versions),
    json_member("weak_ciphers", &ServerFacts::weak_ciphers),
    json_member("needs_small_hello", &ServerFacts::needs_small_hello),
    json_member("chain", &ServerFacts::chain), json_member("trust", &ServerFacts::trust),
    json_member("trust_detail", &ServerFacts::trust_detail),
    json_member("ocsp_stapled", &ServerFacts::ocsp_stapled));
template <>
constexpr auto kJsonMembers<FetchFacts> =
    std::tuple(json_member("url", &FetchFacts::url), json_member("status", &FetchFacts::status),
               json_member("trouble", &FetchFacts::trouble),
               json_member("certificate_good", &FetchFacts::certificate_good),
               json_member("content_type", &FetchFacts::content_type),
               json_member("location", &FetchFacts::location),
               json_member("strict_transport_security", &FetchFacts::strict_transport_security),
               json_member("body", &FetchFacts::body));
template <>
constexpr auto kJsonMembers<HostFacts> =
    std::tuple(json_member("name", &HostFacts::name), json_member("postfix", &HostFacts::postfix),
               json_member("postfix_version", &HostFacts::postfix_version),
               json_member("postfix_services", &HostFacts::postfix_services),
               json_member("postfix_trouble", &HostFacts::postfix_trouble),
               json_member("name_servers", &HostFacts::name_servers),
               json_member("signed_name_fault", &HostFacts::signed_name_fault),
               json_member("signed_name_secure", &HostFacts::signed_name_secure),
               json_member("signed_name", &HostFacts::signed_name),
               json_member("bogus_name_fault", &HostFacts::bogus_name_fault),
               json_member("bogus_name", &HostFacts::bogus_name),
               json_member("authmilter", &HostFacts::authmilter));
template <>
constexpr auto kJsonMembers<AuditHeader> = std::tuple(
    json_member("program", &AuditHeader::program), json_member("time", &AuditHeader::time),
    json_member("resolver", &AuditHeader::resolver),
    json_member("tls_library", &AuditHeader::tls_library), json_member("host", &AuditHeader::host));
template <>
constexpr auto kJsonMembers<DomainFacts> =
    std::tuple(json_member("domain", &DomainFacts::domain), json_member("dns", &DomainFacts::dns),
               json_member("selectors", &DomainFacts::selectors),
               json_member("servers_asked", &DomainFacts::servers_asked),
               json_member("servers", &DomainFacts::servers),
               json_member("mta_sts_policy", &DomainFacts::mta_sts_policy),
               json_member("webmail", &DomainFacts::webmail));

namespace {

// The form of a file of facts. What an older program cannot read gets another number.
constexpr std::uint64_t kForm = 1;
constexpr const char* kFormName = "audit";  // of the header's member

// A domain with all that is asked, each server with a chain of certificates, has less than 1 MB.
constexpr std::size_t kMostOctets = 16 << 20;

/// Stops at what no facts have before it costs memory.
class DepthBound : public JsonEvents<FactsJson> {
 public:
  bool start_array(std::size_t) { return ++level_ <= kLevels; }
  bool end_array() { return level_-- > 0; }
  bool start_object(std::size_t) { return ++level_ <= kLevels; }
  bool end_object() { return level_-- > 0; }

 private:
  static constexpr std::size_t kLevels = 8;
  std::size_t level_ = 0;
};

Error not_a_line(std::string_view of_what, std::string_view why) {
  return Error{"not a line " + std::string(of_what) + ": it " + std::string(why)};
}

Result<FactsJson> read_line(std::string_view line) {
  if (line.size() > kMostOctets) return Error{"is too long"};
  DepthBound bound;
  if (!FactsJson::sax_parse(line, &bound)) return Error{"is not JSON of its depth"};
  return FactsJson::parse(line, nullptr, /*allow_exceptions=*/false);
}

std::string written(const FactsJson& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/true, FactsJson::error_handler_t::replace);
}

}  // namespace

std::string_view to_string(SelectorOrigin origin) {
  return word_of(kJsonWords<SelectorOrigin>, origin);
}

std::string facts_line(const AuditHeader& header) {
  FactsJson json = write_members(header);
  json[kFormName] = kForm;
  return written(json);
}

std::string facts_line(const DomainFacts& facts) { return written(write_members(facts)); }

Result<AuditHeader> parse_header_line(std::string_view line) {
  constexpr std::string_view kWhat = "that begins a file of facts";
  const auto json = read_line(line);
  if (!json) return not_a_line(kWhat, json.error().message);
  if (!json->is_object() || !json->contains(kFormName)) return not_a_line(kWhat, "says not so");
  if ((*json)[kFormName] != kForm) return not_a_line(kWhat, "is of another version of the form");
  auto header = JsonForm<AuditHeader>::read(*json);
  if (!header) return not_a_line(kWhat, header.error().message);
  return header;
}

Result<DomainFacts> parse_facts_line(std::string_view line) {
  constexpr std::string_view kWhat = "of facts";
  const auto json = read_line(line);
  if (!json) return not_a_line(kWhat, json.error().message);
  auto facts = read_members(
      *json, DomainFacts{DomainName::parse("invalid").value(), {}, {}, false, {}, {}, {}});
  if (!facts) return not_a_line(kWhat, facts.error().message);
  return facts;
}

}  // namespace authmilter
