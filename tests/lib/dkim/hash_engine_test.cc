#include "dkim/hash_engine.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "lib/dkim/messages.h"

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
  REQUIRE_MESSAGE(read.signature, read.outcome.reason);
  const SignatureToHash input{&*read.signature, &fields.front()};
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

namespace {

/// RFC 6376 sections 3.4.3 and 3.4.4 on a whole body, written down once more.
std::string canonical_body(std::string body, Canonicalization canonicalization) {
  std::string lines;
  for (std::size_t i = 0; i < body.size(); ++i) {  // bare LF
    if (body[i] == '\n' && (i == 0 || body[i - 1] != '\r')) lines += '\r';
    lines += body[i];
  }
  if (!lines.empty() && !lines.ends_with("\r\n")) lines += "\r\n";
  if (canonicalization == Canonicalization::relaxed) {
    std::string out;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (lines[i] == '\t') lines[i] = ' ';
      if (lines[i] == ' ' && out.ends_with(' ')) continue;
      if (lines.compare(i, 2, "\r\n") == 0 && out.ends_with(' ')) out.pop_back();
      out += lines[i];
    }
    lines = out;
  }
  while (lines.ends_with("\r\n\r\n")) lines.resize(lines.size() - 2);
  if (lines == "\r\n" && canonicalization == Canonicalization::relaxed) lines.clear();
  if (lines.empty() && canonicalization == Canonicalization::simple) lines = "\r\n";
  return lines;
}

struct HashedBody {
  std::vector<BodyHash> hashes;
  bool exact;
};

HashedBody hash_body(std::string_view body, Canonicalization canonicalization,
                     const std::vector<std::size_t>& cuts, std::vector<BodyLimit> limits = {{}}) {
  static const DkimLibrary library;
  BodyHasher hasher(library, canonicalization, limits);
  std::size_t start = 0;
  for (const std::size_t cut : cuts) {
    hasher.update(body.substr(start, cut - start));
    start = cut;
  }
  hasher.update(body.substr(start));
  const auto hashes = hasher.finish();
  REQUIRE(hashes);
  return {*hashes, hasher.exact()};
}

}  // namespace

TEST_CASE("the hash of a body is that of its canonical form, wherever it is cut (A97)") {
  const std::string nul(1, '\0');
  const std::pair<const char*, std::string> rows[] = {
      {"no body (edge case 54)", ""},
      {"one empty line", "\r\n"},
      {"empty lines", "\r\n\r\n\r\n"},
      {"text", "Hi.\r\n\r\nJoe.\r\n"},
      {"empty lines at the end", "a\r\n\r\n\r\n"},
      {"blanks at the ends of lines (edge case 55)", "a \t\r\n \t b\tc\r\n\t\r\n"},
      {"lines of blanks at the end", "a\r\n \r\n\t\r\n\r\n"},
      {"blanks only", " \t \r\n"},
      {"no final CRLF (edge case 57)", "a\r\nb"},
      {"a blank and no final CRLF", "a\r\nb "},
      {"bare LF", "a\nb\n\nc\n\n"},
      {"bare LF first", "\na"},
      {"bare LF and CRLF", "a\nb\r\nc\n"},
      {"NUL and 8 bits", "a" + nul + "b\xff\r\n\v\f\r\n"},
      {"a bare CR in a line", "a\rb\r\n"},
      {"bare CRs", "a\r\rb\r\r\r\r\nc\r\n"},
      {"a bare CR at the end", "a\r\nb\r"},
      {"CR CR LF", "a\r\r\n\r\n"},
      {"a bare CR before a blank", "a\r b\r\t\r\n"},
  };
  for (const auto& row : rows) {
    const std::string why = row.first;
    const std::string& body = row.second;
    CAPTURE(why);
    for (const auto canonicalization : {Canonicalization::simple, Canonicalization::relaxed}) {
      CAPTURE(to_string(canonicalization));
      const std::string canonical = canonical_body(body, canonicalization);
      for (std::size_t first = 0; first <= body.size(); ++first) {
        for (std::size_t second = first; second <= body.size(); ++second) {
          const auto hashed = hash_body(body, canonicalization, {first, second});
          CHECK(hashed.exact);
          CHECK(hashed.hashes[0].digest == sha256(canonical));
          CHECK(hashed.hashes[0].octets == canonical.size());
        }
      }
    }
  }
}

TEST_CASE("a bare CR that cannot be hashed exactly is reported") {
  const struct {
    std::string why;
    std::string body;
    Canonicalization canonicalization;
    bool exact;
  } rows[] = {
      {"simple: at the beginning of a line", "a\r\n\rb\r\n", Canonicalization::simple, false},
      {"simple: CR CR LF alone on a line", "a\r\n\r\r\n", Canonicalization::simple, false},
      {"relaxed: behind a blank", "a \rb\r\n", Canonicalization::relaxed, false},
      {"relaxed: at the beginning of a line", "a\r\n\rb\r\n", Canonicalization::relaxed, true},
      {"simple: behind a blank", "a \rb\r\n", Canonicalization::simple, true},
      {"a run beyond reason", "a" + std::string(1001, '\r') + "b\r\n", Canonicalization::simple,
       false},
      {"a long run", "a" + std::string(1000, '\r') + "b\r\n", Canonicalization::simple, true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    for (std::size_t cut = 0; cut <= row.body.size(); cut += 1 + row.body.size() / 20)
      CHECK(hash_body(row.body, row.canonicalization, {cut}).exact == row.exact);
  }
}

TEST_CASE("a body is hashed up to each limit (RFC 6376 section 3.5, l=)") {
  const std::string body = "ab  c\r\n\r\nd\r\n\r\n";
  const std::string canonical = "ab c\r\n\r\nd\r\n";
  for (std::uint64_t limit = 0; limit <= canonical.size() + 2; ++limit) {
    CAPTURE(limit);
    const auto hashed =
        hash_body(body, Canonicalization::relaxed, {3}, {std::nullopt, BodyLimit(limit)}).hashes;
    CHECK(hashed[0].octets == canonical.size());
    CHECK(hashed[0].digest == sha256(canonical));
    if (limit <= canonical.size())
      CHECK(hashed[1].digest == sha256(canonical.substr(0, limit)));
    else
      CHECK(hashed[1].octets == 0);
  }
}

TEST_CASE("random bodies hash alike in every cut (A97)") {
  std::mt19937 random(1);
  const std::string_view alphabet[] = {"a", "b", " ", "\t", "\r\n", "\r\n", "\n", "word"};
  for (int round = 0; round < 2000; ++round) {
    std::string body;
    for (auto i = random() % 40; i > 0; --i) body += alphabet[random() % 8];
    for (const auto canonicalization : {Canonicalization::simple, Canonicalization::relaxed}) {
      const std::size_t cut = body.empty() ? 0 : random() % body.size();
      const auto hashed = hash_body(body, canonicalization, {cut});
      CAPTURE(body);
      REQUIRE(hashed.hashes[0].digest == sha256(canonical_body(body, canonicalization)));
    }
  }
}
