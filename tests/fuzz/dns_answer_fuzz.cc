#include <authmilter/crypto.h>

#include <algorithm>

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
  const auto type = parse_rr_type(line.substr(0, blank));
  if (!type) return std::nullopt;
  return DnsQuestion{*name, *type};
}

void check_answer(const DnsAnswer& answer, RrType type) {
  const bool success = answer.status == DnsStatus::success;
  require((answer.status == DnsStatus::temperror) == (answer.fault != DnsFault::none),
          "a fault is a temperror");
  require(answer.records.empty() == !success, "records where there are some");
  require(answer.ttl.count() >= 0 && answer.ttl.count() <= 0x7fffffff, "RFC 2181 section 8");
  require(!answer.secure, "no message says that it is secure");
  const auto exchanges = answer.all<MxRecord>();
  for (std::size_t i = 1; i < exchanges.size(); ++i) {
    require(exchanges[i - 1].preference <= exchanges[i].preference, "in order");
  }
  for (const auto& record : answer.records) {
    require(type_of(record) == type, "records of the type that was asked for");
    require(to_string(record).size() <= 4 * 65535, "records can be printed");
  }
  for (const auto& v4 : answer.all<ARecord>()) require(v4.address.is_v4(), "A has IPv4 addresses");
}

bool same(const DnsAnswer& a, const DnsAnswer& b) {
  return a.status == b.status && a.records == b.records;
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
