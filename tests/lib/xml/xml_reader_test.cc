#include "xml/xml_reader.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace authmilter;

namespace {

/// Hands out so many octets at a time.
class Pieces : public OctetSource {
 public:
  Pieces(std::string_view text, std::size_t size) : text_(text), size_(size) {}
  Result<std::string_view> next() override {
    const std::string_view piece = text_.substr(0, size_);
    text_.remove_prefix(piece.size());
    return piece;
  }

 private:
  std::string_view text_;
  std::size_t size_;
};

/// The events of a document: `<a>` `text` `</a>`, and what ends it.
std::string events(OctetSource& source) {
  XmlReader reader(source);
  std::string out;
  for (;;) {
    const auto event = reader.next();
    if (!event) return out + "! " + event.error().message;
    switch (*event) {
      case XmlReader::Event::start:
        out += "<" + std::string(reader.name()) + ">";
        break;
      case XmlReader::Event::text:
        out += reader.text();
        break;
      case XmlReader::Event::end:
        out += "</" + std::string(reader.name()) + ">";
        break;
      case XmlReader::Event::finished:
        return out + (reader.mended() ? " mended" : "");
    }
  }
}

}  // namespace

TEST_CASE("XML as events") {
  using namespace std::string_view_literals;
  const struct {
    const char* why;
    std::string_view xml;
    std::string_view events;
  } rows[] = {
      {"elements and text", "<a><b>x</b></a>", "<a><b>x</b></a>"},
      {"an empty element has an end", "<a><b/></a>", "<a><b></b></a>"},
      {"an empty root", "<a/>", "<a></a>"},
      {"a prefix is not part of the name", "<r:a xmlns:r='urn:x'>1</r:a>", "<a>1</a>"},
      {"XML's own references", "<a>&lt;&amp;&gt;&#65;&#x42;&quot;&apos;</a>", "<a><&>AB\"'</a>"},
      {"CDATA is text, whatever is in it", "<a><![CDATA[<b> & ]] > ]]></a>", "<a><b> & ]] > </a>"},
      {"comments say nothing, and may hold tags", "<a>1<!-- <b> & don't -->2</a>", "<a>12</a>"},
      {"nor do instructions", "<?xml version='1.0'?><?x <y> ?><a>1</a>", "<a>1</a>"},
      {"attributes are left out", "<a b='1' c=\"it's > 2\">x</a>", "<a>x</a>"},
      {"a byte order mark", "\xef\xbb\xbf<a>1</a>", "<a>1</a>"},
      {"a line before the declaration", "\r\n<?xml version='1.0'?><a>1</a>", "<a>1</a>"},
      {"what stands behind the root", "<a>1</a>\n<a>2</a> & <!DOCTYPE x>\0\0"sv, "<a>1</a>"},

      // What there is in published reports.
      {"an address in brackets", "<a><bad-xml@bad-xml.net></a>",
       "<a><bad-xml@bad-xml.net></a> mended"},
      {"a bracket in a name", "<a>bad<xml.net</a>", "<a>bad<xml.net</a> mended"},
      {"a lonely bracket", "<a>1 < 2 <</a>", "<a>1 < 2 <</a> mended"},
      {"a bracket before a slash", "<a></ 1></a>", "<a></ 1></a> mended"},
      {"an ampersand", "<a>Me & You, AT&T; x&</a>", "<a>Me & You, AT&T; x&</a> mended"},
      {"of an attribute too", "<a href='?a=1&b=2'>x</a>", "<a>x</a> mended"},
      {"an octet that is not UTF-8", "<a>bad_byte\xff</a>", "<a>bad_byte\xef\xbf\xbd</a> mended"},
      {"an overlong one", "<a>\xc0\xbcscript></a>",
       "<a>\xef\xbf\xbd\xef\xbf\xbdscript></a> mended"},
      {"a surrogate", "<a>\xed\xa0\x80</a>", "<a>\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd</a> mended"},
      {"a control character", "<a>1\x01\x1b[0m</a>", "<a>1  [0m</a> mended"},
      {"also by its number", "<a>&#0;&#x1F;&#99999999;</a>",
       "<a>\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd</a> mended"},

      // Encodings.
      {"UTF-8 stays", "<a>Zażółć \xf0\x9f\x98\x80</a>", "<a>Zażółć \xf0\x9f\x98\x80</a>"},
      {"ISO 8859-1", "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", "<a>\xc3\xa9</a>"},
      {"UTF-16, little", "\xff\xfe<\0a\0>\0\x42\x01<\0/\0a\0>\0"sv, "<a>\xc5\x82</a>"},
      {"UTF-16, big", "\xfe\xff\0<\0a\0>\x01\x42\0<\0/\0a\0>"sv, "<a>\xc5\x82</a>"},
      {"a declaration of UTF-16 that is not true",
       "<?xml version='1.0' encoding='UTF-16'?><a>1</a>", "<a>1</a>"},
      {"an encoding that hides tags is not used",
       "<?xml version='1.0' encoding='UTF-7'?><a>+ADw-b+AD4-</a>", "<a>+ADw-b+AD4-</a>"},

      // What is refused.
      {"a document type", "<!DOCTYPE a><a/>", "! it has a document type (DTD)"},
      {"a billion laughs",
       "<!DOCTYPE l [<!ENTITY l 'lol'><!ENTITY m '&l;&l;&l;&l;&l;&l;&l;&l;&l;&l;'>]><l>&m;</l>",
       "! it has a document type (DTD)"},
      {"a file of this host",
       "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
       "! it has a document type (DTD)"},
      {"in the middle too", "<a><!DOCTYPE a></a>", "<a>! it has a document type (DTD)"},
      {"an entity that nobody declared is text", "<a>&x;</a>", "<a>&x;</a> mended"},
      {"the wrong end", "<a><b></a></b>", "<a><b>! it is not well-formed XML (line 1)"},
      {"no end", "<a><b>1</b>", "<a><b>1</b>! its XML ends before its root element does"},
      {"nothing", "", "! it is not well-formed XML (line 1)"},
      {"no XML", "hello", "! it is not well-formed XML (line 1)"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{2}, std::size_t{7}, row.xml.size() + 1}) {
      CAPTURE(size);
      Pieces pieces(row.xml, size);
      const std::string found = events(pieces);
      // How much of it comes before the error depends on the library's pieces.
      if (row.events.find("! ") != std::string_view::npos) {
        CHECK(found.substr(found.find("! ")) == row.events.substr(row.events.find("! ")));
      } else {
        CHECK(found == row.events);
      }
    }
  }
}

TEST_CASE("what XML can grow is limited") {
  std::string deep;
  for (int i = 0; i < 70; ++i) deep += "<a>";
  std::string attributes = "<a";
  for (int i = 0; i < 4000; ++i) attributes += " a" + std::to_string(i) + "='>'";
  const struct {
    const char* why;
    std::string xml;
    std::string_view error;
  } rows[] = {
      {"depth", deep, "its elements are nested too deeply"},
      {"the attributes of a tag, brackets in them or not", attributes, "a tag in it is too long"},
      {"an attribute", "<a b='" + std::string(20'000, 'x'), "a tag in it is too long"},
      {"a name", "<" + std::string(200, 'x'), "a name in it is too long"},
      {"a text", "<a>" + std::string(11'000'000, 'x') + "</a>",
       "it is not well-formed XML (line 1)"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    TextSource source(row.xml);
    const std::string found = events(source);
    const std::size_t at = found.find("! ");
    REQUIRE(at != std::string::npos);
    CHECK(found.substr(at + 2) == row.error);
  }
}
