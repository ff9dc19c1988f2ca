#include "dkim/signature_text.h"

#include <cstddef>

namespace authmilter {
namespace {

constexpr std::size_t kLineColumns = 78;  // RFC 5322 section 2.1.1
constexpr std::size_t kTabColumns = 8;
constexpr std::string_view kFold = "\r\n\t";

/// Writes words, and begins a new line where one does not fit.
class Folder {
 public:
  Folder(std::string text, std::size_t column) : text_(std::move(text)), column_(column) {}

  /// `word` with a blank in front, or on a new line.
  void word(std::string_view word) {
    if (column_ + 1 + word.size() > kLineColumns) {
      new_line();
    } else {
      put(" ");
    }
    put(word);
  }

  /// `piece` right behind what stands there, or on a new line.
  void piece(std::string_view piece) {
    if (column_ + piece.size() > kLineColumns) new_line();
    put(piece);
  }

  /// As much of `text` as fits on each line.
  void split_anywhere(std::string_view text) {
    while (!text.empty()) {
      if (column_ >= kLineColumns) new_line();
      const auto part = text.substr(0, kLineColumns - column_);
      put(part);
      text.remove_prefix(part.size());
    }
  }

  std::string take() { return std::move(text_); }

 private:
  void put(std::string_view text) {
    text_ += text;
    column_ += text.size();
  }
  void new_line() {
    text_ += kFold;
    column_ = kTabColumns;
  }

  std::string text_;
  std::size_t column_;
};

std::size_t last_column(std::string_view text) {
  const std::size_t fold = text.rfind(kFold);
  if (fold == std::string_view::npos)
    return std::string_view("DKIM-Signature:").size() + text.size();
  return kTabColumns + text.size() - fold - kFold.size();
}

}  // namespace

std::string signature_draft_text(const SignatureDraft& draft) {
  const SigningKey& key = *draft.key;
  const DkimSignOptions& options = *draft.options;
  Folder folder("", last_column(""));
  folder.word("v=1;");
  folder.word("a=" + std::string(to_string(key.key->type())) + "-sha256;");
  folder.word("c=" + std::string(to_string(options.header)) + "/" +
              std::string(to_string(options.body)) + ";");
  folder.word("d=" + key.domain.text() + ";");
  folder.word("s=" + key.selector.text() + ";");
  folder.word("t=" + std::to_string(options.now) + ";");
  if (options.lifetime > 0)
    folder.word("x=" + std::to_string(options.now + options.lifetime) + ";");
  std::string before = "h=";
  for (const auto& name : *draft.signed_names) {
    const bool last = &name == &draft.signed_names->back();
    const std::string word = before + name + (last ? ";" : ":");
    before.empty() ? folder.piece(word) : folder.word(word);
    before.clear();
  }
  folder.word("bh=" + base64_encode(*draft.body_hash) + ";");
  folder.word("b=");
  return folder.take();
}

std::string signed_text(std::string draft_text, std::string_view encoded_signature) {
  const std::size_t column = last_column(draft_text);
  Folder folder(std::move(draft_text), column);
  folder.split_anywhere(encoded_signature);
  return folder.take();
}

}  // namespace authmilter
