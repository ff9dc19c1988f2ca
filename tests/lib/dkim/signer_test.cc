#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "dkim/signature.h"
#include "dkim/signature_text.h"
#include "dkim/signed_names.h"
#include "lib/dkim/messages.h"
#include "signature/header_hash.h"

using namespace authmilter;
using namespace dkim_test;

namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ":") + name;
  return out;
}

/// h= for a message with these fields.
std::string selected(const std::vector<std::string>& field_names, const DkimSignOptions& options) {
  std::vector<MessageField> fields;
  for (const auto& name : field_names) fields.push_back(make_message_field({name, " x"}));
  return joined(select_signed_names(fields, options));
}

DkimSignOptions with_headers(std::vector<std::string> headers) {
  DkimSignOptions options;
  options.headers = std::move(headers);
  return options;
}

/// Columns of the longest line, a tab being eight.
std::size_t width(const HeaderField& field) {
  std::size_t longest = 0;
  std::size_t column = 0;
  for (const char c : field.name + ":" + field.value) {
    if (c == '\r') continue;
    if (c == '\n') column = 0;
    column += c == '\t' ? 8 : c == '\n' ? 0 : 1;
    longest = std::max(longest, column);
  }
  return longest;
}

}  // namespace

TEST_CASE("what is signed (RFC 6376 sections 5.4, 5.4.1, 5.4.2 and 8.15)") {
  auto options = with_headers({"to", "received", "x"});
  CHECK(selected({"From"}, options) == "from:from:subject");
  CHECK(selected({"From", "Subject", "To"}, options) == "from:from:subject:to");
  CHECK(selected({"To", "FROM ", "to", "X", "Y"}, options) == "from:from:subject:to:to:x");
  CHECK(selected({"From", "From"}, options) == "from:from:from:subject");
  // These change on the way, whoever asks for them.
  options = with_headers({"received", "return-path", "authentication-results", "dkim-signature"});
  CHECK(selected({"From", "Received", "Return-Path", "Authentication-Results", "DKIM-Signature"},
                 options) == "from:from:subject");
  // From and Subject are signed, a missing Subject too, and From oversigned, whatever is
  // configured.
  options = with_headers({});
  options.oversign = {};
  CHECK(selected({"Subject", "From"}, options) == "from:from:subject");
  options.oversign = {"Subject", "to", "cc", "to"};
  CHECK(selected({"From", "Subject", "To"}, options) == "from:from:subject:subject:to:to:cc");
  options.oversign = {"subject"};
  CHECK(selected({"From"}, options) == "from:from:subject");
  // Some of them only where the message has them.
  options.oversign = {"to"};
  options.oversign_present = {"date", "sender", "Content-Type", "to"};
  CHECK(selected({"From", "To", "Date", "content-type", "CONTENT-TYPE"}, options) ==
        "from:from:subject:to:to:date:date:content-type:content-type:content-type");
  // What the MTA will write anew stays out, but never From and Subject.
  options.left_out = {"to", "from", "subject", "date"};
  CHECK(selected({"From", "To", "Date"}, options) == "from:from:subject");
  options.left_out = {};
  options.oversign_present = {};
  // Names that are none, and any case.
  options = with_headers({"a b", "", "from:to", "TO", "to"});
  CHECK(selected({"From", "To"}, options) == "from:from:subject:to");
  // A field whose name breaks the grammar is no From.
  CHECK(selected({" From", "From;x", "From"}, with_headers({})) == "from:from:subject");
}

TEST_CASE("h= is bounded and never loses From and Subject") {
  std::vector<std::string> names(1000, "To");
  names.push_back("Subject");
  names.push_back("From");
  auto list = select_signed_names(
      [&] {
        std::vector<MessageField> fields;
        for (const auto& name : names) fields.push_back(make_message_field({name, " x"}));
        return fields;
      }(),
      with_headers({"to"}));
  CHECK(list.size() == 150);
  CHECK(list[0] == "from");
  CHECK(list[2] == "subject");

  const std::string longest(900, 'x');
  CHECK(joined(select_signed_names(
                   {make_message_field({"From", ""}), make_message_field({longest, ""}),
                    make_message_field({longest, ""}), make_message_field({longest, ""}),
                    make_message_field({longest, ""})},
                   with_headers({longest})))
            .size() < 3000);
}

TEST_CASE("the default list is RFC 6376 section 5.4.1's") {
  const auto names = default_signed_headers();
  const auto has = [&](const char* name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const char* name : {"from",      "reply-to",   "subject",          "date",
                           "to",        "cc",         "resent-date",      "resent-from",
                           "resent-to", "resent-cc",  "in-reply-to",      "references",
                           "list-id",   "list-help",  "list-unsubscribe", "list-subscribe",
                           "list-post", "list-owner", "list-archive",     "list-unsubscribe-post",
                           "autocrypt"}) {
    CHECK_MESSAGE(has(name), std::string(name));
  }
  for (const char* name : {"return-path", "received", "dkim-signature", "authentication-results",
                           "bcc", "comments", "keywords", "disposition-notification-to"}) {
    CHECK_FALSE_MESSAGE(has(name), std::string(name));
  }
}

TEST_CASE(
    "what can be added to a signed message, if nothing is configured (RFC 6376 section 8.15)") {
  DkimSignOptions options = with_headers(default_signed_headers());
  options.oversign = default_oversigned_headers();
  options.oversign_present = default_oversigned_present_headers();
  enum class Addition { none, first, any };
  const struct {
    const char* why;
    const char* name;
    Addition allowed;
  } rows[] = {
      {"RFC 5322 section 3.6: shown, or answered to", "From", Addition::none},
      {"", "Subject", Addition::none},
      {"", "To", Addition::none},
      {"", "Cc", Addition::none},
      {"", "Reply-To", Addition::none},
      {"an MTA may add the first", "Date", Addition::first},
      {"", "Message-ID", Addition::first},
      {"a list may add the first", "Sender", Addition::first},
      {"an MTA that makes 8-bit text anew", "MIME-Version", Addition::first},
      {"", "Content-Type", Addition::first},
      {"", "Content-Transfer-Encoding", Addition::first},
      {"RFC 2183: how the body is shown", "Content-Disposition", Addition::first},
      {"where the message stands in a conversation", "In-Reply-To", Addition::first},
      {"", "References", Addition::first},
      {"RFC 8058: one click, but lists add the first", "List-Unsubscribe", Addition::first},
      {"", "List-Unsubscribe-Post", Addition::first},
      {"the key that answers are encrypted to", "Autocrypt", Addition::first},
      {"RFC 5322 section 3.6.6: for each time that a message is sent again", "Resent-From",
       Addition::any},
      {"lists below lists", "List-Id", Addition::any},
      {"", "List-Post", Addition::any},
      {"servers add it", "Received", Addition::any},
      {"list managers take it out", "Disposition-Notification-To", Addition::any},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CAPTURE(row.name);
    const auto can_be_added = [&](const std::vector<std::string>& present) {
      std::vector<MessageField> fields;
      for (const auto& name : present) fields.push_back(make_message_field({name, " x"}));
      const auto names = select_signed_names(fields, options);
      const std::string lower = make_message_field({row.name, ""}).name;
      const auto named = std::count(names.begin(), names.end(), lower);
      const auto had = std::count(present.begin(), present.end(), row.name);
      // RFC 6376 section 5.4.2: what is named once more than it is there cannot be.
      return named <= had;
    };
    CHECK(can_be_added({"From", "Subject"}) == (row.allowed != Addition::none));
    CHECK(can_be_added({"From", "Subject", row.name}) == (row.allowed == Addition::any));
  }
}

TEST_CASE("a signature reads as RFC 6376 section 3.5 wants it") {
  DkimSignOptions options;
  options.headers = {"from", "to", "subject"};
  options.now = 1'700'000'000;
  options.lifetime = 604'800;
  options.header = Canonicalization::simple;
  const auto message =
      sign(dkim_test::split(kPlainMessage), {signing_key("r"), signing_key("e")}, options);
  const HeaderField& rsa = message.fields[0];
  CHECK(rsa.name == "DKIM-Signature");
  CHECK(rsa.value.starts_with(
      " v=1; a=rsa-sha256; c=simple/relaxed; d=example.org; s=r;\r\n"
      "\tt=1700000000; x=1700604800; h=from:from:subject:to;\r\n"
      "\tbh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; b="));  // the bh= of RFC 8463
  CHECK(message.fields[1].value.starts_with(
      " v=1; a=ed25519-sha256; c=simple/relaxed; d=example.org; s=e;\r\n"));
  CHECK(rsa.value.find("i=") == std::string::npos);
  CHECK(rsa.value.find("l=") == std::string::npos);
  CHECK_FALSE(rsa.value.ends_with("\n"));
  CHECK(read_signature(rsa.value).signature);

  options.lifetime = 0;
  CHECK(sign(dkim_test::split(kPlainMessage), {signing_key("r")}, options)
            .fields[0]
            .value.find("x=") == std::string::npos);
}

TEST_CASE("a signature is folded within 78 columns (RFC 5322 section 2.1.1)") {
  auto message = dkim_test::split(kPlainMessage);
  for (const auto& name : default_signed_headers()) message.fields.push_back({name, " x"});
  message = sign(message, {signing_key("r"), signing_key("e")});
  for (int i = 0; i < 2; ++i) {
    CHECK(width(message.fields[static_cast<std::size_t>(i)]) <= 78);
    const std::string& value = message.fields[static_cast<std::size_t>(i)].value;
    CHECK(std::count(value.begin(), value.end(), '\n') >= 8);
    CHECK(value.find("\r\n\r\n") == std::string::npos);
    for (std::size_t at = value.find('\n'); at != std::string::npos; at = value.find('\n', at + 1))
      CHECK(value[at + 1] == '\t');
  }
  CHECK(summary(verify(message)) == "pass, pass");
}

TEST_CASE("names that fit on no line stand alone") {
  const auto name = [](std::size_t labels) {
    std::string out = "org";
    while (labels-- > 0) out = std::string(50, 'a') + "." + out;
    return out;
  };
  const SigningKey key{*DomainName::parse(name(3)), *Selector::parse("s"),
                       private_key(KeyType::ed25519)};
  const auto message = sign(dkim_test::split(kPlainMessage), {key});
  CHECK(message.fields[0].value.find("\r\n\td=" + name(3) + ";\r\n") != std::string::npos);
  CHECK(summary(verify(message, txt_line("s._domainkey." + name(3),
                                         key_record_text(*private_key(KeyType::ed25519))))) ==
        "pass");
}

TEST_CASE("what is signed verifies after the MTA has mended its line ends (RFC 6376 section 5.3)") {
  const struct {
    std::string why;
    std::string body;
    std::string sent;
  } rows[] = {
      {"no body", "", ""},
      {"no body, and an empty line", "", "\r\n"},
      {"LF", "a\n\nb\n", "a\r\n\r\nb\r\n"},
      {"no line end at the end", "a\r\nb", "a\r\nb\r\n"},
      {"a mixture", "a\nb\r\nc", "a\r\nb\r\nc\r\n"},
      {"a bare CR stays", "a\rb\r\n", "a\rb\r\n"},
      {"... behind a blank (A215)", "a \rb\r\n", "a \rb\r\n"},
      {"... before a line end", "> quoted \r\r\nb\n", "> quoted \r\r\nb\r\n"},
      {"... at the beginning of a line", "\ra\r\n\r\r\n", "\ra\r\n\r\r\n"},
      {"NUL and 8 bits", std::string("a\0\xff\r\n", 5), std::string("a\0\xff\r\n", 5)},
      {"a dot", ".\r\n", ".\r\n"},
  };
  for (const auto canonicalization : {Canonicalization::simple, Canonicalization::relaxed}) {
    for (const auto& row : rows) {
      const std::string why = row.why;
      CAPTURE(why);
      auto message = dkim_test::split(kPlainMessage);
      message.body = row.body;
      DkimSignOptions options;
      options.body = canonicalization;
      message = sign(message, {signing_key("r"), signing_key("e")}, options);
      message.body = row.sent;
      CHECK(summary(verify(message)) == "pass, pass");
    }
  }
}

TEST_CASE("every instance is signed, from the bottom (RFC 6376 section 5.4.2)") {
  auto message = dkim_test::split(kPlainMessage);
  message.fields.push_back({"To", " second@example.net"});
  message.fields.push_back({"to ", "\tthird@example.net"});
  message = sign(message, {signing_key("r")});
  CHECK(summary(verify(message)) == "pass");
  for (auto& field : message.fields) {
    if (!has_name(field, "to")) continue;
    auto altered = message;
    for (auto& one : altered.fields) {
      if (one == field) one.value += "!";
    }
    CHECK(summary(verify(altered)) == "fail signature-mismatch");
  }
  // One on top was not there: it stays unsigned, as To is not oversigned.
  message.fields.insert(message.fields.begin(), {"To", " zero@example.net"});
  CHECK(summary(verify(message)) == "pass");
}

TEST_CASE("a message without From is not signed (RFC 6376 section 5.4)") {
  const std::vector<SigningKey> keys = {signing_key("r")};
  DkimSigner signer(engine(), keys, {});
  signer.header({"To", " x"});
  signer.end_of_headers();
  signer.body("x\r\n");
  const auto fields = signer.finish();
  REQUIRE_FALSE(fields);
  CHECK(fields.error().message == "message: no From field to sign");
}

TEST_CASE("no keys, no fields") {
  DkimSigner signer(engine(), {}, {});
  signer.header({"From", " x"});
  signer.end_of_headers();
  const auto fields = signer.finish();
  REQUIRE(fields);
  CHECK(fields->empty());
}

TEST_CASE("a key that cannot sign is an error, not a message without signature") {
  class Broken final : public PrivateKey {
   public:
    KeyType type() const override { return KeyType::rsa; }
    unsigned bits() const override { return 2048; }
    Result<Octets> sign_sha256(const Sha256Digest&) const override { return Error{"key: broken"}; }
    std::string dns_public_key() const override { return ""; }
  };
  auto key = signing_key("r");
  key.key = std::make_shared<Broken>();
  const std::vector<SigningKey> keys = {signing_key("e"), key};
  DkimSigner signer(engine(), keys, {});
  signer.header({"From", " x"});
  signer.end_of_headers();
  const auto fields = signer.finish();
  REQUIRE_FALSE(fields);
  CHECK(fields.error().message == "key: broken");
}

TEST_CASE("a message already signed is signed again (edge case 72)") {
  auto message = sign(dkim_test::split(kPlainMessage), {signing_key("r")});
  message = sign(message, {signing_key("e")});
  CHECK(summary(verify(message)) == "pass, pass");
}
