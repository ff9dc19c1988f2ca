#include "dns/check/dns_client.h"

#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "base/ascii.h"
#include "dns/rdata.h"
#include "dns/wire_reader.h"

namespace authmilter {
namespace {

using Clock = std::chrono::steady_clock;
using Octets = std::vector<std::uint8_t>;
using Outcome = DirectReply::Outcome;

constexpr std::uint16_t kTypeOpt = 41;
constexpr std::uint16_t kTypeRrsig = 46;
constexpr std::uint16_t kClassIn = 1;
constexpr std::size_t kMessageOctets = 65535;  // RFC 1035 section 4.2.2
// What libunbound says that it takes over UDP (edns-buffer-size).
constexpr std::uint16_t kUdpOctets = 1232;

void put16(Octets& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8U));
  to.push_back(static_cast<std::uint8_t>(value));
}

Octets query(std::uint16_t id, const DirectQuestion& question) {
  const bool extended = question.extension != DirectQuestion::Extension::none;
  Octets message;
  put16(message, id);
  put16(message, question.recursion == DirectQuestion::Recursion::desired ? 0x0100 : 0);  // RD
  put16(message, 1);
  put16(message, 0);
  put16(message, 0);
  put16(message, extended ? 1 : 0);
  if (!question.name.is_root()) {
    for (const auto label : split(question.name.text(), '.')) {
      message.push_back(static_cast<std::uint8_t>(label.size()));
      message.insert(message.end(), label.begin(), label.end());
    }
  }
  message.push_back(0);
  put16(message, static_cast<std::uint16_t>(question.type));
  put16(message, kClassIn);
  if (!extended) return message;
  message.push_back(0);
  put16(message, kTypeOpt);
  put16(message, kUdpOctets);
  put16(message, 0);
  put16(message, question.extension == DirectQuestion::Extension::dnssec ? 0x8000 : 0);  // DO
  put16(message, 0);
  return message;
}

/// A socket that is connected, or being connected, to a name server; -1 inside when there is none.
class Connection {
 public:
  Connection(const NameServer& server, int type) {
    sockaddr_storage address{};
    const socklen_t size = fill(server, address);
    number_ = socket(address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (number_ < 0) return;
    const auto* to = reinterpret_cast<const sockaddr*>(&address);
    if (connect(number_, to, size) != 0 && errno != EINPROGRESS) failed_ = true;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    if (number_ >= 0) close(number_);
  }

  bool failed() const { return failed_ || number_ < 0; }

  bool wait(short events, Clock::time_point until) const {
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
      if (left <= 0) return false;
      pollfd one{number_, events, 0};
      const int ready = poll(&one, 1, static_cast<int>(left));
      if (ready > 0) return true;
      if (ready < 0 && errno != EINTR) return false;
    }
  }

  /// All of `octets`, or nothing is known.
  Outcome write(std::span<const std::uint8_t> octets, Clock::time_point until) const {
    while (!octets.empty()) {
      if (!wait(POLLOUT, until)) return Outcome::silent;
      const auto sent = send(number_, octets.data(), octets.size(), MSG_NOSIGNAL);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (sent < 0) return Outcome::refused;
      octets = octets.subspan(static_cast<std::size_t>(sent));
    }
    return Outcome::answered;
  }

  /// At most `octets.size()`; the number that came, 0 at the end, nothing when it failed.
  struct Read {
    Outcome outcome;
    std::size_t count = 0;
  };
  Read read(std::span<std::uint8_t> octets, Clock::time_point until) const {
    for (;;) {
      if (!wait(POLLIN, until)) return {Outcome::silent};
      const auto got = recv(number_, octets.data(), octets.size(), 0);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (got < 0) return {Outcome::refused};
      return {Outcome::answered, static_cast<std::size_t>(got)};
    }
  }

 private:
  static socklen_t fill(const NameServer& server, sockaddr_storage& to) {
    const auto octets = server.address().octets();
    if (server.address().is_v4()) {
      auto& v4 = reinterpret_cast<sockaddr_in&>(to);
      v4.sin_family = AF_INET;
      v4.sin_port = htons(server.port());
      std::memcpy(&v4.sin_addr, octets.data(), octets.size());
      return sizeof v4;
    }
    auto& v6 = reinterpret_cast<sockaddr_in6&>(to);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(server.port());
    std::memcpy(&v6.sin6_addr, octets.data(), octets.size());
    const std::string& scope = server.scope();
    v6.sin6_scope_id = scope.empty() ? 0 : if_nametoindex(scope.c_str());
    if (!scope.empty() && v6.sin6_scope_id == 0)
      std::from_chars(scope.data(), scope.data() + scope.size(), v6.sin6_scope_id);
    return sizeof v6;
  }

  int number_ = -1;
  bool failed_ = false;
};

DirectReply ended(Outcome outcome) {
  DirectReply reply;
  reply.outcome = outcome;
  return reply;
}

DirectReply ask_by_udp(const NameServer& server, const DirectQuestion& question, std::uint16_t id,
                       Clock::time_point begin, std::chrono::milliseconds timeout) {
  const Connection connection(server, SOCK_DGRAM);
  if (connection.failed()) return ended(Outcome::refused);
  const Octets message = query(id, question);
  DirectReply last = ended(Outcome::silent);
  for (const auto until : {begin + timeout / 2, begin + timeout}) {
    const auto sent = connection.write(message, until);
    if (sent != Outcome::answered) return ended(sent);
    Octets reply(kMessageOctets);
    for (;;) {
      const auto got = connection.read(reply, until);
      if (got.outcome == Outcome::refused) return ended(Outcome::refused);
      if (got.outcome != Outcome::answered) break;
      last = read_direct_reply(std::span(reply).first(got.count), id, question);
      // Somebody else's datagram, or one that is damaged: the right one may follow.
      if (last.answered()) return last;
    }
  }
  return last;
}

DirectReply ask_by_tcp(const NameServer& server, const DirectQuestion& question, std::uint16_t id,
                       Clock::time_point until) {
  const Connection connection(server, SOCK_STREAM);
  if (connection.failed()) return ended(Outcome::refused);
  const Octets message = query(id, question);
  Octets framed;
  put16(framed, message.size());
  framed.insert(framed.end(), message.begin(), message.end());
  const auto sent = connection.write(framed, until);
  if (sent != Outcome::answered) return ended(sent);
  Octets reply;
  std::size_t wanted = 2;
  while (reply.size() < wanted) {
    Octets piece(wanted - reply.size());
    const auto got = connection.read(piece, until);
    if (got.outcome != Outcome::answered) return ended(got.outcome);
    if (got.count == 0) return ended(Outcome::refused);
    reply.insert(reply.end(), piece.begin(),
                 piece.begin() + static_cast<std::ptrdiff_t>(got.count));
    if (reply.size() == 2 && wanted == 2) wanted += std::size_t{reply[0]} << 8U | reply[1];
  }
  return read_direct_reply(std::span(reply).subspan(2), id, question);
}

}  // namespace

DirectReply read_direct_reply(std::span<const std::uint8_t> message, std::uint16_t id,
                              const DirectQuestion& question) {
  DirectReply reply = ended(Outcome::unreadable);
  WireReader reader(message);
  const auto got_id = reader.number16();
  const auto flags = reader.number16();
  const auto questions = reader.number16();
  const auto answers = reader.number16();
  const auto authorities = reader.number16();
  const auto more = reader.number16();
  reply.octets = message.size();
  reply.rcode = flags & 0x000fU;
  reply.truncated = (flags & 0x0200U) != 0;
  reply.recursive = (flags & 0x0080U) != 0;
  reply.authoritative = (flags & 0x0400U) != 0;
  reply.authentic = (flags & 0x0020U) != 0;
  if (reader.failed() || got_id != id || (flags & 0x8000U) == 0) return reply;
  // Some servers leave the question out of an error.
  if (questions > 1 || (questions == 0 && reply.rcode == 0)) return reply;
  if (questions == 1) {
    const WireName name = reader.name();
    const auto type = RrType(reader.number16());
    const auto rr_class = reader.number16();
    if (reader.failed() || name.text != question.name.text() || type != question.type ||
        rr_class != kClassIn)
      return reply;
  }
  const unsigned total = unsigned{answers} + authorities + more;
  for (unsigned i = 0; i < total; ++i) {
    const WireName owner = reader.name();
    const auto type = reader.number16();
    reader.number16();
    const std::chrono::seconds ttl(reader.number32());
    const auto size = reader.number16();
    const WireReader data = reader.part(size);
    reader.octets(size);
    if (reader.failed()) {
      // What is truncated may end anywhere.
      reply.outcome = reply.truncated ? Outcome::answered : Outcome::unreadable;
      return reply;
    }
    reply.extended = reply.extended || type == kTypeOpt;
    reply.has_signatures = reply.has_signatures || type == kTypeRrsig;
    if (i < answers && RrType(type) == RrType::cname && question.type != RrType::cname) {
      const auto alias = read_rdata(RrType::cname, data).record;
      // Of a chain the first step: each zone on the way has servers of its own.
      if (!alias || owner.text != question.name.text()) continue;
      reply.alias = std::get<CnameRecord>(*alias).target;
      reply.alias_ttl = ttl;
      continue;
    }
    if (i >= answers || RrType(type) != question.type) continue;
    ++reply.records;
    reply.ttl = std::max(reply.ttl, ttl);
    const auto record = read_rdata(question.type, data).record;
    if (!record) continue;
    reply.answers.push_back(*record);
    if (const auto* txt = std::get_if<TxtRecord>(&*record)) reply.text_octets += txt->text.size();
    if (const auto* v4 = std::get_if<ARecord>(&*record)) reply.addresses.push_back(v4->address);
  }
  reply.outcome = Outcome::answered;
  return reply;
}

DirectReply ask_directly(const NameServer& server, const DirectQuestion& question,
                         std::chrono::milliseconds timeout) {
  std::uint16_t id = 0;
  if (getrandom(&id, sizeof id, 0) != sizeof id) return ended(Outcome::refused);
  const auto begin = Clock::now();
  DirectReply reply = question.transport == DirectQuestion::Transport::udp
                          ? ask_by_udp(server, question, id, begin, timeout)
                          : ask_by_tcp(server, question, id, begin + timeout);
  reply.after = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
  return reply;
}

}  // namespace authmilter
