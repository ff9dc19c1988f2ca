#pragma once

namespace authmilter {

/// A domain in which everything is in order, for tables whose rows break one thing.
constexpr const char* kGoodZone = R"(
$ORIGIN example.org.
$TTL 3600
@ IN SOA ns1.example.org. hostmaster.example.org. 1 7200 3600 1209600 3600
@ NS ns1.example.org.
ns1 A 192.0.2.53
@ DNSKEY 257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==
@ DS 55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17
@ A 192.0.2.80
@ MX 10 mx1
@ MX 20 mx2
@ TXT "v=spf1 mx include:_spf.example.org -all"
_spf TXT "v=spf1 ip4:198.51.100.0/28 ip6:2001:db8:5::/64 ~all"
mx1 A 192.0.2.1
mx1 AAAA 2001:db8::1
mx2 A 192.0.2.2
mx2 AAAA 2001:db8::2
_25._tcp.mx1 TLSA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971
_25._tcp.mx2 TLSA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971
s1._domainkey TXT "v=DKIM1; k=rsa; p=" "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA32xaHP1HT1Hz0czdYXPQ6ccO2lcjeLdzFPdttQAnanGqlYE9sozWqokpqsaP672dOI8LQpfmUninqfXLjyD6q/ep76IjaAKl+ne/AAfD4eUI2e+27VDwAKlo51az2elMpJQ/wAqDUxOiMkrusdiewe6VgrZH" "AjtQQGP0LV8WLJ8OmIBAsuZ0FZhPRW2D5OAPW1KOtX57VLgHmtAfM+fDSBMV1Nrfmo387LJ1mMB7v5k2xi+EIz409XpjPiQiIfP5ET915eVkpE07E1TGhuR/mzAx1UU/KVZFJHM+9I0PhBovHZNhFnnV2n1wQID5LVkCzGR/bTagn4iyAIlqA9EYQQIDAQAB"
_dmarc TXT "v=DMARC1; p=reject; rua=mailto:dmarc@example.org"
_mta-sts TXT "v=STSv1; id=20261129T000000"
_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls@example.org"
1.2.0.192.in-addr.arpa. PTR mx1.example.org.
2.2.0.192.in-addr.arpa. PTR mx2.example.org.
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR mx1.example.org.
2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR mx2.example.org.
)";

/// A key of 1,024 bits, and one of Ed25519.
constexpr const char* kShortKey =
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDPI5TCqyS3QE3YLV1ywT1quHESxgxjswsXf6BSUTmS"
    "bpP7Mkx7d2kbckNv57R7+YwUYzPvd/4wwWmT0UydM5dSlSkASS2D5QqMeVM99vwZE1vXsIujwUSE711p"
    "TLmjeKzKCQBYcM6PpEps2L0aefkPmYKe1JtC9gagSc6Bs5fbgwIDAQAB";
constexpr const char* kEd25519Key = "LhZ0rDGmwI+qgTeo44sJX+1N8N6XArBCDxXbe/uXc5Y=";

/// A domain that neither sends nor takes mail, and says so.
constexpr const char* kParkedZone = R"(
$ORIGIN parked.example.
$TTL 3600
@ IN SOA ns1.example.org. hostmaster.example.org. 1 7200 3600 1209600 3600
@ DNSKEY 257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==
@ DS 55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17
@ MX 0 .
@ TXT "v=spf1 -all"
_dmarc TXT "v=DMARC1; p=reject"
)";

}  // namespace authmilter
