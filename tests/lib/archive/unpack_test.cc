#include "archive/unpack.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "archive/gzip.h"

using namespace authmilter;

namespace {

std::string gzip(std::string_view text) {
  GzipWriter writer;
  writer.add(text);
  return writer.finish();
}

std::string little(std::uint32_t number, int octets) {
  std::string out;
  for (int i = 0; i < octets; ++i) out += static_cast<char>(number >> (8 * i));
  return out;
}

/// CRC-32 as zip and gzip have it, a bit at a time.
std::uint32_t crc(std::string_view text) {
  std::uint32_t sum = 0xffffffff;
  for (const char c : text) {
    sum ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1U ^ ((sum & 1U) != 0 ? 0xedb88320U : 0);
  }
  return ~sum;
}

struct File {
  std::string name;
  std::string content;
  bool deflated = false;
  int method = -1;     // where it is another than it should be
  int wrong_size = 0;  // added to the unpacked size that is claimed
  std::uint32_t wrong_crc = 0;
  bool encrypted = false;
};

std::string zip(const std::vector<File>& files) {
  std::string out;
  std::string directory;
  for (const File& file : files) {
    const std::string packed = gzip(file.content);
    // Without gzip's header of 10 octets and its trailer of 8 there is deflate's data left.
    const std::string data = file.deflated ? packed.substr(10, packed.size() - 18) : file.content;
    const int method = file.method >= 0 ? file.method : file.deflated ? 8 : 0;
    const std::string common = little(20, 2) + little(file.encrypted ? 1 : 0, 2) +
                               little(static_cast<std::uint32_t>(method), 2) + little(0, 4) +
                               little(crc(file.content) ^ file.wrong_crc, 4) +
                               little(static_cast<std::uint32_t>(data.size()), 4) +
                               little(static_cast<std::uint32_t>(file.content.size()) +
                                          static_cast<std::uint32_t>(file.wrong_size),
                                      4) +
                               little(static_cast<std::uint32_t>(file.name.size()), 2) +
                               little(0, 2);
    directory += "PK\x01\x02" + little(20, 2) + common + little(0, 2) + little(0, 2) +
                 little(0, 2) + little(0, 4) + little(static_cast<std::uint32_t>(out.size()), 4) +
                 file.name;
    out += "PK\x03\x04" + common + file.name + data;
  }
  const auto count = static_cast<std::uint32_t>(files.size());
  return out + directory + "PK\x05\x06" + little(0, 4) + little(count, 2) + little(count, 2) +
         little(static_cast<std::uint32_t>(directory.size()), 4) +
         little(static_cast<std::uint32_t>(out.size()), 4) + little(0, 2);
}

/// What comes out, members separated by '|', and the error of a member or of the archive.
std::string unpacked(std::string_view packed, UnpackBudget budget) {
  TextSource source(packed);
  std::string out;
  const Status status = unpack(source, budget, [&](OctetSource& member) {
    if (!out.empty()) out += '|';
    for (;;) {
      const auto piece = member.next();
      if (!piece) {
        out += "! " + piece.error().message;
        return;
      }
      if (piece->empty()) return;
      out += *piece;
    }
  });
  return status || out.find("! ") != std::string::npos ? out : out + "! " + status.error().message;
}
constexpr UnpackBudget kPlenty{.octets = 1'000'000, .members = 100};

std::string with_octet(std::string text, std::size_t from_end, char difference) {
  char& octet = text[text.size() - from_end];
  octet = static_cast<char>(octet ^ difference);
  return text;
}

}  // namespace

TEST_CASE("what is packed comes out, whatever it is packed in") {
  const std::string xml = "<feedback/>";
  const std::string nul(2, '\0');
  const struct {
    const char* why;
    std::string packed;
    std::string out;
  } rows[] = {
      {"not packed", xml, xml},
      {"nothing", "", ""},
      {"gzip", gzip(xml), xml},
      {"two gzip members are one text (RFC 1952 section 2.2)", gzip("<feed") + gzip("back/>"), xml},
      {"with zeros between them, where libarchive drops the second",
       gzip("<feed") + nul + gzip("back/>"), xml},
      {"zeros behind", gzip(xml) + nul, xml},
      {"text behind", gzip(xml) + "-- \nlist footer", xml},
      {"a wrong CRC, which libarchive does not look at", with_octet(gzip(xml), 8, 1),
       "! its gzip data are damaged (incorrect data check)"},
      {"a wrong length, nor this", with_octet(gzip(xml), 4, 1),
       "! its gzip data are damaged (incorrect length check)"},
      {"a wrong CRC of the first of two", with_octet(gzip(xml), 8, 1) + gzip(xml),
       "! its gzip data are damaged (incorrect data check)"},
      {"cut in its trailer", gzip(xml).substr(0, gzip(xml).size() - 3),
       xml + "! its gzip data end too early"},
      {"cut in its header", gzip(xml).substr(0, 6), "! its gzip data end too early"},
      {"gzip in gzip", gzip(gzip(xml)), xml},

      {"a zip", zip({{"a.xml", xml, true}}), xml},
      {"stored", zip({{"a.xml", xml}}), xml},
      {"several files", zip({{"a.xml", "1", true}, {"b.xml", "2"}, {"c.xml", "3", true}}), "1|2|3"},
      {"a folder is not a file", zip({{"d/", ""}, {"d/a.xml", xml, true}}), xml},
      {"a name in UTF-8, a warning", zip({{"zpr\xc3\xa1va.xml", xml, true}}), xml},
      {"a name that climbs is not used", zip({{"../../etc/passwd", xml, true}}), xml},
      {"a wrong size, a warning", zip({{"a.xml", xml, true, -1, 5}}), xml},
      {"a wrong CRC, a warning too", zip({{"a.xml", xml, true, -1, 0, 1}}), xml},
      {"gzip in a zip", zip({{"a.xml.gz", gzip(xml)}}), xml},
      {"a zip in a zip", zip({{"a.zip", zip({{"a.xml", xml, true}}), true}}), xml},
      {"an empty zip", zip({}), ""},
      {"encrypted", zip({{"a.xml", xml, true, -1, 0, 0, true}}), "! it is encrypted"},
      {"LZMA takes what memory it likes", zip({{"a.xml", xml, false, 14}}),
       "! it is compressed in another way than by deflate"},
      {"cut", zip({{"a.xml", xml, true}}).substr(0, 45), "<feedback! its zip data are damaged"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(unpacked(row.packed, kPlenty) == row.out);
  }
}

TEST_CASE("what comes out is limited, whatever the archive says") {
  const std::string zeros(100'000, '0');
  const auto nested = [](std::string text, int times) {
    for (; times > 0; --times) text = zip({{"a.zip", text, true}});
    return text;
  };
  std::vector<File> many(101, {"a.xml", "x"});
  const struct {
    const char* why;
    std::string packed;
    UnpackBudget budget;
    std::string_view error;
  } rows[] = {
      {"gzip", gzip(zeros), {99'999, 10}, "it unpacks to more than is allowed"},
      {"the same, and just enough", gzip(zeros), {100'000, 10}, ""},
      {"two members together",
       gzip(zeros) + gzip(zeros),
       {150'000, 10},
       "it unpacks to more than is allowed"},
      {"a zip", zip({{"a", zeros, true}}), {99'999, 10}, "it unpacks to more than is allowed"},
      {"whose directory says less",
       zip({{"a", zeros, true, -1, -90'000}}),
       {99'999, 10},
       "it unpacks to more than is allowed"},
      {"files together",
       zip({{"a", zeros, true}, {"b", zeros, true}}),
       {150'000, 10},
       "it unpacks to more than is allowed"},
      {"all layers together",
       gzip(gzip(zeros)),
       {100'000, 10},
       "it unpacks to more than is allowed"},
      {"files", zip(many), {1'000'000, 100}, "too many files are packed in it"},
      {"of all layers",
       zip({{"a.zip", zip(many)}}),
       {1'000'000, 101},
       "too many files are packed in it"},
      {"three layers", nested("x", 3), {1'000'000, 100}, ""},
      {"four layers", nested("x", 4), {1'000'000, 100}, "archives are nested too deeply in it"},
      {"four of gzip",
       gzip(gzip(gzip(gzip("x")))),
       {1'000'000, 100},
       "archives are nested too deeply in it"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const std::string out = unpacked(row.packed, row.budget);
    const std::size_t at = out.find("! ");
    CHECK((at == std::string::npos ? "" : out.substr(at + 2)) == row.error);
  }

  CHECK(unpack_budget(1000, 1 << 30, 400, 9).octets == 16U << 20U);
  CHECK(unpack_budget(1 << 20, 1 << 30, 400, 9).octets == 400U << 20U);
  CHECK(unpack_budget(10 << 20, 1 << 30, 400, 9).octets == 1U << 30U);
}

TEST_CASE("gzip that is written is the same for the same text") {
  GzipWriter pieces;
  const std::string text(200'000, 'x');
  for (std::size_t at = 0; at < text.size(); at += 1000) pieces.add(text.substr(at, 1000));
  const std::string packed = pieces.finish();
  CHECK(packed == gzip(text));
  CHECK(unpacked(packed, kPlenty) == text);
  CHECK(unpacked(gzip(""), kPlenty).empty());
  CHECK(packed.substr(4, 4) == std::string(4, '\0'));  // no time
}
