#include "lib/dns/unbound/dns_server.h"

#include <authmilter/zone_resolver.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <span>
#include <stdexcept>

#include "base/ascii.h"
#include "base/c_handle.h"
#include "dns/record_fields.h"

using namespace authmilter;
using namespace std::chrono_literals;

namespace test {
namespace {

using Octets = std::vector<std::uint8_t>;
using PrivateKey = CHandle<EVP_PKEY, EVP_PKEY_free>;
using SignContext = CHandle<EVP_MD_CTX, EVP_MD_CTX_free>;

constexpr std::uint16_t kTypeDs = 43;
constexpr std::uint16_t kTypeDnskey = 48;
constexpr std::uint16_t kTypeNsec = 47;
constexpr std::uint16_t kTypeRrsig = 46;
constexpr std::uint8_t kEd25519 = 15;  // RFC 8080

void put8(Octets& to, std::size_t value) { to.push_back(static_cast<std::uint8_t>(value)); }
void put16(Octets& to, std::size_t value) {
  put8(to, value >> 8U & 0xffU);
  put8(to, value & 0xffU);
}
void put32(Octets& to, std::size_t value) {
  put16(to, value >> 16U & 0xffffU);
  put16(to, value & 0xffffU);
}
void put(Octets& to, std::span<const std::uint8_t> octets) {
  to.insert(to.end(), octets.begin(), octets.end());
}
void put_name(Octets& to, const std::string& name) {
  if (!name.empty()) {
    for (const auto label : split(name, '.')) {
      put8(to, label.size());
      to.insert(to.end(), label.begin(), label.end());
    }
  }
  put8(to, 0);
}

/// Writes the fields of a record as the wire has them.
struct FieldWriter {
  Octets& to;

  void number(std::uint8_t value, std::string_view = {}) { put8(to, value); }
  void number(std::uint16_t value, std::string_view = {}) { put16(to, value); }
  void number(std::uint32_t value, std::string_view = {}) { put32(to, value); }
  void algorithm(std::uint8_t value) { put8(to, value); }
  void seconds(std::uint32_t value) { put32(to, value); }
  void name(const DnsName& name) { put_name(to, name.text()); }
  void mailbox() { put_name(to, "mailbox"); }
  void v4(const IpAddress& address) { put(to, address.octets()); }
  void v6(const IpAddress& address) { put(to, address.octets()); }
  void strings(std::string_view text) {
    do {
      tag(text.substr(0, 255));
      text.remove_prefix(std::min<std::size_t>(text.size(), 255));
    } while (!text.empty());
  }
  void tag(std::string_view text) {
    put8(to, text.size());
    rest(text);
  }
  void rest(std::string_view text) { to.insert(to.end(), text.begin(), text.end()); }
  void hexadecimal(const Octets& octets) { put(to, octets); }
  void base64(const Octets& octets) { put(to, octets); }
};

std::vector<Octets> rdata_of(const DnsAnswer& answer) {
  std::vector<Octets> all;
  for (const DnsRecord& record : answer.records) {
    FieldWriter writer{all.emplace_back()};
    visit_fields(record, writer);
  }
  return all;
}

int open_socket(int type, const std::string& host, std::uint16_t port) {
  const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      (type == SOCK_STREAM && listen(fd, 8) != 0)) {
    if (fd >= 0) close(fd);
    return -1;
  }
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace

struct DnsServer::Query {
  std::uint16_t id = 0;
  std::string name;  // as asked
  std::uint16_t type = 0;
  Octets question;
  bool wants_signatures = false;

  std::string key() const { return to_lower(name); }

  static Query read(std::span<const std::uint8_t> message) {
    Query query;
    if (message.size() < 17) throw std::runtime_error("short query");
    query.id = static_cast<std::uint16_t>(message[0] << 8U | message[1]);
    std::size_t at = 12;
    while (message[at] != 0) {
      if (!query.name.empty()) query.name += '.';
      query.name.append(message.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                        message.begin() + static_cast<std::ptrdiff_t>(at) + 1 + message[at]);
      at += 1U + message[at];
    }
    query.type = static_cast<std::uint16_t>(message[at + 1] << 8U | message[at + 2]);
    query.question.assign(message.begin() + 12,
                          message.begin() + static_cast<std::ptrdiff_t>(at) + 5);
    // RFC 3225: the DO bit in the OPT record, which is the only other record of a query.
    const auto rest = message.subspan(at + 5);
    query.wants_signatures = rest.size() >= 11 && (rest[7] & 0x80U) != 0;
    return query;
  }
};

/// The root's key. Its zone holds every name, so there are no delegations to sign.
struct DnsServer::Key {
  PrivateKey key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")};

  Octets dnskey() const {
    Octets rdata;
    put16(rdata, 257);
    put8(rdata, 3);
    put8(rdata, kEd25519);
    Octets raw(32);
    std::size_t size = raw.size();
    EVP_PKEY_get_raw_public_key(key.get(), raw.data(), &size);
    put(rdata, raw);
    return rdata;
  }

  std::uint16_t tag() const {  // RFC 4034 appendix B
    std::uint32_t sum = 0;
    const Octets rdata = dnskey();
    for (std::size_t i = 0; i < rdata.size(); ++i)
      sum += (i % 2 == 0) ? std::uint32_t{rdata[i]} << 8U : rdata[i];
    return static_cast<std::uint16_t>(sum + (sum >> 16U & 0xffffU));
  }

  /// RFC 4034 section 3.1.8.1.
  Octets rrsig(const std::string& owner, std::uint16_t type, std::vector<Octets> rdatas,
               std::uint32_t ttl) const {
    const auto now = static_cast<std::size_t>(std::time(nullptr));
    Octets rdata;
    put16(rdata, type);
    put8(rdata, kEd25519);
    put8(rdata, owner.empty() ? 0 : split(owner, '.').size());
    put32(rdata, ttl);
    put32(rdata, now + 86400);
    put32(rdata, now - 86400);
    put16(rdata, tag());
    put_name(rdata, "");
    Octets covered = rdata;
    std::sort(rdatas.begin(), rdatas.end());
    for (const auto& one : rdatas) {
      put_name(covered, owner);
      put16(covered, type);
      put16(covered, 1);
      put32(covered, ttl);
      put16(covered, one.size());
      put(covered, one);
    }
    const SignContext context(EVP_MD_CTX_new());
    Octets signature(64);
    std::size_t size = signature.size();
    EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get());
    EVP_DigestSign(context.get(), signature.data(), &size, covered.data(), covered.size());
    put(rdata, signature);
    return rdata;
  }
};

DnsServer::DnsServer(const std::string& zone, Options options)
    : options_(std::move(options)), zone_(make_test_resolver(zone)), key_(std::make_unique<Key>()) {
  manners_.with([&](auto& manners) { manners = options_.manners; });
  for (int attempt = 0; attempt < 20 && tcp_ < 0; ++attempt) {
    if (udp_ >= 0) close(udp_);
    udp_ = open_socket(SOCK_DGRAM, options_.host, options_.port);
    port_ = port_of(udp_);
    tcp_ = open_socket(SOCK_STREAM, options_.host, port_);
  }
  if (udp_ < 0 || tcp_ < 0) throw std::runtime_error("no loopback port");
  thread_ = std::thread([this] { run(); });
}

DnsServer::~DnsServer() {
  stopping_ = true;
  thread_.join();
  close(udp_);
  close(tcp_);
}

int DnsServer::asked(const std::string& name) {
  return asked_.with([&](auto& asked) { return asked[name]; });
}

void DnsServer::change(const std::string& name, Manner manner) {
  manners_.with([&](auto& manners) { manners[name] = manner; });
}

Manner DnsServer::manner_of(const std::string& name) {
  return manners_.with([&](const auto& manners) {
    if (const auto found = manners.find(name); found != manners.end()) return found->second;
    for (auto dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
      if (const auto found = manners.find(name.substr(dot)); found != manners.end())
        return found->second;
    }
    return Manner::answer;
  });
}

std::string DnsServer::trust_anchor() const {
  const Octets rdata = key_->dnskey();
  std::string base64(48, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()), rdata.data() + 4, 32);
  base64.resize(base64.find('\0'));
  return ". 3600 IN DNSKEY 257 3 15 " + base64 + "\n";
}

void DnsServer::run() {
  while (!stopping_) {
    pollfd fds[] = {{udp_, POLLIN, 0}, {tcp_, POLLIN, 0}};
    poll(fds, 2, 10);
    try {
      if (fds[0].revents != 0) serve_udp();
      if (fds[1].revents != 0) serve_tcp();
    } catch (const std::exception&) {
      // A query that cannot be read gets no answer.
    }
    std::erase_if(late_, [&](const Late& late) {
      if (late.due > std::chrono::steady_clock::now()) return false;
      sendto(udp_, late.message.data(), late.message.size(), 0,
             reinterpret_cast<const sockaddr*>(late.to.data()),
             static_cast<socklen_t>(late.to.size()));
      return true;
    });
  }
}

void DnsServer::serve_udp() {
  Octets message(4096);
  Octets from(sizeof(sockaddr_in));
  socklen_t size = sizeof(sockaddr_in);
  const auto got = recvfrom(udp_, message.data(), message.size(), 0,
                            reinterpret_cast<sockaddr*>(from.data()), &size);
  if (got <= 0) return;
  message.resize(static_cast<std::size_t>(got));
  const Query query = Query::read(message);
  asked_.with([&](auto& asked) { ++asked[query.key()]; });
  const Manner manner = manner_of(query.key());
  if (manner == Manner::silent) return;
  Octets response = respond(query, manner);
  if (manner == Manner::truncate || response.size() > 1232) {
    response.resize(12 + query.question.size());
    response[2] |= 0x02;  // TC
    response[6] = response[7] = 0;
  }
  const auto delay = manner == Manner::slow ? 300ms : 0ms;
  late_.push_back({std::chrono::steady_clock::now() + delay, from, response});
}

void DnsServer::serve_tcp() {
  const int fd = accept(tcp_, nullptr, nullptr);
  if (fd < 0) return;
  const timeval patience{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  Octets message(4096);
  std::uint8_t length[2] = {};
  if (recv(fd, length, 2, MSG_WAITALL) == 2) {
    message.resize(static_cast<std::size_t>(length[0] << 8U | length[1]));
    if (recv(fd, message.data(), message.size(), MSG_WAITALL) ==
        static_cast<ssize_t>(message.size())) {
      const Query query = Query::read(message);
      const Octets response = respond(query, Manner::answer);
      Octets framed;
      put16(framed, response.size());
      put(framed, response);
      send(fd, framed.data(), framed.size(), MSG_NOSIGNAL);
    }
  }
  close(fd);
}

Octets DnsServer::respond(const Query& query, Manner manner) const {
  Octets message;
  put16(message, query.id);
  put16(message, 0x8580);  // QR AA RD RA
  put16(message, 1);
  put16(message, 0);
  put16(message, 0);
  put16(message, 0);
  put(message, query.question);
  const auto set_rcode = [&](unsigned rcode) {
    message[3] = static_cast<std::uint8_t>(0x80U | rcode);
  };
  std::uint16_t answers = 0;
  std::uint16_t denials = 0;
  switch (manner) {
    case Manner::servfail:
      set_rcode(2);
      return message;
    case Manner::refused:
      set_rcode(5);
      return message;
    case Manner::garbage:
      message[7] = 9;  // answers that are not there
      put8(message, 0xc0);
      return message;
    case Manner::silent:
    case Manner::answer:
    case Manner::slow:
    case Manner::truncate:
      break;
  }
  const bool leads_below = query.type == kTypeDs || query.type == kTypeDnskey;
  if (query.name.empty()) {
    if (!options_.signs || query.type != kTypeDnskey)
      set_rcode(options_.signs ? 0 : 5);
    else
      append_set(message, query, {key_->dnskey()}, 3600, answers);
  } else if (leads_below && signatures_ == Signatures::cut_off) {
    set_rcode(5);
  } else {
    const auto name = DnsName::parse(query.name);
    const auto answer = name ? zone_->resolve({*name, RrType::txt}) : nullptr;
    const bool exists = answer != nullptr && answer->status != DnsStatus::nxdomain;
    if (exists)
      append_answer(message, query, answers);
    else
      set_rcode(3);
    if (answers == 0)
      denials = append_denial(message, query, exists ? Missing::type : Missing::name);
  }
  message[6] = static_cast<std::uint8_t>(answers >> 8U);
  message[7] = static_cast<std::uint8_t>(answers & 0xffU);
  message[9] = static_cast<std::uint8_t>(denials);
  return message;
}

bool DnsServer::signs(const Query& query) const {
  const std::string owner = query.key();
  const bool below_test = owner == "test" || owner.ends_with(".test");
  return options_.signs && signatures_ != Signatures::strip && query.wants_signatures &&
         !below_test;
}

/// RFC 4034 section 4, with the smallest gaps around the name and the wildcard that could have
/// stood for it.
std::uint16_t DnsServer::append_denial(Octets& message, const Query& query, Missing missing) const {
  if (!signs(query)) return 0;
  std::uint16_t count = 0;
  const auto append = [&](const std::string& owner, const std::string& next) {
    Octets rdata;
    put_name(rdata, next);
    put(rdata, Octets{0, 6, 0, 0, 0, 0, 0, 3});  // RRSIG and NSEC
    constexpr std::uint32_t kTtl = 60;
    const auto put_record = [&](std::uint16_t type, const Octets& data) {
      put_name(message, owner);
      put16(message, type);
      put16(message, 1);
      put32(message, kTtl);
      put16(message, data.size());
      put(message, data);
      ++count;
    };
    put_record(kTypeNsec, rdata);
    put_record(kTypeRrsig, key_->rrsig(owner, kTypeNsec, {rdata}, kTtl));
  };
  const std::string name = query.key();
  if (missing == Missing::type) {
    append(name, std::string(1, '\0') + "." + name);
    return count;
  }
  const auto dot = name.find('.');
  const std::string first = name.substr(0, dot);
  const std::string rest = dot == std::string::npos ? "" : name.substr(dot);
  std::string before = first;
  --before.back();
  append(before + "~" + rest, first + std::string(1, '\0') + rest);
  append(")~" + rest, "+" + rest);
  return count;
}

void DnsServer::append_answer(Octets& message, const Query& query, std::uint16_t& count) const {
  constexpr std::uint16_t kServed[] = {1, 12, 15, 16, 28};
  if (std::find(std::begin(kServed), std::end(kServed), query.type) == std::end(kServed)) return;
  const auto answer =
      zone_->resolve({DnsName::parse(query.name).value(), static_cast<RrType>(query.type)});
  append_set(message, query, rdata_of(*answer), static_cast<std::uint32_t>(answer->ttl.count()),
             count);
}

void DnsServer::append_set(Octets& message, const Query& query, const std::vector<Octets>& rdatas,
                           std::uint32_t ttl, std::uint16_t& count) const {
  if (rdatas.empty()) return;
  const auto append = [&](std::uint16_t type, const Octets& rdata) {
    put16(message, 0xc00c);
    put16(message, type);
    put16(message, 1);
    put32(message, ttl);
    put16(message, rdata.size());
    put(message, rdata);
    ++count;
  };
  for (const auto& rdata : rdatas) append(query.type, rdata);
  const std::string owner = query.key();
  if (!signs(query)) return;
  Octets signature = key_->rrsig(owner, query.type, rdatas, ttl);
  const auto& bad = options_.badly_signed;
  if (std::find(bad.begin(), bad.end(), owner) != bad.end()) signature.back() ^= 1U;
  append(kTypeRrsig, signature);
}

}  // namespace test
