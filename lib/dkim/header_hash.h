#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <authmilter/message.h>

#include "dkim/signature.h"

namespace authmilter {

/// One header field, as it is hashed.
struct MessageField {
  std::string name;  // signable_name(); empty: cannot be signed
  std::string text;  // "Name:value" without the final CRLF
};
MessageField make_message_field(const HeaderField& field);

/// A signature and the DKIM-Signature field it stands in; both are borrowed.
struct SignatureToHash {
  const DkimSignature* signature;
  const MessageField* field;
};

/// The octets that a signature's header hash is made of (RFC 6376 section 3.7): the signed fields,
/// bottom-up for each name (section 5.4.2), then the signature's own field with an empty b=.
///
/// libopendkim does this for nearly every signature; this is for the few that it does not take as
/// RFC 6376 or RFC 8616 means them, and the second opinion in the tests.
std::string canonical_header(const std::vector<MessageField>& fields,
                             const SignatureToHash& signature);

/// Whether libopendkim reads this signature over these fields as RFC 6376 and RFC 8616 do.
bool library_takes(const std::vector<MessageField>& fields, const SignatureToHash& signature);

}  // namespace authmilter
