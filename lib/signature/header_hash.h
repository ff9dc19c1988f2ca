#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <authmilter/canonicalization.h>
#include <authmilter/crypto.h>
#include <authmilter/message.h>

#include "message/tag_list.h"

namespace authmilter {

/// The name under which a field can be signed: lower case, without the blanks before the colon
/// (RFC 6376 section 3.4.2); nothing when it is not a field name (RFC 5322 section 3.6.8).
std::optional<std::string> signable_name(std::string_view name);

/// One header field, as it is hashed.
struct MessageField {
  std::string name;  // signable_name(); empty: cannot be signed
  std::string text;  // "Name:value" without the final CRLF
};
MessageField make_message_field(const HeaderField& field);

/// Where the value of b= stands in the value of a signature's field, blanks included.
struct SignaturePlace {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool plain = true;  // libopendkim, which goes by the letters "b=", finds it too
};
/// `tags` are those of `value`, and there is a b= among them.
SignaturePlace find_signature(const TagList& tags, std::string_view value);

/// What a signature says about the header it covers.
struct SignedHeader {
  std::vector<std::string> names;  // h=, lower case
  Canonicalization canonicalization = Canonicalization::simple;
  SignaturePlace place;
};

/// A signature and the field it stands in; both are borrowed.
struct SignatureToHash {
  const SignedHeader* header;
  const MessageField* field;
};

/// The canonical form of one field (RFC 6376 section 3.4.1 and 3.4.2), without a line end.
std::string canonical_field(const MessageField& field, Canonicalization canonicalization);
/// The same of the field that a signature stands in, with an empty b= (RFC 6376 section 3.5).
std::string canonical_own_field(const SignatureToHash& signature);

/// A message's header made ready for its signatures: names are looked up in an index, and each
/// field is put in its canonical form once, however many signatures name it. So the work grows with
/// what is hashed, and not with the product of names, fields and signatures. Borrows the fields.
/// Not thread-safe.
///
/// libopendkim is the second opinion on it (hash_engine.h).
class SignableHeader {
 public:
  explicit SignableHeader(const std::vector<MessageField>& fields);

  /// The octets that a signature's header hash is made of (RFC 6376 section 3.7): the signed
  /// fields, bottom-up for each name (section 5.4.2), then the signature's own field with an empty
  /// b=.
  std::string canonical(const SignatureToHash& signature);

  /// Whether libopendkim reads this signature over these fields as RFC 6376 and RFC 8616 do.
  bool library_takes(const SignatureToHash& signature);

 private:
  /// A field's canonical form and what libopendkim would make of it, each found out when it is
  /// needed.
  struct Prepared {
    std::optional<std::string> relaxed;
    std::optional<bool> taken_simple;
    std::optional<bool> taken_relaxed;
  };
  std::string_view canonical_field(std::size_t index, Canonicalization canonicalization);
  bool library_takes_field(std::size_t index, Canonicalization canonicalization);

  const std::vector<MessageField>& fields_;
  std::vector<Prepared> prepared_;
  std::unordered_map<std::string_view, std::vector<std::size_t>> by_name_;  // top-down
};

/// For one signature alone.
std::string canonical_header(const std::vector<MessageField>& fields,
                             const SignatureToHash& signature);

/// The header hash of each signature (RFC 6376 section 3.7). `fields` are those of the message, in
/// order.
std::vector<Sha256Digest> hash_headers(const std::vector<MessageField>& fields,
                                       const std::vector<SignatureToHash>& signatures);

}  // namespace authmilter
