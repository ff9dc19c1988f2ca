#include "dkim/line_endings.h"
#include "input.h"

// The body's line ends: however the octets are cut into pieces, what goes to the hash is the same.

using namespace authmilter;
using fuzz::require;

namespace {

struct Output {
  std::string text;
  bool exact = true;
  bool operator==(const Output&) const = default;
};

template <class Feed>
Output output(Canonicalization canonicalization, Feed feed) {
  Output out;
  const LineEndings::Sink sink = [&](std::string_view octets) {
    require(!octets.empty(), "no empty piece");
    out.text += octets;
  };
  LineEndings lines(canonicalization);
  feed([&](std::string_view piece) { lines.update(piece, sink); });
  lines.finish(sink);
  out.exact = lines.exact();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  const std::string_view body = input.text();
  fuzz::Dice dice(body);
  for (const auto canonicalization : {Canonicalization::simple, Canonicalization::relaxed}) {
    const Output whole = output(canonicalization, [&](auto take) { take(body); });
    const auto cut = [&](auto take) { fuzz::in_pieces(body, dice, take); };
    const auto single = [&](auto take) {
      for (std::size_t i = 0; i < body.size(); ++i) take(body.substr(i, 1));
    };
    require(output(canonicalization, single) == whole, "octet by octet, the same");
    for (int i = 0; i < 3; ++i) require(output(canonicalization, cut) == whole, "cut, the same");
    require(whole.text.empty() == body.empty(), "something of something");
    require(body.empty() || whole.text.ends_with("\r\n"), "the last line is ended");
    for (std::size_t i = 0; i < whole.text.size(); ++i) {
      require(whole.text[i] != '\n' || (i > 0 && whole.text[i - 1] == '\r'), "no bare LF");
    }
    if (body.find('\r') != std::string_view::npos) continue;
    std::string wanted;
    for (const char c : body) wanted += c == '\n' ? "\r\n" : std::string(1, c);
    if (!wanted.empty() && !wanted.ends_with('\n')) wanted += "\r\n";
    require(whole == Output{wanted, true}, "LF becomes CRLF and nothing else changes");
  }
  return 0;
}
