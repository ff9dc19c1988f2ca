#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <authmilter/dns_name.h>
#include <authmilter/dns_record.h>
#include <authmilter/ip_address.h>
#include <authmilter/parsed_forms.h>

namespace authmilter {

struct DnsQuestion {
  DnsName name;
  RrType type;
  auto operator<=>(const DnsQuestion&) const = default;
};

/// success: at least one record. no_data: the name exists, without such a record. nxdomain: it does
/// not exist (RFC 8020). temperror: no trustworthy answer; `fault` says why.
enum class DnsStatus : std::uint8_t { success, no_data, nxdomain, temperror };
/// Two are ours: `limit`, a message's query budget or deadline is used up; `overload`, the question
/// was not asked because too many are under way, in all or for one that asks (see DnsShare).
enum class DnsFault : std::uint8_t { none, timeout, servfail, bogus, malformed, limit, overload };
std::string_view to_string(DnsStatus status);
std::string_view to_string(DnsFault fault);
/// The word that SPF, DKIM and DMARC give as the reason of a temperror: "dns-timeout",
/// "dns-servfail" (also for none), "dnssec-bogus", "dns-malformed", "dns-limit", "dns-overload".
/// Stable: policies, logs and people match on it.
std::string_view temperror_reason(DnsFault fault);

/// The question that got no trustworthy answer, and so left a result open.
struct FailedLookup {
  DnsQuestion question;
  DnsFault fault;
  bool operator==(const FailedLookup&) const = default;
};

/// What the DNS says to one question, CNAMEs followed. The records are of the question's type, in
/// the order they came, MX records in that of their preference.
struct DnsAnswer {
  DnsStatus status = DnsStatus::temperror;
  DnsFault fault = DnsFault::none;
  bool secure = false;  // validated by DNSSEC
  std::chrono::seconds ttl{0};
  std::vector<DnsRecord> records;
  ParsedForms forms = {};  // see parsed()

  template <class Record>
  std::vector<Record> all() const {
    std::vector<Record> found;
    for (const DnsRecord& record : records) {
      if (const auto* one = std::get_if<Record>(&record)) found.push_back(*one);
    }
    return found;
  }
  std::vector<std::string> texts() const;    // of TXT records
  std::vector<IpAddress> addresses() const;  // of A and AAAA records

  bool void_lookup() const {  // RFC 7208 section 4.6.4
    return status == DnsStatus::no_data || status == DnsStatus::nxdomain;
  }
  /// The most memory that the forms beside this answer may take together. Whoever keeps the answer
  /// counts it, used or not. Nothing but TXT records is worth it.
  std::size_t octets_for_forms() const;

  static DnsAnswer failed(DnsFault why) {
    DnsAnswer answer;
    answer.fault = why;
    return answer;
  }
};

/// Answers are immutable and shared between the cache and the messages that use them.
using DnsAnswerRef = std::shared_ptr<const DnsAnswer>;

/// What `Form::parse(const DnsAnswer&)` makes of an answer, which says what is wrong with it as a
/// value too. Made once for as long as the answer lives (see ParsedForms); each time where the form
/// takes more room than its answer may have.
template <class Form>
std::shared_ptr<const Form> parsed(const DnsAnswerRef& answer) {
  if (const Form* known = answer->forms.find<Form>()) return {answer, known};
  Form made = Form::parse(*answer);
  if (const Form* kept = answer->forms.keep(made, answer->octets_for_forms()))
    return {answer, kept};
  return std::make_shared<const Form>(std::move(made));
}

}  // namespace authmilter
