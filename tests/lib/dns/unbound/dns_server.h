#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <authmilter/resolver.h>

#include "base/locked.h"

namespace test {

/// What a server does with one name instead of answering from its zone.
enum class Manner { answer, silent, servfail, refused, slow, truncate, garbage };

/// A nameserver on a loopback port, UDP and TCP. It serves `zone` (as make_test_resolver reads
/// it) and, when told so, signs the answers as the root zone would, but for names below `test`
/// and those in `badly_signed`; what is not there is denied with signatures (RFC 4034 section 4).
/// Like a server of a few zones it refuses the root otherwise.
class DnsServer {
 public:
  struct Options {
    std::map<std::string, Manner> manners = {};  // ".test": of all names below it
    bool signs = false;
    std::vector<std::string> badly_signed = {};
    std::uint16_t port = 0;  // 0: any
    std::string host = "127.0.0.1";
  };
  explicit DnsServer(const std::string& zone) : DnsServer(zone, Options()) {}
  DnsServer(const std::string& zone, Options options);
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;
  ~DnsServer();

  std::uint16_t port() const { return port_; }
  std::string address() const { return options_.host + "@" + std::to_string(port_); }
  /// How often `name` was asked for over UDP, whatever the type.
  int asked(const std::string& name);
  void change(const std::string& name, Manner manner);
  /// What becomes of signatures, from now on. cut_off: DS and DNSKEY below the root are refused.
  enum class Signatures : std::uint8_t { pass, strip, cut_off };
  void change(Signatures signatures) { signatures_ = signatures; }
  /// The key that signs, as the line of a trust anchor file.
  std::string trust_anchor() const;

 private:
  struct Key;
  struct Query;
  using Octets = std::vector<std::uint8_t>;
  struct Late {
    std::chrono::steady_clock::time_point due;
    Octets to;
    Octets message;
  };

  void run();
  void serve_udp();
  void serve_tcp();
  Manner manner_of(const std::string& name);
  Octets respond(const Query& query, Manner manner) const;
  void append_answer(Octets& message, const Query& query, std::uint16_t& count) const;
  void append_set(Octets& message, const Query& query, const std::vector<Octets>& rdatas,
                  std::uint32_t ttl, std::uint16_t& count) const;
  /// The proof that there is no such name, or no such type.
  enum class Missing : std::uint8_t { name, type };
  std::uint16_t append_denial(Octets& message, const Query& query, Missing missing) const;
  bool signs(const Query& query) const;

  const Options options_;
  std::unique_ptr<authmilter::Resolver> zone_;
  std::unique_ptr<Key> key_;
  std::uint16_t port_ = 0;
  int udp_ = -1;
  int tcp_ = -1;
  std::vector<Late> late_;
  authmilter::Locked<std::map<std::string, int>> asked_;
  authmilter::Locked<std::map<std::string, Manner>> manners_;
  std::atomic<Signatures> signatures_ = Signatures::pass;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace test
