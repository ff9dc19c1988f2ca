#include <authmilter/dkim.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "dkim/signature_text.h"
#include "dkim/signed_names.h"
#include "signature/body_hasher.h"

namespace authmilter {
namespace {

constexpr char kFieldName[] = "DKIM-Signature";

}  // namespace

struct DkimSigner::Impl {
  Impl(std::span<const SigningKey> the_keys, DkimSignOptions the_options)
      : keys(the_keys), options(std::move(the_options)) {}

  Result<std::vector<HeaderField>> finish();

  std::span<const SigningKey> keys;
  DkimSignOptions options;
  std::vector<MessageField> fields;
  std::vector<std::string> signed_names;
  std::optional<BodyHasher> body;
};

/// The hashes need the body's hash, so the header is hashed last: the signatures are written with
/// an empty b= and hashed as a verifier would, then filled in.
Result<std::vector<HeaderField>> DkimSigner::Impl::finish() {
  if (!body) return Error{"message: the header was not ended"};
  const Sha256Digest body_hash = body->finish().front().digest;
  // RFC 6376 section 5.4: From MUST be signed, so there must be one.
  if (std::none_of(fields.begin(), fields.end(),
                   [](const MessageField& field) { return field.name == "from"; })) {
    return Error{"message: no From field to sign"};
  }

  std::vector<std::string> drafts;
  std::vector<MessageField> draft_fields;
  std::vector<SignedHeader> headers;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    drafts.push_back(signature_draft_text({&keys[i], &options, &signed_names, &body_hash}));
    const SignaturePlace empty{drafts.back().size(), drafts.back().size()};
    draft_fields.push_back(make_message_field({kFieldName, drafts.back()}));
    headers.push_back({signed_names, options.header, empty});
  }
  std::vector<SignatureToHash> inputs;
  for (std::size_t i = 0; i < keys.size(); ++i) inputs.push_back({&headers[i], &draft_fields[i]});
  const auto hashes = hash_headers(fields, inputs);

  std::vector<HeaderField> signed_fields;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto signature = keys[i].key->sign_sha256(hashes[i]);
    if (!signature) return signature.error();
    signed_fields.push_back(
        {kFieldName, signed_text(std::move(drafts[i]), base64_encode(*signature))});
  }
  return signed_fields;
}

DkimSigner::DkimSigner(const DkimEngine&, std::span<const SigningKey> keys,
                       const DkimSignOptions& options)
    : impl_(std::make_unique<Impl>(keys, options)) {}
DkimSigner::~DkimSigner() = default;

void DkimSigner::header(const HeaderField& field) {
  impl_->fields.push_back(make_message_field(field));
}

void DkimSigner::end_of_headers() {
  impl_->signed_names = select_signed_names(impl_->fields, impl_->options);
  const auto& names = impl_->signed_names;
  auto& fields = impl_->fields;
  fields.erase(std::remove_if(fields.begin(), fields.end(),
                              [&](const MessageField& field) {
                                return std::find(names.begin(), names.end(), field.name) ==
                                       names.end();
                              }),
               fields.end());
  impl_->body.emplace(impl_->options.body, std::vector<BodyLimit>{std::nullopt});
}

const std::vector<std::string>& DkimSigner::signed_names() const { return impl_->signed_names; }

void DkimSigner::body(std::string_view octets) {
  if (impl_->body) impl_->body->update(octets);
}

Result<std::vector<HeaderField>> DkimSigner::finish() { return impl_->finish(); }

}  // namespace authmilter
