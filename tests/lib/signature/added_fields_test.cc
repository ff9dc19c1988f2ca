#include "signature/added_fields.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace authmilter;

namespace {

using Names = std::vector<std::string>;

/// A header of these fields, of which "*" is that of the signature.
struct Header {
  std::vector<MessageField> fields;
  std::size_t place = 0;
};
Header header(const Names& names) {
  Header made;
  for (const std::string& name : names) {
    if (name == "*") made.place = made.fields.size();
    made.fields.push_back(make_message_field({name == "*" ? "DKIM-Signature" : name, " x"}));
  }
  return made;
}

const Names kHere = {
    "*",          "From",         "To", "Subject",      "Date",
    "Message-ID", "MIME-Version", "Cc", "Content-Type", "Content-Transfer-Encoding"};

Names with(Names names, const Names& below, const Names& above = {}) {
  names.insert(names.end(), below.begin(), below.end());
  names.insert(names.begin(), above.begin(), above.end());
  return names;
}

}  // namespace

TEST_CASE("what a signature has to cover whose word is believed (RFC 6376 section 8.15)") {
  const Names some = {"from", "to", "subject", "date", "message-id"};
  // What the sealers of large providers name in h= of real messages, 2024 to 2026.
  const Names google = {"content-transfer-encoding",
                        "cc",
                        "to",
                        "subject",
                        "message-id",
                        "date",
                        "from",
                        "mime-version",
                        "dkim-signature"};
  const Names google_with_reply_to = with(google, {"reply-to"});
  const Names microsoft = {"from",
                           "date",
                           "subject",
                           "message-id",
                           "content-type",
                           "mime-version",
                           "x-ms-exchange-antispam-messagedata-0"};
  const Names openarc = {"mime-version", "references", "in-reply-to", "from", "date",
                         "message-id",   "subject",    "to",          "cc",   "content-type"};
  const struct {
    std::string why;
    Names header;
    Names names;
    Names uncovered;
  } rows[] = {
      {"all is covered", {"*", "From", "To", "Subject", "Date"}, some, {}},
      {"Google", kHere, google, {}},
      {"Google, of a message with Reply-To", with(kHere, {"Reply-To"}), google_with_reply_to, {}},
      {"Microsoft", kHere, microsoft, {}},
      {"OpenARC, as the lists of kernel.org", kHere, openarc, {}},
      {"what is not there need not be named", {"*", "From"}, {"from"}, {}},
      {"Reply-To below, which is not named", with(kHere, {"Reply-To"}), some, {"reply-to"}},
      {"in another case", with(kHere, {"REPLY-to "}), some, {"reply-to"}},
      {"Subject below, which is not named", kHere, {"from", "date"}, {"subject"}},
      {"Date below", kHere, {"from", "subject"}, {"date"}},
      {"From below", kHere, {"subject", "date"}, {"from"}},
      {"a second Subject below", with(kHere, {"Subject"}), some, {"subject"}},
      {"a second Subject above", with(kHere, {}, {"Subject"}), some, {"subject"}},
      {"a second one that is named, too",
       with(kHere, {}, {"Subject"}),
       with(some, {"subject"}),
       {}},
      {"a third one", with(kHere, {"Subject"}, {"Subject"}), with(some, {"subject"}), {"subject"}},
      {"a second To below", with(kHere, {"To"}), some, {"to"}},
      {"To below, which is not named: it may be as old as the message", kHere, microsoft, {}},
      {"To above", with(kHere, {}, {"To"}), microsoft, {"to"}},
      {"Content-Type above", with(kHere, {}, {"Content-Type"}), google, {"content-type"}},
      {"Sender below", with(kHere, {"Sender"}), some, {}},
      {"Sender above", with(kHere, {}, {"Sender"}), some, {"sender"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const Header made = header(row.header);
    CHECK(uncovered_fields(made.fields, row.names, made.place) == row.uncovered);
  }
}

TEST_CASE("whether a signature covers the List-Id (RFC 2919)") {
  const Names list = with(kHere, {"List-Id"});
  const Names names = {"from", "subject", "date", "list-id"};
  const struct {
    std::string why;
    Names header;
    Names names;
    bool covers;
  } rows[] = {
      {"it is named", list, names, true},
      {"oversigned", list, with(names, {"list-id"}), true},
      {"it is not named", list, {"from", "subject", "date"}, false},
      {"it is named, and not there", kHere, names, false},
      {"a second one above", with(list, {}, {"List-Id"}), names, false},
      {"a second one below", with(list, {"list-ID"}), names, false},
      {"two, and both named", with(list, {"List-Id"}), with(names, {"list-id"}), false},
      {"named twice, and one added where none was oversigned", with(list, {}, {"List-Id"}),
       with(names, {"list-id"}), false},
      {"it, and not the Subject", list, {"from", "date", "list-id"}, false},
      {"it, and not the Reply-To that somebody put below", with(list, {"Reply-To"}), names, false},
      {"it, and not the Content-Type on top", with(list, {}, {"Content-Type"}), names, false},
      {"it, and not From", list, {"subject", "date", "list-id"}, false},
      {"another field that begins like it", with(kHere, {"List-Id-X"}), names, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const Header made = header(row.header);
    CHECK(covers_list_id(made.fields, row.names, made.place) == row.covers);
  }
}
