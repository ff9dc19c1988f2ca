#include "signature/hash_engine.h"

#include <doctest/doctest.h>

#include <string>

#include "dkim/signature.h"
#include "lib/dkim/messages.h"
#include "signature/self_test.h"

using namespace authmilter;
using dkim_test::split;

namespace {

struct Hashed {
  std::optional<Sha256Digest> library;
  Sha256Digest own;
};

/// Both header hashes of the first signature of a message.
Hashed hash_first(const std::string& message) {
  static const DkimLibrary library;
  std::vector<MessageField> fields;
  for (const auto& field : split(message).fields) fields.push_back(make_message_field(field));
  const auto read = read_signature(split(message).fields.front().value);
  REQUIRE_MESSAGE(read.signature, read.outcome.reason.text());
  const SignatureToHash input{&read.signature->header, &fields.front()};
  return {library_header_hashes(library, fields, {input}).front(),
          sha256(canonical_header(fields, input))};
}

std::string signature_field(const std::string& more) {
  return "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s; " + more +
         "; bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; b=AAAA\r\n";
}

}  // namespace

TEST_CASE("libopendkim and canonical_header() hash the same octets (RFC 6376 section 3.7)") {
  const struct {
    std::string why;
    std::string signature;
    std::string header;
  } rows[] = {
      {"simple", signature_field("h=from:to"), "From: a@b.example\r\nTo: c\r\n"},
      {"relaxed", signature_field("c=relaxed; h=from:to"), "From:  a@b.example \r\nTO : c\r\n"},
      {"From before the colon, relaxed (edge case 59)", signature_field("c=relaxed; h=from:to"),
       "From : a\r\nTo: c\r\n"},
      {"a blank before the colon, relaxed (edge case 59)", signature_field("c=relaxed; h=from:to"),
       "From: a\r\nTo : c\r\n"},
      {"From before the colon, simple (edge case 59)", signature_field("c=simple; h=from:to"),
       "From : a\r\nTo: c\r\n"},
      {"a blank before the colon, simple (edge case 59)", signature_field("c=simple; h=from:to"),
       "From: a\r\nTo : c\r\n"},
      {"folds and tabs", signature_field("c=relaxed; h=from:subject"),
       "From: a\r\nSubject:\r\n\t a \t b\r\n  c\t\r\n"},
      {"folds, simple", signature_field("h=from:subject"),
       "From: a\r\nSubject:\r\n\t a \t b\r\n  c\t\r\n"},
      {"empty value (edge case 58)", signature_field("c=relaxed; h=from:foo"),
       "From: a\r\nFoo:\r\nfoo: \r\n"},
      {"blanks in h=", signature_field("c=relaxed; h= From : To\r\n :Subject"),
       "From: a\r\nTo: c\r\nSubject: d\r\n"},
      {"instances from the bottom (edge case 31)", signature_field("h=from:to:to:from"),
       "From: a\r\nTo: 1\r\nTo: 2\r\nTo: 3\r\nFrom: b\r\n"},
      {"names that are not there (edge case 32)", signature_field("h=from:cc:from:reply-to"),
       "From: a\r\nX: b\r\n"},
      {"the same prefix is another name", signature_field("h=from:sub:subject-x"),
       "From: a\r\nSubject: b\r\nSub: c\r\n"},
      {"8 bits", signature_field("c=relaxed; h=from:subject"),
       "From: a\r\nSubject: caf\xe9 \xc3\xbc\r\n"},
      {"no From (A99)", signature_field("h=from:to"), "To: a\r\n"},
      {"a From that nobody can read (A99)", signature_field("h=from"),
       "From: a (b <a@example.com>\r\n"},
      {"an empty From", signature_field("h=from"), "From:\r\n"},
      {"b= before the end",
       "DKIM-Signature: v=1; b=AA\r\n AA ;a=rsa-sha256; d=example.org; s=s;"
       " h=from; bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n",
       "From: a\r\n"},
      {"blanks around every sign but that of b=",
       "DKIM-Signature : v = 1 ; a\t=\trsa-sha256; d= example.org ;s= s;\r\n h = from;"
       " bh\r\n = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= ; b= AA AA ;\r\n",
       "From: a\r\n"},
      {"many fields", signature_field("c=relaxed; h=from:x:x:x:x:x:x:x:x:x:x:x:x"),
       "X: 1\r\nX: 2\r\nX: 3\r\nX: 4\r\nFrom: a\r\n"},
      {"i=, q=, z= and a tag nobody knows",
       signature_field("i=a=40b@x.example.org; q=dns/txt; h=from; z=From:a|To:=20b; zz=q"),
       "From: a\r\n"},
      {"x= and t=", signature_field("h=from; t=1600000000; x=1900000000"), "From: a\r\n"},
      {"a name of 64 octets", signature_field("c=relaxed; h=from:" + std::string(64, 'x')),
       "From: a\r\n" + std::string(64, 'X') + ": b\r\n"},
      {"a long field", signature_field("c=relaxed; h=from:x"),
       "From: a\r\nX: " + std::string(20'000, 'a') + "  " + std::string(20'000, 'b') + "\r\n"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto hashed = hash_first(row.signature + row.header + "\r\n");
    REQUIRE_MESSAGE(hashed.library, std::string(row.why));
    CHECK(*hashed.library == hashed.own);
  }
}

TEST_CASE("what libopendkim does not take as the RFCs mean it is hashed by us") {
  const struct {
    std::string why;
    std::string signature;
    std::string header;
    std::string canonical;  // of the signed fields
  } rows[] = {
      {"a blank behind the b of b= (A80)",
       "DKIM-Signature: v=1; b =AAAA; a=rsa-sha256; d=example.org; s=s; h=from;"
       " bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n",
       "From: a\r\n",
       "From: a\r\n"
       "DKIM-Signature: v=1; b =; a=rsa-sha256; d=example.org; s=s; h=from;"
       " bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
      {"another tag that ends in b (edge case 34)",
       "DKIM-Signature: v=1; zb=1; a=rsa-sha256; d=example.org; s=s; h=from;"
       " bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; b=AA\r\n AA\r\n",
       "From: a\r\n",
       "From: a\r\n"
       "DKIM-Signature: v=1; zb=1; a=rsa-sha256; d=example.org; s=s; h=from;"
       " bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; b="},
      {"U-labels stand as they are (RFC 8616 section 5, edge case 66)",
       "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed; d=b\xc3\xbc"
       "cher.example; s=s; h=from;"
       " bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; b=AAAA\r\n",
       "From: a\r\n",
       "from:a\r\n"
       "dkim-signature:v=1; a=rsa-sha256; c=relaxed; d=b\xc3\xbc"
       "cher.example; s=s; h=from;"
       " bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; b="},
      {"a vertical tab is no blank", signature_field("c=relaxed; h=from:x"),
       "From: a\r\nX: \va\fb\r\n",
       "from:a\r\nx:\va\fb\r\n"
       "dkim-signature:v=1; a=rsa-sha256; d=example.org; s=s; c=relaxed; h=from:x;"
       " bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; b="},
      {"a tab before the colon, relaxed (edge case 59)", signature_field("c=relaxed; h=from:to"),
       "From: a\r\nTo\t: c\r\n",
       "from:a\r\nto:c\r\n"
       "dkim-signature:v=1; a=rsa-sha256; d=example.org; s=s; c=relaxed; h=from:to;"
       " bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; b="},
      {"a tab before the colon, simple (edge case 59)", signature_field("h=from:to"),
       "From \t : a\r\nTo: c\r\n",
       "From \t : a\r\nTo: c\r\n"
       "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s; h=from:to;"
       " bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; b="},
      {"another signature may be signed (edge case 33)",
       signature_field("h=from:dkim-signature:dkim-signature"),
       "From: a\r\nDKIM-Signature: garbage\r\n",
       "From: a\r\nDKIM-Signature: garbage\r\n"
       "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s;"
       " h=from:dkim-signature:dkim-signature;"
       " bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; b="},
      {"l=: the header is hashed before there is a body", signature_field("h=from; l=5"),
       "From: a\r\n",
       "From: a\r\nDKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s; h=from; l=5;"
       " bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; b="},
      {"an old t= (A95)", signature_field("h=from; t=0"), "From: a\r\n",
       "From: a\r\nDKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s; h=from; t=0;"
       " bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; b="},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto hashed = hash_first(row.signature + row.header + "\r\n");
    CHECK_FALSE(hashed.library);
    CHECK(hashed.own == sha256(row.canonical));
  }
}

TEST_CASE("a NUL in a signed field is hashed, not an end (A171)") {
  const std::string nul(1, '\0');
  const auto with = hash_first(signature_field("h=from") + "From: a" + nul + "b\r\n\r\n");
  CHECK_FALSE(with.library);
  CHECK(with.own != hash_first(signature_field("h=from") + "From: a\r\n\r\n").own);
}

TEST_CASE("our canonical forms are libopendkim's, or the program does not begin") {
  CHECK_NOTHROW(compare_with_libopendkim());
}
