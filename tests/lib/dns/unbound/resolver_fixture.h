#pragma once

#include <authmilter/resolver.h>
#include <authmilter/unbound_resolver.h>

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "lib/dns/unbound/dns_server.h"
#include "support/temporary_folder.h"

/// What tests of the resolver before a DnsServer share.
namespace test {

using Clock = std::chrono::steady_clock;

authmilter::DnsQuestion question(const std::string& name,
                                 authmilter::RrType type = authmilter::RrType::txt);

/// An answer as a row has it: "secure [one], [two]", "nxdomain", "temperror/dns-timeout".
std::string told(const authmilter::DnsAnswer& answer);
std::string told(authmilter::Resolver& resolver, const std::string& name,
                 authmilter::RrType type = authmilter::RrType::txt);

/// That server alone, without validation.
authmilter::UnboundOptions options_for(const DnsServer& server);

/// Throws what make_unbound_resolver() returns as its error.
std::unique_ptr<authmilter::Resolver> make(const authmilter::UnboundOptions& options);

/// A file with this text, which may be the server's key.
class TextFile {
 public:
  explicit TextFile(const std::string& text) { write(text); }
  void write(const std::string& text) { folder_.write("file", text); }
  void remove();
  std::string path() const { return (folder_.path() / "file").string(); }

 private:
  authmilter::TemporaryFolder folder_;
};
using AnchorFile = TextFile;

/// Until `happened` says so; never longer than a minute.
template <class Happened>
void wait_for(Happened happened) {
  const auto end = Clock::now() + std::chrono::minutes(1);
  while (!happened() && Clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(Clock::now() < end);
}

template <class Body>
Clock::duration time_of(Body body) {
  const auto begin = Clock::now();
  body();
  return Clock::now() - begin;
}

}  // namespace test
