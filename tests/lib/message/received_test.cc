#include "message/received.h"

#include <doctest/doctest.h>

#include <string>

using namespace authmilter;

namespace {

/// "BY CLIENT HELO"; "-" for what is not there.
std::string read(const std::string& value) {
  const auto received = read_received(value);
  if (!received) return "doubt";
  return received->by.text() + " " + (received->client ? received->client->text() : "-") + " " +
         (received->helo.empty() ? "-" : received->helo);
}

}  // namespace

TEST_CASE("who wrote a Received field, and whom he had it from (RFC 5321 section 4.4, A366)") {
  const struct {
    std::string why;
    std::string value;
    std::string want;
  } rows[] = {
      {"Postfix",
       " from mail.a.example (mx1.a.example [192.0.2.7])\r\n\t(using TLSv1.3 with cipher "
       "X)\r\n\tby "
       "mx.f.example (Postfix) with ESMTPS id 4Xk2\r\n\tfor <x@f.example>; Sun, 29 Nov 2026",
       "mx.f.example 192.0.2.7 mail.a.example"},
      {"Postfix, of a client without a name",
       " from mail.a.example (unknown [192.0.2.7]) by mx.f.example (Postfix)",
       "mx.f.example 192.0.2.7 mail.a.example"},
      {"Postfix, of a client with a certificate",
       " from a.example (a.example [192.0.2.7])\r\n\t(using TLSv1.3 with cipher X (256/256 "
       "bits)\r\n"
       "\t key-exchange X25519)\r\n\t(Client CN \"a.example\", Issuer \"R11\" (verified OK))\r\n"
       "\tby mx.f.example (Postfix) with ESMTPS id 4X\r\n\tfor <x@f.example>; "
       "Sun, 29 Nov 2026 10:00:00 +0000 (UTC)",
       "mx.f.example 192.0.2.7 a.example"},
      {"Exchange's address behind its name",
       " from a.example (a.example [192.0.2.7]) by mx.f.example ([10.0.0.1]) with mapi id 15.20",
       "mx.f.example 192.0.2.7 a.example"},
      {"IPv6", " from a.example (a.example [IPv6:2001:db8::7]) by mx.f.example; x",
       "mx.f.example 2001:db8::7 a.example"},
      {"mapped", " from a.example (a.example [IPv6:::ffff:192.0.2.7]) by mx.f.example; x",
       "mx.f.example 192.0.2.7 a.example"},
      {"Sendmail, which warns",
       " from a.example (b.example [192.0.2.7] (may be forged)) by mx.f.example (8.17/8.17)",
       "mx.f.example 192.0.2.7 a.example"},
      {"Exim", " from b.example ([192.0.2.7] helo=a.example) by mx.f.example with esmtp",
       "mx.f.example 192.0.2.7 a.example"},
      {"Exim, with a port", " from b.example ([192.0.2.7]:2525 helo=a.example) by mx.f.example",
       "mx.f.example 192.0.2.7 a.example"},
      {"Exim, of a client that calls itself by its name",
       " from b.example ([192.0.2.7]) by f.example", "f.example 192.0.2.7 b.example"},
      {"Exim, of a client without a name", " from [192.0.2.7] (helo=a.example) by mx.f.example",
       "mx.f.example 192.0.2.7 a.example"},
      {"case, and a dot behind the name", " FROM a.example (unknown [192.0.2.7]) BY MX.F.example.",
       "mx.f.example 192.0.2.7 a.example"},
      {"a program on the host", " by mx.f.example (Postfix, from userid 1000) id 1; x",
       "mx.f.example - -"},
      {"Sendmail's", " (from root@localhost) by mx.f.example (8.17) id 1; x", "mx.f.example - -"},

      {"the client calls itself an address",
       " from [198.51.100.1] (mx1.a.example [192.0.2.7]) by mx.f.example",
       "mx.f.example 192.0.2.7 [198.51.100.1]"},
      {"and nothing was seen of it", " from [198.51.100.1] by mx.f.example", "doubt"},
      {"what it calls itself, in brackets, in a comment",
       " from b.example (HELO [198.51.100.1]) (192.0.2.7) by mx.f.example", "doubt"},
      {"A366: what it calls itself looks like what was seen of it",
       " from b.example([198.51.100.1]) (mx1.a.example [192.0.2.7]) by mx.f.example", "doubt"},
      {"... with a blank",
       " from b.example (c.example [198.51.100.1]) (unknown [192.0.2.7]) by mx.f.example", "doubt"},
      {"... of a host that writes addresses bare",
       " from b.example ([198.51.100.1]) (HELO b.example) (192.0.2.7) by mx.f.example", "doubt"},
      {"... as Exim's", " from [198.51.100.1] (helo=b.example) (192.0.2.7) by mx.f.example",
       "doubt"},
      {"... with IPv6", " from b.example ([198.51.100.1]) (IPv6:2001:db8::7) by mx.f.example",
       "doubt"},
      {"... up to the writer",
       " from b ([198.51.100.1]) by mx.f.example (mx1.a.example [192.0.2.7]) by mx.f.example",
       "doubt"},
      {"... up to the writer, a word",
       " from b ([198.51.100.1]) by mx.f.example with x by mx.f.example", "doubt"},
      {"... up to the date",
       " from b ([198.51.100.1]) by mx.f.example; x (mx1.a.example [192.0.2.7]) by mx.f.example; x",
       "doubt"},
      {"an answer of ident",
       " from a.example ([198.51.100.1]@b.example [192.0.2.7]) by mx.f.example", "doubt"},
      {"a word that may be the client's", " from a.example (x [192.0.2.7]) by mx.f.example",
       "doubt"},
      {"no address", " from a.example (b.example) by mx.f.example", "doubt"},
      {"an address without brackets", " from a.example (192.0.2.7) by mx.f.example", "doubt"},
      {"not an address", " from a.example (b.example [192.0.2.700]) by mx.f.example", "doubt"},
      {"a second from", " from a.example (b.example [192.0.2.7]) from c.example by f.example",
       "doubt"},
      {"nobody wrote it", " from a.example (b.example [192.0.2.7]); x", "doubt"},
      {"it ends before its writer", " from a.example (b.example [192.0.2.7])", "doubt"},
      {"not a name", " from a.example (b.example [192.0.2.7]) by [192.0.2.1]", "doubt"},
      {"a comment that does not end", " from a.example (b.example [192.0.2.7] by mx.f.example",
       "doubt"},
      {"a quoted string", " from \"a\" (b.example [192.0.2.7]) by mx.f.example", "doubt"},
      {"the date, and then a writer", " from a.example (b.example [192.0.2.7]); by mx.f.example",
       "doubt"},
      {"nothing", "", "doubt"},
      {"four thousand octets", " by mx.f.example (" + std::string(4000, 'x') + ")", "doubt"},
      {"nested without end", " from a.example " + std::string(3000, '('), "doubt"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(read(row.value) == row.want);
  }
}
