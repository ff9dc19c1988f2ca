#include "mime/mime_mail.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace authmilter;

namespace {

std::string content(const MimeMail& mail, std::size_t part) {
  std::string out;
  const auto source = mail.content(part);
  for (;;) {
    const auto piece = source->next();
    if (!piece || piece->empty()) return out;
    out += *piece;
  }
}

/// "text/plain[hello] text/xml[...]", with '>' for each attached message that a part is within.
std::string parts(std::string_view octets) {
  const auto mail = MimeMail::parse(octets);
  if (!mail) return "! " + mail.error().message;
  std::string out;
  for (std::size_t at = 0; at < mail->parts().size(); ++at) {
    const MimePart& part = mail->parts()[at];
    if (!out.empty()) out += ' ';
    out += std::string(part.within, '>') + part.type + '[' +
           (part.header.empty() ? content(*mail, at) : part.header) + ']';
  }
  return out;
}

std::string multipart(std::string_view type, std::string_view parts) {
  return "Content-Type: multipart/" + std::string(type) + "; boundary=b\n\n" + std::string(parts) +
         "--b--\n";
}

}  // namespace

TEST_CASE("the parts of a mail") {
  const struct {
    const char* why;
    std::string mail;
    std::string parts;
  } rows[] = {
      {"no MIME is one text", "Subject: x\n\nhello\n", "text/plain[hello\n]"},
      {"one part, base64",
       "Content-Type: application/gzip\nContent-Transfer-Encoding: base64\n\nH4sI\nAAAA\n",
       std::string("application/gzip[\x1f\x8b\x08\0\0\0]", 24)},
      {"CRLF", "Content-Type: text/xml\r\nContent-Transfer-Encoding: BASE64\r\n\r\nPGE+\r\n",
       "text/xml[<a>]"},
      {"quoted-printable",
       "Content-Type: text/xml\nContent-Transfer-Encoding: quoted-printable\n\n<a=\n b=3D'1'/>",
       "text/xml[<a b='1'/>]"},
      {"an encoding that GMime does not know is left on",
       "Content-Type: text/xml\nContent-Transfer-Encoding: base64;\n\nPGE+", "text/xml[PGE+]"},
      {"parts in their order",
       multipart("mixed",
                 "--b\nContent-Type: text/plain\n\n1\n--b\nContent-Type: TEXT/HTML\n\n2\n"),
       "text/plain[1] text/html[2]"},
      {"parts in parts",
       "Content-Type: multipart/mixed; boundary=a\n\n--a\n" +
           multipart("alternative", "--b\n\n1\n--b\n\n2\n") + "--a\n\n3\n--a--\n",
       "text/plain[1] text/plain[2] text/plain[3]"},
      {"a failure report",
       multipart(
           "report; report-type=feedback-report",
           "--b\n\nhello\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: "
           "auth-failure\n"
           "--b\nContent-Type: message/rfc822\n\nFrom: a@b.example\nTo: c@d.example\n\nbody\n"),
       "text/plain[hello] message/feedback-report[Feedback-Type: auth-failure] "
       "message/rfc822[From: a@b.example\nTo: c@d.example\n] >text/plain[body]"},
      {"only the header of what failed",
       multipart("report", "--b\nContent-Type: text/rfc822-headers\n\nFrom: a@b.example\n"),
       "text/rfc822-headers[From: a@b.example]"},
      {"no end of the parts", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello",
       "text/plain[hello]"},
      {"no parts at all", "Content-Type: multipart/mixed; boundary=b\n\nhello\n", ""},
      {"no boundary", "Content-Type: multipart/mixed\n\nhello\n", ""},
      {"nothing", "", "! it is neither a report nor a mail"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(parts(row.mail) == row.parts);
  }
}

TEST_CASE("what a mail makes GMime keep is limited") {
  std::string many;
  for (int i = 0; i < 1001; ++i) many += "--b\n\nx\n";
  std::string fields;
  for (int i = 0; i < 100'001; ++i) fields += "a:\n";
  std::string hundred;
  for (int i = 0; i < 101; ++i) hundred += "--b\n\nx\n";
  std::string deep;
  for (int i = 0; i < 20; ++i) deep += "Content-Type: message/rfc822\n\n";
  std::string deep_parts;
  for (int i = 0; i < 20; ++i) {
    const std::string name = "b" + std::to_string(i);
    deep_parts += "Content-Type: multipart/mixed; boundary=" + name + "\n\n--" + name + "\n";
  }
  const struct {
    const char* why;
    std::string mail;
    std::string error;
  } rows[] = {
      {"lines that may be boundaries", multipart("mixed", many), "the mail has too many parts"},
      {"parts", multipart("mixed", hundred), "the mail has too many parts"},
      {"fields", fields + "\n", "the mail has too many fields"},
      {"messages in messages", deep, "the mail has too many parts"},
      {"parts in parts", deep_parts + "\nx", "the mail has too many parts"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto mail = MimeMail::parse(row.mail);
    REQUIRE(!mail);
    CHECK(mail.error().message == row.error);
  }
}
