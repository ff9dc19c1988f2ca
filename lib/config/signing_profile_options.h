#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "config/formats.h"
#include "config/options.h"

// How mail is signed: settings of [signing] and, for one domain, of [[signing.domain]].
namespace authmilter {

inline constexpr auto kLongestLifetime = std::chrono::milliseconds(std::chrono::hours(24 * 365));

// RFC 6376 section 3.5 reads a lone "relaxed" as "relaxed/simple", others read it as
// "relaxed/relaxed"; so both halves must be written.
inline constexpr Choice<Canonicalizations> kCanonicalizations[] = {
    {"relaxed/relaxed", {Canonicalization::relaxed, Canonicalization::relaxed}},
    {"relaxed/simple", {Canonicalization::relaxed, Canonicalization::simple}},
    {"simple/relaxed", {Canonicalization::simple, Canonicalization::relaxed}},
    {"simple/simple", {Canonicalization::simple, Canonicalization::simple}}};

inline constexpr Choice<SignatureOrder> kOrders[] = {
    {"rsa-on-top", SignatureOrder::rsa_on_top},
    {"ed25519-on-top", SignatureOrder::ed25519_on_top},
    {"as-listed", SignatureOrder::as_listed}};

inline void say(Config& config, const SigningOverrides& said) {
  config.signing.profile = overridden(std::move(config.signing.profile), said);
}

inline void say(SigningDomainConfig& domain, const SigningOverrides& said) {
  const SigningOverrides earlier = domain.overrides ? *domain.overrides : SigningOverrides();
  domain.overrides = std::make_shared<const SigningOverrides>(overridden(earlier, said));
}

inline SigningOverrides said_by(const Config& config) { return said_by(config.signing.profile); }

inline SigningOverrides said_by(const SigningDomainConfig& domain) {
  return domain.overrides ? *domain.overrides : SigningOverrides();
}

template <class T>
constexpr Option<T> kHeaders = {"headers",
                                [](Reader& reader, const Value& value, T& target) {
                                  say(target, {.headers = reader.list(value, parse_signed_header)});
                                },
                                [](const T& source) {
                                  const auto names = said_by(source).headers;
                                  return names ? literal_list(*names) : "";
                                }};

template <class T>
constexpr Option<T> kOversign = {"oversign",
                                 [](Reader& reader, const Value& value, T& target) {
                                   say(target,
                                       {.oversign = reader.list(value, parse_signed_header)});
                                 },
                                 [](const T& source) {
                                   const auto names = said_by(source).oversign;
                                   return names ? literal_list(*names) : "";
                                 }};

template <class T>
constexpr Option<T> kOversignPresent = {
    "oversign_present",
    [](Reader& reader, const Value& value, T& target) {
      say(target, {.oversign_present = reader.list(value, parse_signed_header)});
    },
    [](const T& source) {
      const auto names = said_by(source).oversign_present;
      return names ? literal_list(*names) : "";
    }};

template <class T>
constexpr Option<T> kLifetime = {
    "lifetime",
    [](Reader& reader, const Value& value, T& target) {
      using namespace std::chrono_literals;
      auto lifetime = reader.duration(value, 0ms, kLongestLifetime);
      // x= counts seconds: less would be none, and so without end.
      if (lifetime && *lifetime > 0ms && *lifetime < 1s) {
        reader.refuse(value, "must be 0s, which is without end, or a second at least");
        return;
      }
      say(target, {.lifetime = lifetime});
    },
    [](const T& source) {
      const auto lifetime = said_by(source).lifetime;
      return lifetime ? literal(print_duration(*lifetime)) : "";
    }};

template <class T>
constexpr Option<T> kCanonicalization = {
    "canonicalization",
    [](Reader& reader, const Value& value, T& target) {
      say(target,
          {.canonicalization = reader.choice<Canonicalizations>(value, kCanonicalizations)});
    },
    [](const T& source) {
      const auto both = said_by(source).canonicalization;
      return both ? literal_choice<Canonicalizations>(*both, kCanonicalizations) : "";
    }};

template <class T>
constexpr Option<T> kOrder = {"order",
                              [](Reader& reader, const Value& value, T& target) {
                                say(target,
                                    {.order = reader.choice<SignatureOrder>(value, kOrders)});
                              },
                              [](const T& source) {
                                const auto order = said_by(source).order;
                                return order ? literal_choice<SignatureOrder>(*order, kOrders) : "";
                              }};

template <class T>
constexpr Option<T> kAlso = {"also",
                             [](Reader& reader, const Value& value, T& target) {
                               say(target, {.also = reader.list(value, parse_domain)});
                             },
                             [](const T& source) {
                               const auto domains = said_by(source).also;
                               return domains ? literal_list(*domains) : "";
                             }};

}  // namespace authmilter
