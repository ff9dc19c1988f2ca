#include "signature/body_hasher.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "signature/hash_engine.h"

using namespace authmilter;

namespace {

/// A body as the MTA sends it.
std::string with_line_ends(const std::string& body) {
  std::string lines;
  for (std::size_t i = 0; i < body.size(); ++i) {  // bare LF
    if (body[i] == '\n' && (i == 0 || body[i - 1] != '\r')) lines += '\r';
    lines += body[i];
  }
  if (!lines.empty() && !lines.ends_with("\r\n")) lines += "\r\n";
  return lines;
}

/// RFC 6376 sections 3.4.3 and 3.4.4 on a whole body, written down once more.
std::string canonical_body(const std::string& body, Canonicalization canonicalization) {
  std::string lines = with_line_ends(body);
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

std::vector<BodyHash> hash_body(std::string_view body, Canonicalization canonicalization,
                                const std::vector<std::size_t>& cuts,
                                const std::vector<BodyLimit>& limits = {std::nullopt}) {
  BodyHasher hasher(canonicalization, limits);
  std::size_t start = 0;
  for (const std::size_t cut : cuts) {
    hasher.update(body.substr(start, cut - start));
    start = cut;
  }
  hasher.update(body.substr(start));
  return hasher.finish();
}

constexpr Canonicalization kBoth[] = {Canonicalization::simple, Canonicalization::relaxed};

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
      {"A215: a bare CR behind a blank", "a \rb\r\n"},
      {"A215: behind blanks, at the end of a line", "> quoted \t\r\r\nb\r\n"},
      {"A215: a line that begins with a bare CR", "a\r\n\rb\r\n"},
      {"A215: CR CR LF alone on a line", "a\r\n\r\r\nb"},
      {"A215: a bare CR first", "\ra"},
      {"A215: a bare CR and nothing else", "\r"},
      {"A215: between blanks", " \r \r\r\n \r"},
      {"A215: behind empty lines at the end", "a\r\n\r\n\r\n\r"},
      {"A215: before a bare LF", "a\r\r\n\nb\r"},
  };
  for (const auto& row : rows) {
    const std::string why = row.first;
    const std::string& body = row.second;
    CAPTURE(why);
    for (const auto canonicalization : kBoth) {
      CAPTURE(to_string(canonicalization));
      const std::string canonical = canonical_body(body, canonicalization);
      for (std::size_t first = 0; first <= body.size(); ++first) {
        for (std::size_t second = first; second <= body.size(); ++second) {
          const BodyHash hash = hash_body(body, canonicalization, {first, second})[0];
          CHECK(hash.digest == sha256(canonical));
          CHECK(hash.octets == canonical.size());
        }
      }
    }
  }
}

TEST_CASE("a run of bare CRs is as long as it is (A144)") {
  for (const std::size_t length : {1U, 1000U, 1001U, 4095U, 4096U, 4097U, 100'000U}) {
    CAPTURE(length);
    const std::string run(length, '\r');
    for (const auto canonicalization : kBoth) {
      for (const std::string& body : {run, "a " + run + "b\r\n", "a" + run + "\n", run + " \r\n"}) {
        const auto hash = hash_body(body, canonicalization, {length / 2, length})[0];
        CHECK(hash.digest == sha256(canonical_body(body, canonicalization)));
      }
    }
  }
}

TEST_CASE("a body is hashed up to each limit (RFC 6376 section 3.5, l=)") {
  const std::string body = "ab  c\r\n\r\nd\r\n\r\n";
  const std::string canonical = "ab c\r\n\r\nd\r\n";
  for (std::uint64_t limit = 0; limit <= canonical.size() + 2; ++limit) {
    CAPTURE(limit);
    const auto hashed =
        hash_body(body, Canonicalization::relaxed, {3}, {std::nullopt, BodyLimit(limit)});
    CHECK(hashed[0].octets == canonical.size());
    CHECK(hashed[0].digest == sha256(canonical));
    CHECK(hashed[1].digest == sha256(canonical.substr(0, limit)));
    CHECK(hashed[1].octets == std::min<std::uint64_t>(limit, canonical.size()));
  }
}

TEST_CASE("random bodies hash alike in every cut, and as libopendkim has them (A97)") {
  static const DkimLibrary library;
  std::mt19937 random(1);
  const std::vector<std::string> alphabet = {"a",    "b",  " ",    "\t", "\r\n",
                                             "\r\n", "\n", "word", "\r"};
  for (int round = 0; round < 4000; ++round) {
    // Bare CRs in every other one; those libopendkim has otherwise.
    const std::size_t letters = round % 2 == 0 ? alphabet.size() : alphabet.size() - 1;
    std::string body;
    for (auto i = random() % 40; i > 0; --i) body += alphabet[random() % letters];
    for (const auto canonicalization : kBoth) {
      const std::size_t cut = body.empty() ? 0 : random() % body.size();
      const BodyHash hash = hash_body(body, canonicalization, {cut})[0];
      CAPTURE(body);
      REQUIRE(hash.digest == sha256(canonical_body(body, canonicalization)));
      if (round % 2 != 0)
        REQUIRE(hash.digest == library_body_hash(library, canonicalization, with_line_ends(body)));
    }
  }
}

TEST_CASE("an octet that is not canonical is seen wherever it stands in a block") {
  const std::string text =
      "The quick brown fox jumps over the lazy dog and over 64 octets, at last. ";
  for (const std::string odd :
       {"\t", "  ", " \t ", " \r\n", "\t\r\n", "\n", "\r", "\r\n\r\n", " \r"}) {
    CAPTURE(odd);
    for (std::size_t place = 0; place <= 2 * text.size(); ++place) {
      std::string body = text + text;
      body.insert(place, odd);
      body += "\r\n" + text + text;
      for (const auto canonicalization : kBoth) {
        const std::string canonical = canonical_body(body, canonicalization);
        for (const std::size_t cut : {std::size_t{0}, place, place + 1}) {
          const BodyHash hash = hash_body(body, canonicalization, {cut})[0];
          REQUIRE(hash.digest == sha256(canonical));
          REQUIRE(hash.octets == canonical.size());
        }
      }
    }
  }
}

TEST_CASE("a body longer than any buffer is hashed as a whole (A144)") {
  std::mt19937 random(2);
  const std::vector<std::string> alphabet = {
      std::string(5000, 'x'), "a", " ", "\r\n", "\r", "  ", "\n"};
  std::string body;
  for (int i = 0; i < 20'000; ++i) body += alphabet[random() % alphabet.size()];
  for (const auto canonicalization : kBoth) {
    std::vector<std::size_t> cuts;
    for (std::size_t cut = 65535; cut < body.size(); cut += 65535) cuts.push_back(cut);
    const std::string canonical = canonical_body(body, canonicalization);
    const auto hashes = hash_body(body, canonicalization, cuts, {std::nullopt, BodyLimit(100'000)});
    CHECK(hashes[0].digest == sha256(canonical));
    CHECK(hashes[1].digest == sha256(canonical.substr(0, 100'000)));
  }
}
