#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <authmilter/dkim.h>

namespace authmilter {

/// What a new signature says before it is made.
struct SignatureDraft {
  const SigningKey* key;
  const DkimSignOptions* options;
  const std::vector<std::string>* signed_names;
  const Sha256Digest* body_hash;
};

/// The value of its DKIM-Signature field up to and with "b=", folded: a leading blank, lines of at
/// most 78 columns where words allow.
std::string signature_draft_text(const SignatureDraft& draft);

/// `draft_text` with its b= filled in, folded as well.
std::string signed_text(std::string draft_text, std::string_view encoded_signature);

}  // namespace authmilter
