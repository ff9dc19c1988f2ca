#include <authmilter/dane.h>
#include <authmilter/tls_probe.h>

#include "base/words.h"

namespace authmilter {
namespace {

constexpr Word<ServerProtocol> kProtocols[] = {
    {ServerProtocol::smtp, "smtp"},
    {ServerProtocol::submission, "submission"},
    {ServerProtocol::submissions, "submissions"},
    {ServerProtocol::imap, "imap"},
    {ServerProtocol::imaps, "imaps"},
    {ServerProtocol::pop3, "pop3"},
    {ServerProtocol::pop3s, "pop3s"},
    {ServerProtocol::https, "https"},
};
static_assert(is_complete(kProtocols, ServerProtocol::https));

constexpr Word<TlsVersion> kVersions[] = {
    {TlsVersion::ssl_3, "SSLv3"},     {TlsVersion::tls_1_0, "TLS 1.0"},
    {TlsVersion::tls_1_1, "TLS 1.1"}, {TlsVersion::tls_1_2, "TLS 1.2"},
    {TlsVersion::tls_1_3, "TLS 1.3"},
};
static_assert(is_complete(kVersions, TlsVersion::tls_1_3));

constexpr Word<OfferState> kOfferStates[] = {
    {OfferState::offered, "offered"},
    {OfferState::refused, "refused"},
    {OfferState::not_probed, "not-probed"},
    {OfferState::unanswered, "unanswered"},
};
static_assert(is_complete(kOfferStates, OfferState::unanswered));

constexpr Word<CipherKind> kCipherKinds[] = {
    {CipherKind::null, "null"},
    {CipherKind::anonymous, "anonymous"},
    {CipherKind::export_grade, "export"},
    {CipherKind::rc4, "rc4"},
    {CipherKind::triple_des, "3des"},
    {CipherKind::cbc_sha1, "cbc-sha1"},
    {CipherKind::no_forward_secrecy, "no-forward-secrecy"},
};
static_assert(is_complete(kCipherKinds, CipherKind::no_forward_secrecy));

constexpr Word<ChainTrust> kTrusts[] = {
    {ChainTrust::trusted, "trusted"},
    {ChainTrust::untrusted, "untrusted"},
    {ChainTrust::not_checked, "not-checked"},
};
static_assert(is_complete(kTrusts, ChainTrust::not_checked));

constexpr Word<TlsaState> kTlsaStates[] = {
    {TlsaState::matches, "matches"},
    {TlsaState::differs, "differs"},
    {TlsaState::issuer_not_sent, "issuer-not-sent"},
    {TlsaState::name_or_date, "name-or-date"},
    {TlsaState::weaker_digest, "weaker-digest"},
    {TlsaState::unusable, "unusable"},
};
static_assert(is_complete(kTlsaStates, TlsaState::unusable));

constexpr Word<DaneState> kDaneStates[] = {
    {DaneState::verified, "verified"},
    {DaneState::failed, "failed"},
    {DaneState::unusable_only, "unusable-only"},
};
static_assert(is_complete(kDaneStates, DaneState::unusable_only));

}  // namespace

std::string_view to_string(ServerProtocol protocol) { return word_of(kProtocols, protocol); }
std::string_view to_string(TlsVersion version) { return word_of(kVersions, version); }
std::string_view to_string(OfferState state) { return word_of(kOfferStates, state); }
std::string_view to_string(CipherKind kind) { return word_of(kCipherKinds, kind); }
std::string_view to_string(ChainTrust trust) { return word_of(kTrusts, trust); }
std::string_view to_string(TlsaState state) { return word_of(kTlsaStates, state); }
std::string_view to_string(DaneState state) { return word_of(kDaneStates, state); }

std::uint16_t usual_port(ServerProtocol protocol) {
  switch (protocol) {
    case ServerProtocol::smtp:
      return 25;
    case ServerProtocol::submission:
      return 587;
    case ServerProtocol::submissions:
      return 465;
    case ServerProtocol::imap:
      return 143;
    case ServerProtocol::imaps:
      return 993;
    case ServerProtocol::pop3:
      return 110;
    case ServerProtocol::pop3s:
      return 995;
    case ServerProtocol::https:
      return 443;
  }
  return 0;
}

bool begins_with_tls(ServerProtocol protocol) {
  switch (protocol) {
    case ServerProtocol::smtp:
    case ServerProtocol::submission:
    case ServerProtocol::imap:
    case ServerProtocol::pop3:
      return false;
    case ServerProtocol::submissions:
    case ServerProtocol::imaps:
    case ServerProtocol::pop3s:
    case ServerProtocol::https:
      return true;
  }
  return false;
}

}  // namespace authmilter
