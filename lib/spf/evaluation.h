#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/ip_address.h>
#include <authmilter/resolver.h>
#include <authmilter/spf.h>

#include "spf/client_names.h"
#include "spf/timed_resolver.h"
#include "spf/trace.h"

namespace authmilter::spf {

/// The <sender> of check_host() (RFC 7208 section 4.1), checked.
struct Sender {
  std::string local_part;  // without quotes
  DomainName domain;       // also the first <domain>
};

/// What a lookup of a token gives to the walk.
struct TokenAnswer {
  enum class Status : std::uint8_t { found, nothing, stop } status = Status::nothing;
  std::vector<IpAddress> addresses;    // of the client's family
  std::vector<std::string> exchanges;  // tokens
};

/// One evaluation of check_host() (RFC 7208 section 4), seen from the walk: libspf2 goes through
/// the terms of a record that we wrote, in which every name is a token of ours ("7.t"); what the
/// tokens mean is here. Here are also the DNS, all limits, the macros and the explanation. For one
/// thread; borrows everything it is given.
class Evaluation {
 public:
  Evaluation(const SpfRequest& request, const Sender& sender, Resolver& resolver,
             const SpfLimits& limits);

  // For the walk.

  const IpAddress& client() const { return request_.client; }
  /// Stands for the domain under test.
  static constexpr std::string_view kFirstToken = "0.t";
  /// The record behind `token`, written for libspf2; nothing: the walk must stop.
  std::optional<std::string> record_text(std::string_view token);
  TokenAnswer lookup(std::string_view token);
  /// Keeps an exception while the walk unwinds through C; outcome() throws it again.
  void carry(std::exception_ptr exception) noexcept;

  /// What the walk's result means. Once, after the walk. `walked` is what libspf2 concluded;
  /// nothing when it did not come to an end.
  SpfOutcome outcome(std::optional<SpfResult> walked);

 private:
  struct Token {
    enum class Kind : std::uint8_t { domain, term, redirect, end, exchange } kind;
    const OpenRecord* record = nullptr;
    std::size_t term = 0;
    std::optional<DnsName> exchange;
  };
  struct Failure {
    SpfResult result;
    Reason<SpfReason> reason;
    std::optional<FailedLookup> lookup;  // when the DNS is the reason
  };

  std::string add_token(Token token);
  const Token* find_token(std::string_view text) const;
  std::string write_record(const OpenRecord& open);

  const OpenRecord* open_record(const Token& token);
  std::shared_ptr<const Record> select_record(const DnsName& domain, SpfReason missing);
  std::optional<DnsName> expand_target(const OpenRecord& open,
                                       const std::optional<MacroString>& domain_spec);
  bool may_expand(const MacroString& text) const;
  MacroValues values_in(const OpenRecord& open);

  TokenAnswer try_term(const OpenRecord& open, std::size_t index);
  TokenAnswer find_addresses(const DnsName& name, const Term& term);
  TokenAnswer find_exchanges(const DnsName& name, const Token& token);
  TokenAnswer exists(const DnsName& name);
  TokenAnswer yes() const;

  bool count_term();
  bool count_void();
  TokenAnswer stop() const { return {TokenAnswer::Status::stop, {}, {}}; }
  void fail(SpfResult result, SpfReason reason, std::string_view detail = {});
  void fail(Failure failure);
  void fail_by_dns(const DnsQuestion& question, const DnsAnswer& answer);
  std::string explain(const OpenRecord& open);

  const SpfRequest& request_;
  const Sender& sender_;
  const SpfLimits limits_;
  TimedResolver dns_;
  ClientNames client_names_;
  const bool ascii_local_part_;

  std::vector<std::unique_ptr<const OpenRecord>> records_;
  std::vector<Token> tokens_;
  Trace trace_;
  unsigned lookups_ = 0;
  unsigned void_lookups_ = 0;
  bool term_was_void_ = false;
  std::optional<Failure> failure_;
  std::exception_ptr exception_;
};

}  // namespace authmilter::spf
