#include <authmilter/dane.h>

#include <functional>
#include <stdexcept>

#include <doctest/doctest.h>

#include "support/made_certificates.h"

using namespace authmilter;
using made::kDay;
using made::kNow;
using made::tlsa;

namespace {

using Set = std::vector<TlsaRecord>;
using States = std::vector<TlsaState>;

TlsaRecord spoilt(TlsaRecord record) {
  record.data.front() ^= 1U;
  return record;
}
TlsaRecord shortened(TlsaRecord record) {
  record.data.pop_back();
  return record;
}

}  // namespace

TEST_CASE("TLSA records and the chain that was served (RFC 7671, RFC 7672)") {
  using enum TlsaState;
  const made::Chain good;
  const made::Chain other_names({"other.example", {"other.example"}});
  const made::Chain expired({"mx.example.org", {"mx.example.org"}, kNow - 90 * kDay, kNow - kDay});
  const made::Chain early({"mx.example.org", {"mx.example.org"}, kNow + kDay, kNow + 90 * kDay});
  const made::Chain stranger;
  const Key own_key = made::ec_key();
  const Certificate own = made::certificate({}, own_key.get());
  const auto served = good.served();
  const auto whole = good.with_root();
  const std::vector<std::string> alone = {served.front()};
  const X509* server = good.server.get();
  const X509* issuer = good.issuer.get();
  const X509* root = good.root.get();
  const struct {
    const char* why;
    std::vector<std::string> chain;
    Set records;
    DaneState state;
    States records_state;
  } rows[] = {
      {"3 1 1", served, {tlsa(3, 1, 1, server)}, DaneState::verified, {matches}},
      {"3 0 1", served, {tlsa(3, 0, 1, server)}, DaneState::verified, {matches}},
      {"3 1 2", served, {tlsa(3, 1, 2, server)}, DaneState::verified, {matches}},
      {"3 0 0, the whole certificate",
       served,
       {tlsa(3, 0, 0, server)},
       DaneState::verified,
       {matches}},
      {"3 1 0, the whole key", served, {tlsa(3, 1, 0, server)}, DaneState::verified, {matches}},
      {"another's 3 1 1", served, {spoilt(tlsa(3, 1, 1, server))}, DaneState::failed, {differs}},
      {"3 1 1 of the issuer is not of the server",
       served,
       {tlsa(3, 1, 1, issuer)},
       DaneState::failed,
       {differs}},
      // RFC 7672 section 3.1.1: neither name nor dates count for usage 3.
      {"3 1 1, another name",
       other_names.served(),
       {tlsa(3, 1, 1, other_names.server.get())},
       DaneState::verified,
       {matches}},
      {"3 1 1, expired",
       expired.served(),
       {tlsa(3, 1, 1, expired.server.get())},
       DaneState::verified,
       {matches}},
      {"3 1 1, self-signed",
       {der_of(own.get())},
       {tlsa(3, 1, 1, own.get())},
       DaneState::verified,
       {matches}},
      // Both count for usage 2 (section 3.1.2).
      {"2 1 1 of the issuer", served, {tlsa(2, 1, 1, issuer)}, DaneState::verified, {matches}},
      {"2 0 1 of the issuer", served, {tlsa(2, 0, 1, issuer)}, DaneState::verified, {matches}},
      {"2 0 1 of a root that is sent",
       whole,
       {tlsa(2, 0, 1, root)},
       DaneState::verified,
       {matches}},
      {"2 0 1, another name",
       other_names.served(),
       {tlsa(2, 0, 1, other_names.issuer.get())},
       DaneState::failed,
       {name_or_date}},
      {"2 0 1, expired",
       expired.served(),
       {tlsa(2, 0, 1, expired.issuer.get())},
       DaneState::failed,
       {name_or_date}},
      {"2 0 1, not yet valid",
       early.served(),
       {tlsa(2, 0, 1, early.issuer.get())},
       DaneState::failed,
       {name_or_date}},
      // OpenSSL's error 65 is both of these.
      {"2 0 1 of a root that is not sent",
       served,
       {tlsa(2, 0, 1, root)},
       DaneState::failed,
       {issuer_not_sent}},
      {"2 1 1, the server sends its own certificate only",
       alone,
       {tlsa(2, 1, 1, issuer)},
       DaneState::failed,
       {issuer_not_sent}},
      {"2 1 1 of a stranger, the chain is whole",
       whole,
       {tlsa(2, 1, 1, stranger.issuer.get())},
       DaneState::failed,
       {differs}},
      {"2 1 1 of the server's own self-signed certificate",
       {der_of(own.get())},
       {tlsa(2, 1, 1, own.get())},
       DaneState::failed,
       {differs}},
      // RFC 7672 section 3.1.3.
      {"usage 1 is not for SMTP, though it matches",
       served,
       {tlsa(1, 1, 1, server)},
       DaneState::unusable_only,
       {unusable}},
      {"nor is usage 0", served, {tlsa(0, 0, 1, root)}, DaneState::unusable_only, {unusable}},
      {"usage 1 beside a 3 that matches",
       served,
       {tlsa(1, 1, 1, server), tlsa(3, 1, 1, server)},
       DaneState::verified,
       {unusable, matches}},
      {"usage 1 beside a 3 that does not",
       served,
       {tlsa(1, 1, 1, server), spoilt(tlsa(3, 1, 1, server))},
       DaneState::failed,
       {unusable, differs}},
      {"unknown numbers",
       served,
       {TlsaRecord{3, 7, 1, std::vector<std::uint8_t>(32)},
        TlsaRecord{3, 1, 9, std::vector<std::uint8_t>(32)},
        TlsaRecord{255, 1, 1, std::vector<std::uint8_t>(32)}},
       DaneState::unusable_only,
       {unusable, unusable, unusable}},
      {"a digest that was cut, and none",
       served,
       {shortened(tlsa(3, 1, 1, server)), TlsaRecord{3, 1, 1, {}}},
       DaneState::unusable_only,
       {unusable, unusable}},
      {"a whole certificate that is none",
       served,
       {shortened(tlsa(3, 0, 0, server))},
       DaneState::unusable_only,
       {unusable}},
      // RFC 7671 section 9: digest agility.
      {"a right 3 1 1 beside a stale 3 1 2 stops mail",
       served,
       {tlsa(3, 1, 1, server), spoilt(tlsa(3, 1, 2, server))},
       DaneState::failed,
       {weaker_digest, differs}},
      {"a wrong 3 1 1 beside a right 3 1 2 is verified",
       served,
       {spoilt(tlsa(3, 1, 1, server)), tlsa(3, 1, 2, server)},
       DaneState::verified,
       {weaker_digest, matches}},
      {"agility is per selector",
       served,
       {tlsa(3, 1, 1, server), spoilt(tlsa(3, 0, 2, server))},
       DaneState::verified,
       {matches, differs}},
      {"and per usage",
       served,
       {tlsa(3, 1, 1, server), spoilt(tlsa(2, 1, 2, issuer))},
       DaneState::verified,
       {matches, issuer_not_sent}},
      {"a cut 3 1 2 does not count as a stronger one",
       served,
       {tlsa(3, 1, 1, server), shortened(tlsa(3, 1, 2, server))},
       DaneState::verified,
       {matches, unusable}},
      {"a whole key stands beside any digest",
       served,
       {tlsa(3, 1, 0, server), spoilt(tlsa(3, 1, 2, server))},
       DaneState::verified,
       {matches, differs}},
      // RFC 7671 section 8.1: rollover.
      {"the next key is published already",
       served,
       {tlsa(3, 1, 1, server), tlsa(3, 1, 1, stranger.server.get())},
       DaneState::verified,
       {matches, differs}},
      {"nothing was served", {}, {tlsa(3, 1, 1, server)}, DaneState::failed, {differs}},
      {"what was served is not a certificate",
       {"MZ"},
       {tlsa(3, 1, 1, server), tlsa(2, 1, 1, issuer)},
       DaneState::failed,
       {differs, differs}},
  };
  const std::vector<std::string> names = {"example.org", "mx.example.org"};
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const DaneMatch match = match_tlsa(row.chain, row.records, names, kNow);
    CHECK(to_string(match.state) == to_string(row.state));
    REQUIRE(match.records.size() == row.records_state.size());
    for (std::size_t i = 0; i < match.records.size(); ++i) {
      CAPTURE(i);
      CHECK(to_string(match.records[i]) == to_string(row.records_state[i]));
    }
  }
}

TEST_CASE("a set without records is a mistake of the caller") {
  CHECK_THROWS_AS(match_tlsa({}, {}, {}, kNow), std::logic_error);
}
