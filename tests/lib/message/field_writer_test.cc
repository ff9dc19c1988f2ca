#include "message/field_writer.h"

#include <doctest/doctest.h>

#include <string>

using authmilter::FieldWriter;

namespace {

constexpr FieldWriter::Lines kShort{"\r\n\t", 20};

}  // namespace

TEST_CASE("a value is folded where the next word does not fit (RFC 5322 section 2.2.3)") {
  FieldWriter writer(kShort, "Field:");
  SUBCASE("the first word has a blank in front") {
    writer.word("v=1;");
    CHECK(writer.take() == " v=1;");
  }
  SUBCASE("up to the last column, and not beyond") {
    writer.word("123456;");  // 14 columns
    writer.word("12345");    // 20
    writer.word("1");
    CHECK(writer.take() == " 123456; 12345\r\n\t1");
  }
  SUBCASE("a tab takes eight columns") {
    writer.new_line();
    writer.word("12345678");  // 16, and no blank at the begin of a line
    writer.word("123");       // 20
    writer.word("4");
    CHECK(writer.take() == "\r\n\t12345678 123\r\n\t4");
  }
  SUBCASE("a word longer than a line stands alone on one") {
    writer.word(std::string(30, 'x'));
    writer.word("y");
    CHECK(writer.take() == "\r\n\t" + std::string(30, 'x') + "\r\n\ty");
  }
  SUBCASE("pieces have no blanks between them") {
    writer.word("h=from:");  // 14
    writer.piece("sender");  // 20
    writer.piece(":to");
    CHECK(writer.take() == " h=from:sender\r\n\t:to");
  }
  SUBCASE("base64 is split anywhere") {
    writer.word("b=");  // 9
    writer.split_anywhere("AAAAAAAAAAABBBBBBBBBBBBC");
    CHECK(writer.take() == " b=AAAAAAAAAAA\r\n\tBBBBBBBBBBBB\r\n\tC");
  }
}

TEST_CASE("a line that begins with a blank already, and a value that goes on") {
  FieldWriter results({"\n\t", 20}, "Results: ");
  results.word("mx");
  results.append(";");
  results.new_line();
  results.word("none");
  CHECK(results.take() == "mx;\n\tnone");

  FieldWriter more(kShort, "Field:", " v=1;\r\n\tb=");
  more.split_anywhere("0123456789ABC");
  CHECK(more.take() == " v=1;\r\n\tb=0123456789\r\n\tABC");
}
