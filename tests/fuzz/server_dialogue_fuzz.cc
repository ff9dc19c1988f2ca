#include "tls/plain_dialogue.h"

#include <algorithm>
#include <vector>

#include "input.h"

// What a server says before TLS: the first line has the protocol, "smtp", "imap" or "pop3", the
// rest is what the server says. Cut anywhere, it means the same; what is kept is bounded and
// printable.

using namespace authmilter;
using fuzz::require;

namespace {

// More would run into the limit on all that is said, which counts what was read, not what was used.
constexpr std::size_t kMostOctets = 4096;

class InPieces final : public ServerStream {
 public:
  explicit InPieces(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  StreamRead read(StreamDeadline) override {
    if (next_ == pieces_.size()) return {StreamState::ended, {}};
    return {StreamState::octets, pieces_[next_++]};
  }
  bool write(std::string_view, StreamDeadline) override { return true; }

 private:
  std::vector<std::string> pieces_;
  std::size_t next_ = 0;
};

PlainDialogue spoken(ServerProtocol protocol, std::vector<std::string> pieces) {
  using std::chrono::seconds;
  InPieces stream(std::move(pieces));
  return speak_plain(stream, protocol, "audit.example",
                     {seconds(9), seconds(9), std::chrono::steady_clock::now() + seconds(9)});
}

void check(const PlainDialogue& said) {
  for (const std::string& text : {said.greeting, said.trouble}) {
    require(fuzz::printable_ascii(text), "texts are printable");
    require(text.size() < 400, "texts are bounded");
  }
  require(!said.ready || said.starttls, "who is ready has named STARTTLS");
  require(said.ready == said.trouble.empty(), "there is a reason, or none is needed");
  require(said.plain_logins.size() <= 5, "logins are few");
  require(!said.late, "the end is not a delay");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::string_view word = input.line();
  const std::string_view text = input.rest();
  const ServerProtocol protocol = word == "imap"   ? ServerProtocol::imap
                                  : word == "pop3" ? ServerProtocol::pop3
                                                   : ServerProtocol::smtp;
  const PlainDialogue whole = spoken(protocol, {std::string(text)});
  check(whole);
  std::vector<std::string> pieces;
  fuzz::Dice dice(text);
  fuzz::in_pieces(text, dice, [&](std::string_view piece) { pieces.emplace_back(piece); });
  const PlainDialogue cut = spoken(protocol, std::move(pieces));
  check(cut);
  if (text.size() > kMostOctets) return 0;
  require(whole.ready == cut.ready && whole.starttls == cut.starttls, "cut anywhere, the same");
  require(whole.greeting == cut.greeting && whole.trouble == cut.trouble,
          "cut anywhere, the same texts");
  require(whole.plain_logins == cut.plain_logins, "cut anywhere, the same logins");
  return 0;
}
