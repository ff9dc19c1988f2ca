#include "lib/dns/unbound/resolver_fixture.h"

#include <filesystem>
#include <stdexcept>
#include <utility>

#include "support/records_text.h"

using namespace authmilter;

namespace test {

DnsQuestion question(const std::string& name, RrType type) {
  return {DnsName::parse(name).value(), type};
}

std::string told(const DnsAnswer& answer) {
  if (answer.status == DnsStatus::temperror)
    return "temperror/" + std::string(to_string(answer.fault));
  if (answer.status != DnsStatus::success) return std::string(to_string(answer.status));
  std::string line = answer.secure ? "secure" : "insecure";
  if (!answer.records.empty()) line += " " + records_text(answer);
  return line;
}

std::string told(Resolver& resolver, const std::string& name, RrType type) {
  return told(*resolver.resolve(question(name, type)));
}

UnboundOptions options_for(const DnsServer& server) {
  UnboundOptions options;
  options.nameservers = {NameServer::parse(server.address()).value()};
  options.dnssec = DnssecMode::off;
  return options;
}

std::unique_ptr<Resolver> make(const UnboundOptions& options) {
  auto resolver = make_unbound_resolver(options);
  if (!resolver) throw std::runtime_error(resolver.error().message);
  return std::move(*resolver);
}

void TextFile::remove() { std::filesystem::remove(folder_.path() / "file"); }

}  // namespace test
