#include "dkim/signature_text.h"

#include "message/field_writer.h"

namespace authmilter {
namespace {

constexpr std::string_view kStart = "DKIM-Signature:";
constexpr FieldWriter::Lines kLines{"\r\n\t", 78};  // RFC 5322 section 2.1.1

}  // namespace

std::string signature_draft_text(const SignatureDraft& draft) {
  const SigningKey& key = *draft.key;
  const DkimSignOptions& options = *draft.options;
  FieldWriter writer(kLines, kStart);
  writer.word("v=1;");
  writer.word("a=" + std::string(to_string(key.key->type())) + "-sha256;");
  writer.word("c=" + std::string(to_string(options.header)) + "/" +
              std::string(to_string(options.body)) + ";");
  writer.word("d=" + key.domain.text() + ";");
  writer.word("s=" + key.selector.text() + ";");
  writer.word("t=" + std::to_string(options.now) + ";");
  if (options.lifetime > 0)
    writer.word("x=" + std::to_string(options.now + options.lifetime) + ";");
  std::string before = "h=";
  for (const auto& name : *draft.signed_names) {
    const bool last = &name == &draft.signed_names->back();
    const std::string word = before + name + (last ? ";" : ":");
    before.empty() ? writer.piece(word) : writer.word(word);
    before.clear();
  }
  writer.word("bh=" + base64_encode(*draft.body_hash) + ";");
  writer.word("b=");
  return writer.take();
}

std::string signed_text(std::string draft_text, std::string_view encoded_signature) {
  FieldWriter writer(kLines, kStart, std::move(draft_text));
  writer.split_anywhere(encoded_signature);
  return writer.take();
}

}  // namespace authmilter
