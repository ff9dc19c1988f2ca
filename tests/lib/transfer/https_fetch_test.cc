#include <authmilter/https_fetch.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <csignal>
#include <ctime>
#include <thread>

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include "base/descriptor.h"
#include "support/made_certificates.h"
#include "support/temporary_folder.h"

using namespace authmilter;
using namespace std::chrono_literals;

namespace {

using SslContext = CHandle<SSL_CTX, SSL_CTX_free>;
using SslHandle = CHandle<SSL, SSL_free>;

/// A web server on the loopback interface that gives one answer to one request, with TLS where it
/// has a certificate.
class WebServer {
 public:
  explicit WebServer(std::string answer, SSL_CTX* context = nullptr)
      : answer_(std::move(answer)), context_(context) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(listener_.get(), generic, size) == 0);
    REQUIRE(::getsockname(listener_.get(), generic, &size) == 0);
    REQUIRE(::listen(listener_.get(), 1) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;
  ~WebServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  std::uint16_t port() const { return port_; }

 private:
  void serve() {
    // A client that does not like the certificate hangs up while OpenSSL writes.
    sigset_t broken_pipe;
    ::sigemptyset(&broken_pipe);
    ::sigaddset(&broken_pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    const Descriptor peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!peer.open()) return;
    char buffer[4096];
    if (context_ == nullptr) {
      if (::recv(peer.get(), buffer, sizeof buffer, 0) > 0)
        (void)::send(peer.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
      return;
    }
    const SslHandle ssl(SSL_new(context_));
    SSL_set_fd(ssl.get(), peer.get());
    if (SSL_accept(ssl.get()) == 1 && SSL_read(ssl.get(), buffer, sizeof buffer) > 0) {
      SSL_write(ssl.get(), answer_.data(), static_cast<int>(answer_.size()));
      SSL_shutdown(ssl.get());
    }
    ERR_clear_error();
  }

  std::string answer_;
  SSL_CTX* context_;
  Descriptor listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::uint16_t port_ = 0;
  std::thread thread_;
};

std::string ok(const std::string& fields, const std::string& body) {
  return "HTTP/1.1 200 OK\r\nConnection: close\r\n" + fields + "\r\n" + body;
}

FetchFacts fetched(const std::string& url, const WebServer& server, FetchOptions options = {}) {
  options.timeout = 3s;
  options.detours = {{"www.example.org", *IpAddress::parse("127.0.0.1"), server.port()}};
  return fetch_url(url, options);
}

}  // namespace

TEST_CASE("what a URL answers") {
  const struct {
    const char* why;
    std::string answer;
    FetchFacts facts;
  } rows[] = {
      {"a page",
       ok("Content-Type: text/plain\r\nstrict-transport-security:  max-age=1 \r\n", "hello"),
       {"", 200, "", true, "text/plain", "", {"max-age=1"}, "hello"}},
      {"a redirection is not followed",
       "HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
       {"", 301, "", true, "", "http://www.example.org/x", {}, ""}},
      {"to TLS",
       "HTTP/1.1 302 Found\r\nLocation: https://www.example.org/\r\nContent-Length: 0\r\n\r\n",
       {"", 302, "", true, "", "https://www.example.org/", {}, ""}},
      {"an error",
       "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno",
       {"", 404, "", true, "", "", {}, "no"}},
      {"longer than it may be",
       ok("", std::string(200, 'x')),
       {"", 200, "the answer is longer than 100 octets", true, "", "", {}, std::string(100, 'x')}},
  };
  for (auto row : rows) {
    CAPTURE(row.why);
    const WebServer server(row.answer);
    FetchOptions options;
    options.most_octets = 100;
    row.facts.url = "http://www.example.org/";
    const FetchFacts facts = fetched(row.facts.url, server, options);
    CHECK(facts.status == row.facts.status);
    CHECK(facts.trouble == row.facts.trouble);
    CHECK(facts.location == row.facts.location);
    CHECK(facts == row.facts);
  }
}

TEST_CASE("the certificate must be a good one") {
  const std::int64_t today = std::time(nullptr);
  const auto identity = [&](const char* name, std::int64_t until) {
    return made::Chain({name, {name}, today - 9 * made::kDay, until});
  };
  const made::Chain good = identity("www.example.org", today + made::kDay);
  const made::Chain other = identity("other.example", today + made::kDay);
  const made::Chain expired = identity("www.example.org", today - made::kDay);
  const struct {
    const char* why;
    const made::Chain& chain;
    bool knows_root;
    bool good;
  } rows[] = {
      {"good", good, true, true},
      {"of nobody we know", good, false, false},
      {"another's", other, true, false},
      {"expired", expired, true, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const TemporaryFolder folder;
    const made::Chain stranger;
    const X509* root = row.knows_root ? row.chain.root.get() : stranger.root.get();
    const SslContext context(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(context.get(), row.chain.server.get());
    SSL_CTX_use_PrivateKey(context.get(), row.chain.server_key.get());
    SSL_CTX_add1_chain_cert(context.get(), row.chain.issuer.get());
    const WebServer server(ok("", "hello"), context.get());
    FetchOptions options;
    options.ca_file = folder.write("ca.pem", made::pem_of(root)).string();
    const FetchFacts facts = fetched("https://www.example.org/", server, options);
    CHECK(facts.certificate_good == row.good);
    CHECK(facts.status == (row.good ? 200U : 0U));
    CHECK(facts.body == (row.good ? "hello" : ""));
    CHECK(facts.trouble.empty() == row.good);
  }
}

TEST_CASE("no other protocol is spoken, and nobody is waited for long") {
  for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/", "nonsense", ""}) {
    CAPTURE(url);
    const FetchFacts facts = fetch_url(url, {});
    CHECK(facts.status == 0);
    CHECK_FALSE(facts.trouble.empty());
  }
  const FetchFacts refused = fetch_url("http://127.0.0.1:1/", {});
  CHECK(refused.status == 0);
  CHECK(refused.certificate_good);
}
