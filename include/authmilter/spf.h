#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/ip_address.h>
#include <authmilter/message.h>
#include <authmilter/reason.h>
#include <authmilter/resolver.h>

namespace authmilter {

/// RFC 7208 section 2.6; the enumerators are the words of RFC 8601.
enum class SpfResult : std::uint8_t { none, neutral, pass, fail, softfail, temperror, permerror };
std::string_view to_string(SpfResult result);

enum class SpfIdentity : std::uint8_t { mailfrom, helo };
std::string_view to_string(SpfIdentity identity);

/// Why check_host() came to its result; of a temperror by the DNS its fault stands instead.
enum class SpfReason : std::uint8_t {
  none,
  matched,            // a term did; see SpfOutcome::mechanism
  by_default,         // none did (RFC 7208 section 4.7)
  no_client_address,  // and the rest not checked: there is nothing to check
  no_helo,
  invalid_helo,
  invalid_local_part,
  invalid_domain,
  no_record,
  include_without_record,
  redirect_without_record,
  multiple_records,
  syntax_error,
  record_too_long,
  term_too_long,
  too_many_terms,
  too_many_lookups,
  too_many_void_lookups,
  too_many_mx,
  local_part_too_long,
  internal_error,
};
std::string_view to_string(SpfReason reason);

/// One term that was tried, for explanations.
struct SpfStep {
  std::string domain;   // of the record
  std::string term;     // as published, cut and escaped for printing
  std::string outcome;  // "match", "no match", "dns error" ...
};

struct SpfOutcome {
  SpfIdentity identity = SpfIdentity::mailfrom;
  std::optional<DomainName> domain;  // that was checked; nothing when there was none to check
  bool null_reverse_path =
      false;  // mailfrom was <>: the identity is postmaster@HELO (RFC 7208 section 2.4)
  SpfResult result = SpfResult::none;
  Reason<SpfReason> reason;
  std::optional<FailedLookup> undecided_by;  // of a temperror, if the DNS is the reason
  std::string mechanism;  // the term that matched, as published ("ip4:192.0.2.0/24"), or "default"
  std::string explanation;    // exp= text of a fail, printable ASCII; empty when there is none
  unsigned lookups = 0;       // terms that cost a lookup (RFC 7208 section 4.6.4)
  unsigned void_lookups = 0;  // RFC 7208 section 4.6.4
  std::vector<SpfStep> steps;
};

/// RFC 7208 section 4.6.4, each with its number there. Over a limit is a permerror, over the time a
/// temperror.
struct SpfLimits {
  unsigned lookup_terms = 10;
  unsigned void_lookups = 2;
  unsigned mx_exchanges = 10;
  unsigned ptr_names = 10;
  std::chrono::seconds time{20};
};

struct SpfRequest {
  IpAddress client;
  Helo helo;
  ReversePath mail_from;
  std::string receiver = "unknown";  // %{r}
  std::int64_t now = 0;              // %{t}, seconds since 1970
};

/// check_host() for the MAIL FROM identity, or postmaster@HELO for the null reverse-path (RFC 7208
/// section 2.4). Looks names up, so it blocks. Thread-safe if `resolver` is.
SpfOutcome check_mail_from(const SpfRequest& request, Resolver& resolver,
                           const SpfLimits& limits = {});
/// check_host() for the HELO identity (RFC 7208 section 2.3).
SpfOutcome check_helo(const SpfRequest& request, Resolver& resolver, const SpfLimits& limits = {});

/// Asks in advance what check_host() for `domain` will ask, one question after the other as their
/// answers come, so that a record which leads to others is not first followed when its result is
/// waited for. Follows no macros and no names of the client, and asks no more than a record of the
/// usual kind needs. For one thread at a time.
class SpfPrefetch {
 public:
  SpfPrefetch(const IpAddress& client, const DomainName& domain, const SpfLimits& limits)
      : client_(client), domain_(domain), limits_(limits) {}

  /// Goes on as far as there are answers. Never blocks; costs next to nothing while the answer that
  /// it waits for is not there, and once it has come to an end.
  void advance(Resolver& resolver);

  /// How many questions it asks at most.
  static unsigned most_questions(const SpfLimits& limits) { return limits.lookup_terms + 1; }

 private:
  const IpAddress client_;
  const DomainName domain_;
  const SpfLimits limits_;
  std::optional<DnsQuestion> waits_for_;
  bool ended_ = false;
};

}  // namespace authmilter
