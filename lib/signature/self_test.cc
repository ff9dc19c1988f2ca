#include "signature/self_test.h"

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/message.h>

#include "signature/body_hasher.h"
#include "signature/hash_engine.h"
#include "signature/header_hash.h"
#include "signature/tags.h"

namespace authmilter {
namespace {

constexpr std::string_view kHeader =
    "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s; c=simple/simple; b=AAAA;\r\n"
    "\tbh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; h=from:subject:received:received:x:x\r\n"
    "Received: first\r\n"
    "Received: second\r\n\tin\r\n  folds\t\r\n"
    "FROM : \"A  B\" <a@example.com>\r\n"
    "Subject:\t two \t blanks  \r\n"
    "X:\r\n";

/// Each kind of change in every place of the blocks that wide instructions work on.
std::string message_body() {
  constexpr std::string_view kChanges[] = {"  ",     "\t",   " \t ",    " \r\n",
                                           "\t\r\n", "\r\n", "\r\n\r\n"};
  std::string body;
  for (std::size_t length = 0; length < 130; ++length) {
    for (const std::string_view change : kChanges) {
      body += std::string(length, 'x');
      body += change;
    }
  }
  return body + "\r\n \r\n\r\n";
}

bool bodies_agree(const DkimLibrary& library, Canonicalization canonicalization) {
  const std::string body = message_body();
  BodyHasher hasher(canonicalization, {std::nullopt});
  hasher.update(body);
  return hasher.finish().front().digest == library_body_hash(library, canonicalization, body);
}

bool headers_agree(const DkimLibrary& library, Canonicalization canonicalization) {
  std::string text(kHeader);
  if (canonicalization == Canonicalization::relaxed)
    text.replace(text.find("simple/simple"), 13, "relaxed/simple");
  const std::vector<HeaderField> header = parse_message(text).fields;
  std::vector<MessageField> fields;
  for (const HeaderField& field : header) fields.push_back(make_message_field(field));
  const std::string_view value = header.front().value;
  const TagList tags(value);
  const SignedHeader signature{read_signed_names(*tags.find("h")).value(), canonicalization,
                               find_signature(tags, value)};
  const std::vector<SignatureToHash> signatures = {{&signature, &fields.front()}};
  return hash_headers(fields, signatures).front() ==
         library_header_hashes(library, fields, signatures).front();
}

bool forms_agree() {
  const DkimLibrary library;
  for (const auto canonicalization : {Canonicalization::simple, Canonicalization::relaxed}) {
    if (!headers_agree(library, canonicalization) || !bodies_agree(library, canonicalization))
      return false;
  }
  return true;
}

}  // namespace

void compare_with_libopendkim() {
  static const bool agree = forms_agree();
  if (!agree)
    throw std::runtime_error("the self-test failed: libopendkim makes another hash of a message");
}

}  // namespace authmilter
