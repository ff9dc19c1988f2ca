#include <authmilter/message.h>

#include <algorithm>

#include "base/ascii.h"
#include "input.h"

// The Author Domain (RFC 9989 section 5.3.1): however the field is written, there is at most one
// domain, it stands in the field, and a second From field ends it.

using namespace authmilter;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  // As the MTA hands it over, and as parse_message() splits it.
  const HeaderField from = make_header_field("From", input.text());
  const auto author = find_author_domain({from});
  const auto split = parse_message("From:" + from.value + "\r\n\r\n");
  if (split.fields.size() == 1 && split.fields.front() == from) {
    require(find_author_domain(split.fields) == author, "the same field, the same author");
  }
  const auto fails_with = [&](std::vector<HeaderField> fields, AuthorDomainError error) {
    return find_author_domain(fields) == AuthorDomainResult(error);
  };
  require(fails_with({from, from}, AuthorDomainError::multiple_from_fields), "two From fields");
  require(
      fails_with({from, {"fRoM ", " x@other.example"}}, AuthorDomainError::multiple_from_fields),
      "a From field in disguise counts");
  require(fails_with({{"Sender", from.value}, {"Resent-From", from.value}},
                     AuthorDomainError::no_author_domain),
          "no other field stands for From");
  require(find_author_domain({{"X", from.value}, from, {"To", from.value}}) == author,
          "other fields do not matter");
  if (!author) return 0;
  const std::string& name = author->text();
  const std::string other = name == "other.example" ? "third.example" : "other.example";
  const std::string with_second = from.value + ", second@" + other;
  require(!find_author_domain({{"From", with_second}}), "a second domain ends it");
  if (std::all_of(from.value.begin(), from.value.end(), [](char c) { return (c & 0x80) == 0; })) {
    require(to_lower(from.value).find(name) != std::string::npos, "the domain stands in the field");
  }
  const std::string with_same = " <x@" + name + ">, y@" + name;
  require(find_author_domain({{"From", with_same}}) == author, "two mailboxes of one domain");
  const auto again = find_author_domain({{"From", " <x@" + name + ">"}});
  require(again == author, "the domain stands for itself");
  return 0;
}
