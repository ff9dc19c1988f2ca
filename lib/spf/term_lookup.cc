#include <utility>

#include "spf/evaluation.h"
#include "spf/grammar.h"

namespace authmilter::spf {
namespace {

RrType address_type(const IpAddress& client) { return client.is_v4() ? RrType::a : RrType::aaaa; }
RrType other_address_type(const IpAddress& client) {
  return client.is_v4() ? RrType::aaaa : RrType::a;
}

}  // namespace

/// RFC 7208 section 4.6.4: include, a, mx, ptr, exists and redirect, ten of them in all records
/// together; libspf2 would count each record anew.
bool Evaluation::count_term() {
  term_was_void_ = false;
  if (lookups_ >= limits_.lookup_terms) {
    fail(SpfResult::permerror, SpfReason::too_many_lookups);
    return false;
  }
  ++lookups_;
  return true;
}

/// RFC 7208 section 4.6.4: the limit is on terms whose lookups come back empty, so a term counts
/// once however many of its exchanges do not exist.
bool Evaluation::count_void() {
  if (term_was_void_) return true;
  term_was_void_ = true;
  if (++void_lookups_ <= limits_.void_lookups) return true;
  fail(SpfResult::permerror, SpfReason::too_many_void_lookups);
  return false;
}

TokenAnswer Evaluation::try_term(const OpenRecord& open, std::size_t index) {
  const Term& term = open.record.terms[index];
  if (!term.costs_lookup()) return yes();  // only those that match are written
  if (!count_term()) return stop();
  const auto name = expand_target(open, term.domain_spec);
  if (failure_) return stop();
  if (!name) return {};
  switch (term.mechanism) {
    case Mechanism::a:
      return find_addresses(*name, term);
    case Mechanism::mx:
      return find_exchanges(*name, {Token::Kind::exchange, &open, index, {}});
    case Mechanism::exists:
      return exists(*name);
    case Mechanism::ptr:
      if (client_names_.any_within(*name)) return yes();
      if (client_names_.void_lookup() && !count_void()) return stop();
      return {};
    case Mechanism::include:
    case Mechanism::all:
    case Mechanism::ip4:
    case Mechanism::ip6:
      break;
  }
  fail(SpfResult::temperror, SpfReason::internal_error);
  return stop();
}

TokenAnswer Evaluation::yes() const { return {TokenAnswer::Status::found, {client()}, {}}; }

/// RFC 7208 section 5.3, and of section 5.4 the part for one exchange.
TokenAnswer Evaluation::find_addresses(const DnsName& name, const Term& term) {
  const auto answer = dns_.resolve(name, address_type(client()));
  if (answer->status == DnsStatus::temperror) {
    fail_by_dns({name, address_type(client())}, *answer);
    return stop();
  }
  if (answer->void_lookup()) {
    // A host of the other family exists and is no void lookup. Whether it does is asked only where
    // the name exists; a failure of this extra question is no reason to count.
    const bool other_family = answer->status == DnsStatus::no_data &&
                              !dns_.resolve(name, other_address_type(client()))->void_lookup();
    if (!other_family && !count_void()) return stop();
    return {};
  }
  // RFC 7208 section 5.3: any address matches /0, so give the one that surely does.
  if (term.prefix(client()) == 0) return yes();
  return {TokenAnswer::Status::found, answer->addresses(), {}};
}

/// RFC 7208 section 5.4.
TokenAnswer Evaluation::find_exchanges(const DnsName& name, const Token& token) {
  const auto answer = dns_.resolve(name, RrType::mx);
  if (answer->status == DnsStatus::temperror) {
    fail_by_dns({name, RrType::mx}, *answer);
    return stop();
  }
  if (answer->void_lookup()) return count_void() ? TokenAnswer{} : stop();
  // RFC 7208 section 4.6.4: more than ten MX records are a permerror.
  if (answer->records.size() > limits_.mx_exchanges) {
    fail(SpfResult::permerror, SpfReason::too_many_mx, name.text());
    return stop();
  }
  TokenAnswer found{TokenAnswer::Status::found, {}, {}};
  for (const MxRecord& mx : answer->all<MxRecord>()) {
    if (mx.exchange.is_root()) continue;  // RFC 7505 section 3: there is no mail host
    Token exchange = token;
    exchange.exchange = mx.exchange;
    found.exchanges.push_back(add_token(std::move(exchange)));
  }
  if (found.exchanges.empty()) found.status = TokenAnswer::Status::nothing;
  return found;
}

/// RFC 7208 section 5.7: an A lookup whatever the client's family is.
TokenAnswer Evaluation::exists(const DnsName& name) {
  const auto answer = dns_.resolve(name, RrType::a);
  if (answer->status == DnsStatus::temperror) {
    fail_by_dns({name, RrType::a}, *answer);
    return stop();
  }
  if (answer->void_lookup()) return count_void() ? TokenAnswer{} : stop();
  return yes();
}

}  // namespace authmilter::spf
