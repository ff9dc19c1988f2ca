// A body canonicalized and hashed, and a whole message judged or signed, in memory; beside each
// what the bare cryptography of it takes.

#include <authmilter/key_ring.h>
#include <authmilter/sign.h>
#include <authmilter/verify.h>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>
#include <stdexcept>

#include "../floor/bare_work.h"
#include "scenario.h"
#include "signature/body_hasher.h"

using namespace authmilter;

namespace {

/// What libmilter hands over at once.
constexpr std::size_t kChunk = 65535;
/// The scenario's signatures say when they were made.
const std::int64_t kNow = std::time(nullptr);

template <class Take>
void in_chunks(std::string_view body, Take take) {
  for (; !body.empty(); body.remove_prefix(std::min(body.size(), kChunk)))
    take(body.substr(0, kChunk));
}

void count_octets(benchmark::State& state, const Message& message) {
  std::size_t octets = message.body.size();
  for (const auto& field : message.fields) octets += field.name.size() + field.value.size() + 3;
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * octets));
}

void body_hash(benchmark::State& state, Canonicalization canonicalization,
               const std::string& name) {
  const auto& message = bench::scenario_message(name);
  for (auto _ : state) {
    BodyHasher hasher(canonicalization, {BodyLimit{}});
    in_chunks(message.body, [&](std::string_view octets) { hasher.update(octets); });
    benchmark::DoNotOptimize(hasher.finish());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * message.body.size()));
}

Config config_of(const std::string& signing) {
  auto config = parse_config("[identity]\nauthserv_id = \"mx.example.net\"\n" + signing, "parts",
                             "mx.example.net");
  if (!config) throw std::runtime_error(config.error().message);
  return *config;
}

Envelope envelope_of(const char* client, const std::string& auth_user) {
  Envelope envelope;
  envelope.client = IpAddress::parse(client);
  envelope.helo = parse_helo("mail.example.com");
  envelope.mail_from = parse_reverse_path("<alice@example.com>");
  envelope.auth_user = auth_user;
  return envelope;
}

void verify(benchmark::State& state, const std::string& name) {
  static const Config config = config_of("");
  static const DkimEngine engine;
  const auto& message = bench::scenario_message(name);
  for (auto _ : state) {
    MessageVerifier verifier(config, engine, bench::scenario_dns(), envelope_of("192.0.2.10", ""),
                             kNow);
    for (const auto& field : message.fields) verifier.header(field);
    verifier.end_of_headers();
    if (verifier.wants_body())
      in_chunks(message.body, [&](std::string_view octets) { verifier.body(octets); });
    const auto verdict = verifier.finish();
    if (verdict.authentication_results.find("dmarc=pass") == std::string::npos)
      throw std::runtime_error(name + " does not pass: " + verdict.authentication_results);
  }
  count_octets(state, message);
}

/// `keys`: the selectors, which are the names of their files too.
void sign(benchmark::State& state, const std::vector<std::string>& keys, const std::string& name) {
  std::string table = "[[signing.domain]]\ndomain = \"example.com\"\nkeys = [";
  for (const auto& key : keys)
    table += "{ selector = \"" + key + "\", file = \"" +
             (bench::scenario_folder() / "keys" / (key + ".pem")).string() + "\" },";
  const Config config = config_of(table + "]\n");
  const auto ring = KeyRing::load(config.signing);
  if (!ring) throw std::runtime_error(ring.error().message);
  static const DkimEngine engine;
  const auto& message = bench::scenario_message(name);
  for (auto _ : state) {
    MessageSigner signer(config, engine, **ring, envelope_of("192.0.2.77", "alice@example.com"),
                         kNow);
    for (const auto& field : message.fields) signer.header(field);
    signer.end_of_headers();
    in_chunks(message.body, [&](std::string_view octets) { signer.body(octets); });
    const auto outcome = signer.finish();
    if (outcome.keys.size() != keys.size())
      throw std::runtime_error(name + " is not signed: " + std::string(outcome.reason.word()));
  }
  count_octets(state, message);
}

enum class Bare { verify, sign };

void bare(benchmark::State& state, Bare work, const std::vector<std::string>& keys,
          const std::string& name) {
  std::vector<bench::LoadedKey> loaded;
  for (const auto& key : keys)
    loaded.emplace_back((bench::scenario_folder() / "keys" / (key + ".pem")).string());
  const auto& message = bench::scenario_message(name);
  for (auto _ : state) {
    bench::Hash header;
    for (const auto& field : message.fields) {
      header.add(field.name);
      header.add(field.value);
    }
    bench::Hash body;
    in_chunks(message.body, [&](std::string_view octets) { body.add(octets); });
    body.finish();
    const auto digest = header.finish();
    for (const auto& key : loaded) {
      if (work == Bare::sign) {
        benchmark::DoNotOptimize(key.sign(digest));
      } else {
        benchmark::DoNotOptimize(key.verify());
      }
    }
  }
  count_octets(state, message);
}

const std::vector<std::pair<std::string, std::vector<std::string>>> kAlgorithms = {
    {"rsa", {"rsa"}}, {"ed25519", {"ed25519"}}, {"both", {"rsa", "ed25519"}}};

const bool registered = [] {
  for (const auto& size : bench::scenario_sizes()) {
    for (const auto canonicalization : {Canonicalization::simple, Canonicalization::relaxed})
      benchmark::RegisterBenchmark(
          ("body hash/" + std::string(to_string(canonicalization)) + "/" + size).c_str(), body_hash,
          canonicalization, "rsa-" + size + "-0");
  }
  for (const auto& [algorithm, keys] : kAlgorithms) {
    for (const auto& size : bench::scenario_sizes()) {
      const auto received = algorithm + "-" + size + "-0";
      const auto submitted = "submit-" + size + "-0";
      benchmark::RegisterBenchmark(("verify/" + algorithm + "/" + size).c_str(), verify, received);
      benchmark::RegisterBenchmark(("verify/" + algorithm + "/" + size + "/floor").c_str(), bare,
                                   Bare::verify, keys, received);
      benchmark::RegisterBenchmark(("sign/" + algorithm + "/" + size).c_str(), sign, keys,
                                   submitted);
      benchmark::RegisterBenchmark(("sign/" + algorithm + "/" + size + "/floor").c_str(), bare,
                                   Bare::sign, keys, submitted);
    }
  }
  benchmark::RegisterBenchmark("verify/three ARC Sets/10k", verify, "sealed-10k-0");
  return true;
}();

}  // namespace

BENCHMARK_MAIN();
