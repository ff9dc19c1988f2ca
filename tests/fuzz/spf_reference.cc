#include "spf_reference.h"

#include <algorithm>

#include "spf/grammar.h"

namespace authmilter::fuzz {
namespace {

using spf::Mechanism;
using spf::Record;
using spf::Term;

/// Thrown where RFC 7208 ends the evaluation as a whole.
struct Stop {
  SpfResult result;
};

class Reference {
 public:
  Reference(const SpfRequest& request, DomainName sender_domain, Resolver& resolver)
      : request_(request), sender_domain_(std::move(sender_domain)), resolver_(resolver) {
    // Written anew from the text: what stands before the last '@', a source route taken off.
    std::string_view path = request.mail_from.text;
    if (path.starts_with('<') && path.ends_with('>')) path = path.substr(1, path.size() - 2);
    local_part_ = path.empty() ? "postmaster" : path.substr(0, path.rfind('@'));
    if (local_part_.starts_with('@')) local_part_.erase(0, local_part_.find(':') + 1);
    if (local_part_.empty()) local_part_ = "postmaster";
  }

  /// RFC 7208 section 4.3 on; none where the domain has no record.
  SpfResult check(const DnsName& domain) {
    const auto record = fetch(domain);
    if (!record) return SpfResult::none;
    for (const Term& term : record->terms) {
      if (matches(term, domain)) return term.qualifier;
    }
    if (!record->redirect) return SpfResult::neutral;
    count_term();
    const auto target = expanded(record->redirect->domain_spec, domain);
    // RFC 7208 section 6.1: no record there is a permerror.
    const auto result = has_two_labels(target) ? check(*target) : SpfResult::none;
    if (result == SpfResult::none) throw Stop{SpfResult::permerror};
    return result;
  }

 private:
  static bool has_two_labels(const std::optional<DnsName>& name) {
    return name && name->text().find('.') != std::string::npos;
  }

  DnsAnswerRef ask(const DnsName& name, RrType type) {
    auto answer = resolver_.resolve({name, type});
    if (answer->status == DnsStatus::temperror) throw Stop{SpfResult::temperror};
    return answer;
  }

  void count_term() {
    if (++terms_ > 10) throw Stop{SpfResult::permerror};
  }
  void count_void() {
    if (++voids_ > 2) throw Stop{SpfResult::permerror};
  }

  std::optional<Record> fetch(const DnsName& domain) {
    const auto answer = ask(domain, RrType::txt);
    auto found = answer->texts();
    std::erase_if(found, [](const auto& text) { return !spf::is_spf_record(text); });
    if (found.empty()) return std::nullopt;
    auto record = spf::parse_record(found.front());
    if (found.size() > 1 || !record) throw Stop{SpfResult::permerror};
    return std::move(*record);
  }

  std::optional<DnsName> expanded(const std::optional<spf::MacroString>& spec,
                                  const DnsName& domain) {
    if (!spec) return domain;
    return spf::target_name(
        spf::expand(*spec, {.local_part = local_part_,
                            .sender_domain = sender_domain_,
                            .domain = domain,
                            .client = request_.client,
                            .helo = request_.helo.text,
                            .receiver = request_.receiver,
                            .now = request_.now,
                            .validated_name = [&] { return client_name(domain); }}));
  }

  bool matches(const Term& term, const DnsName& domain) {
    if (!term.costs_lookup()) return term.matches(request_.client);
    count_term();
    const auto name = expanded(term.domain_spec, domain);
    if (term.mechanism == Mechanism::include) {
      const auto result = has_two_labels(name) ? check(*name) : SpfResult::none;
      if (result == SpfResult::none) throw Stop{SpfResult::permerror};
      return result == SpfResult::pass;
    }
    if (!name) return false;
    void_counted_ = false;
    switch (term.mechanism) {
      case Mechanism::a:
        return any_address(*name, term);
      case Mechanism::mx:
        return any_exchange(*name, term);
      case Mechanism::ptr:
        return client_name_within(*name);
      default: {
        const auto answer = ask(*name, RrType::a);
        if (answer->void_lookup()) count_void();
        return answer->status == DnsStatus::success;
      }
    }
  }

  bool any_address(const DnsName& name, const Term& term) {
    const bool v4 = request_.client.is_v4();
    const auto answer = ask(name, v4 ? RrType::a : RrType::aaaa);
    if (answer->void_lookup()) {
      // Edge case 2: a host of the other family is there.
      const bool other = answer->status == DnsStatus::no_data &&
                         !resolver_.resolve({name, v4 ? RrType::aaaa : RrType::a})->void_lookup();
      if (!other && !void_counted_) {
        void_counted_ = true;
        count_void();
      }
      return false;
    }
    const unsigned prefix = term.prefix(request_.client);
    const auto addresses = answer->addresses();
    return std::any_of(addresses.begin(), addresses.end(), [&](const IpAddress& one) {
      return Network(one, prefix).contains(request_.client);
    });
  }

  bool any_exchange(const DnsName& name, const Term& term) {
    const auto answer = ask(name, RrType::mx);
    if (answer->void_lookup()) count_void();
    const auto exchanges = answer->all<MxRecord>();
    if (exchanges.size() > 10) throw Stop{SpfResult::permerror};
    return std::any_of(exchanges.begin(), exchanges.end(), [&](const auto& mx) {
      return !mx.exchange.is_root() && any_address(mx.exchange, term);
    });
  }

  /// RFC 7208 section 5.5: names of the client that lead back to it.
  std::vector<DnsName> client_names() {
    std::vector<DnsName> names;
    const auto answered =
        resolver_.resolve({*DnsName::parse(request_.client.reverse_name()), RrType::ptr});
    const auto pointers = answered->all<PtrRecord>();
    for (std::size_t i = 0; i < pointers.size() && i < 10; ++i) {
      const DnsName& name = pointers[i].target;
      if (name.is_root()) continue;
      const auto answer =
          resolver_.resolve({name, request_.client.is_v4() ? RrType::a : RrType::aaaa});
      const auto addresses = answer->addresses();
      if (std::find(addresses.begin(), addresses.end(), request_.client) != addresses.end()) {
        names.push_back(name);
      }
    }
    return names;
  }

  static bool within(const DnsName& name, const DnsName& ancestor) {
    return name == ancestor || name.text().ends_with("." + ancestor.text());
  }

  bool client_name_within(const DnsName& target) {
    const auto names = client_names();
    const bool found = std::any_of(names.begin(), names.end(),
                                   [&](const DnsName& name) { return within(name, target); });
    const auto pointers =
        resolver_.resolve({*DnsName::parse(request_.client.reverse_name()), RrType::ptr});
    if (!found && pointers->void_lookup()) count_void();
    return found;
  }

  std::string client_name(const DnsName& domain) {
    const auto names = client_names();
    const auto first = [&](auto predicate) {
      const auto at = std::find_if(names.begin(), names.end(), predicate);
      return at == names.end() ? std::string() : at->text();
    };
    for (const auto& name : {first([&](const DnsName& one) { return one == domain; }),
                             first([&](const DnsName& one) { return within(one, domain); }),
                             first([](const DnsName&) { return true; })}) {
      if (!name.empty()) return name;
    }
    return "unknown";
  }

  const SpfRequest& request_;
  const DomainName sender_domain_;
  Resolver& resolver_;
  std::string local_part_;
  unsigned terms_ = 0;
  unsigned voids_ = 0;
  bool void_counted_ = false;
};

}  // namespace

std::optional<SpfResult> reference_check_host(const SpfRequest& request, const SpfOutcome& outcome,
                                              Resolver& resolver) {
  if (!outcome.domain || outcome.reason.text().find("local-part") != std::string::npos) {
    return std::nullopt;
  }
  // Quotes and octets beyond ASCII are check_mail_from()'s own business.
  for (const char c : request.mail_from.text) {
    if (c == '"' || c == '\\' || (c & '\x80') != 0) return std::nullopt;
  }
  try {
    return Reference(request, *outcome.domain, resolver).check(*outcome.domain);
  } catch (const Stop& stop) {
    return stop.result;
  }
}

}  // namespace authmilter::fuzz
