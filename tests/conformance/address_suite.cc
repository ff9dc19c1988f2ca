// Runs the addresses of the isemail project against the two readers of addresses: the reverse-path
// of the envelope (RFC 5321 section 4.1.2) and the From field (RFC 5322 section 3.4).
//
// isemail sorts addresses by the laxest grammar that has them. What each sort must become here:

#include <authmilter/message.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>

#include "published_json.h"

namespace {

enum class Want { accepted, refused };

struct Rule {
  std::string_view sort;  // a case's id, or its diagnosis, or its category
  Want envelope;
  Want from_field;
  const char* why;
};

// The first that matches counts.
constexpr Rule kRules[] = {
    {"6", Want::accepted, Want::refused,
     "RFC 7208 section 4.3: a sender without a local part has a domain"},
    {"7", Want::accepted, Want::refused, "the same"},
    {"15", Want::accepted, Want::refused,
     "RFC 5321 section 2.3.11: a local part means what its host says; a From field is stricter"},
    {"16", Want::accepted, Want::refused, "the same"},
    {"87", Want::accepted, Want::refused, "the same, of blanks as an MTA unquotes them"},
    {"35", Want::accepted, Want::accepted, "one trailing dot is the same name, and is dropped"},
    {"37", Want::accepted, Want::refused, "`_dmarc.` does not fit before this name"},
    {"98", Want::refused, Want::refused, "the same, and no comment in an envelope"},
    {"40", Want::refused, Want::refused,
     "255 octets of text; RFC 1035 section 2.3.4 leaves room for 253"},
    {"160", Want::refused, Want::accepted,
     "RFC 6532 section 3.2 has UTF-8 in quoted pairs, RFC 6531 section 3.3 has not"},
    {"86", Want::refused, Want::refused,
     "obs-domain: a blank inside the domain (RFC 5322 section 4.4)"},
    {"ISEMAIL_RFC5321_ADDRESSLITERAL", Want::refused, Want::refused, "a literal is no domain"},
    {"ISEMAIL_RFC5321_IPV6DEPRECATED", Want::refused, Want::refused, "the same"},
    {"95", Want::refused, Want::refused, "the same"},
    {"ISEMAIL_RFC5321_TLDNUMERIC", Want::refused, Want::refused, "no domain name ends in a number"},
    {"ISEMAIL_RFC5322_LOCAL_TOOLONG", Want::accepted, Want::accepted,
     "bounce addresses break the 64 octets of RFC 5321 section 4.5.3.1.1"},
    {"ISEMAIL_RFC5322_TOOLONG", Want::accepted, Want::accepted,
     "the domain fits; the path's 256 octets of RFC 5321 section 4.5.3.1.3 are the MTA's to keep"},
    {"ISEMAIL_DEPREC_CFWS_NEAR_AT", Want::refused, Want::accepted,
     "RFC 5322 section 3.4.1 has it beside the '@'"},
    {"89", Want::refused, Want::accepted, "several folds are harmless"},
    {"149", Want::refused, Want::accepted, "the same"},
    {"ISEMAIL_VALID_CATEGORY", Want::accepted, Want::accepted, "RFC 5321"},
    {"ISEMAIL_DNSWARN", Want::accepted, Want::accepted, "RFC 5321, and no DNS here"},
    {"ISEMAIL_RFC5321", Want::accepted, Want::accepted, "RFC 5321, seldom used"},
    {"ISEMAIL_CFWS", Want::refused, Want::accepted, "RFC 5322 only"},
    {"ISEMAIL_DEPREC", Want::refused, Want::refused, "obsolete forms of RFC 5322 section 4"},
    {"ISEMAIL_RFC5322", Want::refused, Want::refused, "domains that are no domain names"},
    {"ISEMAIL_ERR", Want::refused, Want::refused, "no address"},
};

const Rule* find_rule(const authmilter::published::Value& test) {
  for (const Rule& rule : kRules) {
    for (const auto* key : {"id", "diagnosis", "category"}) {
      if (test.at(key).text() == rule.sort) return &rule;
    }
  }
  return nullptr;
}

bool holds(Want want, bool accepted) { return (want == Want::accepted) == accepted; }

bool is_reverse_path(const std::string& address) {
  // The suite's empty address is the null reverse-path here, which is no mailbox.
  return authmilter::parse_reverse_path(address).domain.has_value();
}

bool is_from_field(const std::string& address) {
  const auto result = authmilter::find_author_domain({{"From", address}});
  return static_cast<bool>(result);
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path folder =
      std::filesystem::path(argc > 1 ? argv[1] : "testdata") / "addr-isemail";
  const auto suite = authmilter::published::File::read(folder / "cases.json");
  if (!suite) {
    std::printf("skipped: %s/cases.json is not there\n", folder.c_str());
    return 77;
  }
  int run = 0;
  int good = 0;
  for (const auto& test : suite->root().at("cases").list()) {
    const auto address = test.at("address").text();
    const Rule* rule = find_rule(test);
    const auto check = [&](const char* reader, Want want, bool accepted) {
      ++run;
      if (holds(want, accepted)) {
        ++good;
        return;
      }
      std::printf("FAILED %s %s %s: %s\n", test.at("id").text().c_str(), reader,
                  test.at("diagnosis").text().c_str(), accepted ? "accepted" : "refused");
    };
    if (rule == nullptr) {
      std::printf("FAILED %s: no rule\n", test.at("id").text().c_str());
      ++run;
      continue;
    }
    check("envelope", rule->envelope, is_reverse_path(address));
    check("From", rule->from_field, is_from_field(address));
  }
  std::printf("address: %d of %d\n", good, run);
  return good == run && run > 0 ? 0 : 1;
}
