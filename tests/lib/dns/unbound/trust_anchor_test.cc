#include "dns/unbound/trust_anchor.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "support/temporary_folder.h"

using namespace authmilter;

namespace {

// The root's of 2017, as dns-root-data's root.ds has it.
const std::string kDs =
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n";
const std::string kDsRecord =
    ". 3600 IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";
// A key of Ed25519's form.
const std::string kKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const std::string kDnskey = ". 172800 IN DNSKEY 257 3 15 " + kKey;
const std::string kDnskeyRecord = ". 3600 IN DNSKEY 257 3 15 " + kKey;

std::string told(const Result<TrustAnchors>& anchors) {
  if (!anchors) return anchors.error().message;
  std::string text;
  for (const auto& record : anchors->records) text += (text.empty() ? "" : "\n") + record;
  return text;
}

}  // namespace

TEST_CASE("a trust anchor is a DS or DNSKEY record (RFC 4034 sections 2 and 5)") {
  const std::string nothing = "holds no usable DS or DNSKEY record of the root";
  const struct {
    const char* why;
    std::string text;
    std::string want;
  } rows[] = {
      {"DS", kDs, kDsRecord},
      {"DNSKEY", kDnskey + "\n", kDnskeyRecord},
      {"both", kDs + kDnskey, kDsRecord + "\n" + kDnskeyRecord},
      {"no TTL, class in front, lower case, CRLF",
       ". in 3600 ds 1 15 2 " + std::string(64, 'a') + "\r\n",
       ". 3600 IN DS 1 15 2 " + std::string(64, 'a')},
      {"over several lines",
       ". IN DNSKEY 257 3 15 ( " + kKey.substr(0, 20) + " ; a\n  " + kKey.substr(20) + " )\n",
       kDnskeyRecord},
      {"the owner of the record before", kDs + "\t172800 IN DNSKEY 257 3 15 " + kKey + "\n",
       kDsRecord + "\n" + kDnskeyRecord},
      {"the key's tag is said, and right",
       kDnskey + " ;{id = 62736 (ksk), size = 256b} ;;state=2 [  VALID  ] ;;count=0\n",
       kDnskeyRecord},
      {"a key that is cut off but can still be read",
       kDnskey + " ;{id = 20326 (ksk), size = 256b}\n",
       "line 1: a DNSKEY record whose key is damaged"},
      {"what unbound keeps itself (RFC 5011)",
       "; autotrust trust anchor file\n;;id: . 1\n;;last_queried: 1 ;;Thu Jan  1 1970\n" + kDnskey +
           " ;{id = 62736 (ksk), size = 256b} ;;state=2 [  VALID  ] ;;count=0\n" + kDnskey +
           " ;;state=1 [ ADDPEND ] ;;count=1\n" + kDnskey + " ;;state=4 [ REVOKED ]\n",
       kDnskeyRecord},
      {"missing from the zone for now: still trusted (RFC 5011 section 4.2)",
       kDnskey + " ;;state=3 [ MISSING ]\n", kDnskeyRecord},
      {"pending ones alone", kDnskey + " ;;state=1 [ ADDPEND ]\n", nothing},
      {"revoked (RFC 5011 section 2.1)", ". IN DNSKEY 385 3 15 " + kKey + "\n", nothing},
      {"no key of a zone (RFC 4034 section 2.1.1)", ". IN DNSKEY 1 3 15 " + kKey + "\n", nothing},
      {"the anchor of a zone beside the root's",
       "corp.example. IN DS 1 13 2 " + std::string(64, 'b') + "\n" + kDs,
       "corp.example. 3600 IN DS 1 13 2 " + std::string(64, 'b') + "\n" + kDsRecord},
      {"the anchor of a zone alone", "example. IN DS 1 13 2 " + std::string(64, 'b') + "\n",
       nothing},
      {"other records", "$TTL 1\n. IN NS ns.example.\n" + kDs, kDsRecord},
      {"an algorithm that nothing validates with (RFC 8624 section 3.1)",
       ". IN DS 1 5 2 " + std::string(64, 'c') + "\n", nothing},
      {"a digest of SHA-1 (RFC 8624 section 3.3)", ". IN DS 1 8 1 " + std::string(40, 'c') + "\n",
       nothing},
      {"empty", "", nothing},
      {"comments alone", "; nothing\n\n", nothing},
      {"prose", "no anchor at all\n", nothing},
      {"HTML", "<html>\n", "line 1: \"<html>\" is not the name of a zone"},
      {"BIND's form", "trusted-keys {\n\".\" 257 3 8 \"AwEA\";\n};\n",
       "line 3: \"}\" is not the name of a zone"},
      {"a digest that is cut off", kDs.substr(0, kDs.size() - 5) + "\n",
       "line 1: a DS record whose digest has not 32 octets"},
      {"a digest that is none", ". IN DS 1 8 2 XYZ\n", "line 1: a DS record that is damaged"},
      {"no digest", "\n. IN DS 1 8 2\n", "line 2: a DS record that is damaged"},
      {"a key that is cut off", kDnskey.substr(0, kDnskey.size() - 4) + "\n",
       "line 1: a DNSKEY record whose key is damaged"},
      {"base64 that is none", ". IN DNSKEY 257 3 15 A\n",
       "line 1: a DNSKEY record that is damaged"},
      {"a protocol other than 3", ". IN DNSKEY 257 2 15 " + kKey + "\n",
       "line 1: a DNSKEY record that is damaged"},
      {"a number that is none", ". IN DS 70000 8 2 " + std::string(64, 'a') + "\n",
       "line 1: a DS record that is damaged"},
      {"no type", ". 3600 IN\n", "line 1: a record without a type"},
      {"parenthesis without an end", ". IN DS ( 1\n", "line 2: unbalanced parenthesis"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(told(parse_trust_anchors(row.text)) == row.want);
  }
  std::string many;
  for (int i = 0; i < 65; ++i) many += kDs;
  CHECK(told(parse_trust_anchors(many)) == "line 65: more than 64 anchors");
}

TEST_CASE("a trust anchor file is a regular one of bounded size") {
  const TemporaryFolder folder;
  const auto path = [&](const char* name) { return (folder.path() / name).string(); };
  folder.write("good", kDs);
  folder.write("empty", "");
  folder.write("large", std::string(300'000, ';') + "\n" + kDs);
  std::filesystem::create_directory(path("directory"));
  const struct {
    const char* name;
    const char* error;  // behind the file's name
  } rows[] = {
      {"good", ""},
      {"empty", ": holds no usable DS or DNSKEY record of the root"},
      {"nothing", ": No such file or directory"},
      {"directory", ": is not a regular file"},
      {"large", ": is larger than 262144 octets"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto anchors = read_trust_anchors(path(row.name));
    CHECK((anchors ? "" : anchors.error().message) ==
          (*row.error == 0 ? "" : path(row.name) + row.error));
  }
}
