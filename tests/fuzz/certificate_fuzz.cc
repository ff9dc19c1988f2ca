#include <authmilter/dane.h>
#include <authmilter/tls_probe.h>

#include <algorithm>
#include <vector>

#include "input.h"
#include "tls/chain_trust.h"

// Certificates that a server served (OpenSSL), one or more DER texts with a line "%%" between them:
// what is read is bounded and printable, nobody is trusted, and a record of usage 3 matches the
// first alone.

using namespace authmilter;
using fuzz::require;

namespace {

void check(const CertificateFacts& facts) {
  for (const std::string& text :
       {facts.subject, facts.issuer, facts.key_type, facts.signature_algorithm, facts.sha256}) {
    require(fuzz::printable_ascii(text), "texts are printable");
    require(text.size() < 300, "texts are bounded");
  }
  require(facts.dns_names.size() <= 500, "names are bounded");
  for (const std::string& name : facts.dns_names) {
    require(fuzz::printable_ascii(name) && !name.empty() && name.size() <= 253,
            "a name is printable");
    require(name.find('*') != std::string::npos || name.ends_with('.') ||
                certificate_has_name(facts, name),
            "it is for its own names");
  }
}

TlsaRecord whole_certificate(const std::string& der) { return {3, 0, 0, {der.begin(), der.end()}}; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMostCertificates = 10;
  fuzz::Input input(data, size);
  std::vector<std::string> chain;
  while (!input.empty() && chain.size() < kMostCertificates) chain.emplace_back(input.part());
  for (const std::string& der : chain) {
    if (const auto facts = read_certificate(der)) check(*facts);
  }
  require(verify_chain(chain, "/dev/null").trust != ChainTrust::trusted, "nobody is trusted");
  if (chain.empty()) return 0;
  std::vector<TlsaRecord> records = {whole_certificate(chain.front()),
                                     {2, 1, 1, std::vector<std::uint8_t>(32)}};
  const std::vector<std::string> names = {"mx.example.org"};
  const DaneMatch match = match_tlsa(chain, records, names, 1'795'910'400);
  require(match.records.size() == records.size(), "each record has its state");
  require(match.records[1] != TlsaState::matches, "a digest of zeros is nobody's");
  require((match.state == DaneState::verified) == (match.records[0] == TlsaState::matches),
          "verified means that a record matches");
  return 0;
}
