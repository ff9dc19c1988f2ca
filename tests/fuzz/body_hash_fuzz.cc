#include "base/ascii.h"
#include "input.h"
#include "signature/body_hasher.h"
#include "signature/hash_engine.h"

// The body's hash against RFC 6376 section 3.4 written down a second time, cut anywhere; and, but
// for bare CRs, against libopendkim's.
//
//     l= | l=
//     body

using namespace authmilter;
using fuzz::require;

namespace {

/// A body with line ends as the MTA will send them.
std::string with_line_ends(std::string_view body) {
  std::string text;
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] == '\n' && !text.ends_with('\r')) text += '\r';
    text += body[i];
  }
  if (!text.empty() && !text.ends_with("\r\n")) text += "\r\n";
  return text;
}

bool has_bare_cr(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && text.substr(i + 1, 1) != "\n") return true;
  }
  return false;
}

/// RFC 6376 sections 3.4.3 and 3.4.4.
std::string canonical_body(std::string_view text, Canonicalization canonicalization) {
  std::string out;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find("\r\n");
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    if (canonicalization == Canonicalization::simple) {
      out += line;
    } else {
      while (!line.empty() && is_wsp(line.back())) line.remove_suffix(1);
      for (std::size_t i = 0; i < line.size(); ++i) {
        if (!is_wsp(line[i])) {
          out += line[i];
        } else if (i == 0 || !is_wsp(line[i - 1])) {
          out += ' ';
        }
      }
    }
    out += "\r\n";
  }
  while (out.ends_with("\r\n\r\n")) out.resize(out.size() - 2);
  if (out == "\r\n") out.clear();
  if (out.empty() && canonicalization == Canonicalization::simple) out = "\r\n";
  return out;
}

const DkimLibrary& library() {
  static const DkimLibrary instance;
  return instance;
}

std::vector<BodyLimit> read_limits(std::string_view line) {
  std::vector<BodyLimit> limits{std::nullopt};
  for (const auto word : split(line, '|')) {
    if (word.empty() || word.size() > 15 || limits.size() == 3) continue;
    if (word.find_first_not_of("0123456789") != std::string_view::npos) continue;
    limits.emplace_back(std::stoull(std::string(word)));
  }
  return limits;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  fuzz::Dice dice(input.text());
  const auto limits = read_limits(input.line());
  const std::string_view body = input.rest();
  const std::string text = with_line_ends(body);
  for (const auto canonicalization : {Canonicalization::simple, Canonicalization::relaxed}) {
    BodyHasher hasher(canonicalization, limits);
    fuzz::in_pieces(body, dice, [&](std::string_view piece) { hasher.update(piece); });
    const auto hashes = hasher.finish();
    require(hashes.size() == limits.size(), "each limit has its hash");
    const std::string canonical = canonical_body(text, canonicalization);
    for (std::size_t i = 0; i < limits.size(); ++i) {
      const auto part = std::string_view(canonical).substr(0, limits[i].value_or(canonical.size()));
      require(hashes[i].digest == sha256(part), "the hash is RFC 6376's");
      require(hashes[i].octets == part.size(), "its length is RFC 6376's");
    }
    require(has_bare_cr(text) ||
                hashes.front().digest == library_body_hash(library(), canonicalization, text),
            "the hash is libopendkim's");
  }
  return 0;
}
