#include <authmilter/crypto.h>

#include <algorithm>

#include "base/ascii.h"
#include "dns/answer_wire.h"
#include "input.h"

// DNS responses (RFC 1035 section 4).
//
//     type name
//     octets of the message

using namespace authmilter;
using fuzz::require;

namespace {

using Octets = std::vector<std::uint8_t>;

std::optional<DnsQuestion> read_question(std::string_view line) {
  const std::size_t blank = line.find(' ');
  const auto name = DnsName::parse(line.substr(std::min(blank, line.size() - 1) + 1));
  if (blank == std::string_view::npos || !name) return std::nullopt;
  for (const auto type : {RrType::a, RrType::ptr, RrType::mx, RrType::txt, RrType::aaaa}) {
    if (equals_ignoring_case(line.substr(0, blank), to_string(type))) {
      return DnsQuestion{*name, type};
    }
  }
  return std::nullopt;
}

void check_answer(const DnsAnswer& answer, RrType type) {
  const bool success = answer.status == DnsStatus::success;
  require((answer.status == DnsStatus::temperror) == (answer.fault != DnsFault::none),
          "a fault is a temperror");
  const bool addresses = type == RrType::a || type == RrType::aaaa;
  require(answer.addresses.empty() == !(success && addresses), "addresses for A and AAAA");
  require(answer.exchanges.empty() == !(success && type == RrType::mx), "exchanges for MX");
  require(answer.names.empty() == !(success && type == RrType::ptr), "names for PTR");
  require(answer.texts.empty() == !(success && type == RrType::txt), "texts for TXT");
  require(answer.ttl.count() >= 0 && answer.ttl.count() <= 0x7fffffff, "RFC 2181 section 8");
  require(!answer.secure, "no message says that it is secure");
  for (std::size_t i = 1; i < answer.exchanges.size(); ++i) {
    require(answer.exchanges[i - 1].preference <= answer.exchanges[i].preference, "in order");
  }
  for (const auto& address : answer.addresses) {
    require(type == RrType::aaaa || address.is_v4(), "A has IPv4 addresses");
  }
}

bool same(const DnsAnswer& a, const DnsAnswer& b) {
  return a.status == b.status && a.addresses == b.addresses && a.exchanges == b.exchanges &&
         a.names == b.names && a.texts == b.texts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  fuzz::Dice dice(input.text());
  const std::string_view line = input.line();
  if (line.empty()) return 0;
  const auto question = read_question(line);
  if (!question) return 0;
  // A copy of its own size, so that AddressSanitizer sees a read behind the end.
  const std::string_view rest = input.rest();
  const Octets message(rest.begin(), rest.end());
  const DnsAnswer answer = parse_dns_answer(message, *question);
  check_answer(answer, question->type);
  for (int i = 0; i < 3; ++i) {
    const Octets cut(message.begin(),
                     message.begin() + static_cast<std::ptrdiff_t>(dice.roll(message.size())));
    const DnsAnswer part = parse_dns_answer(cut, *question);
    check_answer(part, question->type);
    require(part.status == DnsStatus::temperror || same(part, answer),
            "nothing is taken from a damaged message");
  }
  return 0;
}
