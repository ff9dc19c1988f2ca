// What is parsed and written for each message: tag lists, records of the DNS, the results field.

#include <authmilter/authentication_results.h>
#include <authmilter/dmarc.h>
#include <authmilter/spf.h>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <stdexcept>

#include "message/tag_list.h"
#include "scenario.h"
#include "spf/grammar.h"

using namespace authmilter;

namespace {

void tag_list(benchmark::State& state) {
  const auto& fields = bench::scenario_message("rsa-10k-0").fields;
  const auto signature = std::find_if(fields.begin(), fields.end(), [](const HeaderField& field) {
    return has_name(field, "dkim-signature");
  });
  if (signature == fields.end())
    throw std::runtime_error("the scenario's message has no signature");
  for (auto _ : state) {
    const TagList list(signature->value);
    if (!list) throw std::runtime_error("the signature is not a tag list");
    benchmark::DoNotOptimize(list.find("bh"));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * signature->value.size()));
}
BENCHMARK(tag_list)->Name("tag list/DKIM-Signature");

void spf_record(benchmark::State& state) {
  const std::string_view text =
      "v=spf1 ip4:198.51.100.0/28 ip4:198.51.100.16/28 ip4:198.51.100.32/28 a:mail.example.com mx "
      "include:_spf.example.com exists:%{ir}.allow.example.com ~all";
  for (auto _ : state) {
    const auto record = spf::parse_record(text);
    if (!record) throw std::runtime_error("the SPF record is not one");
    benchmark::DoNotOptimize(record->terms.size());
  }
}
BENCHMARK(spf_record)->Name("SPF/parse a record");

void spf_evaluation(benchmark::State& state) {
  const SpfRequest request{.client = *IpAddress::parse("192.0.2.10"),
                           .helo = parse_helo("mail.example.com"),
                           .mail_from = parse_reverse_path("<alice@example.com>")};
  for (auto _ : state) {
    const auto outcome = check_mail_from(request, bench::scenario_dns());
    if (outcome.result != SpfResult::pass) throw std::runtime_error("SPF does not pass");
  }
}
BENCHMARK(spf_evaluation)->Name("SPF/evaluation with three includes");

void dmarc_walk(benchmark::State& state) {
  const auto author = *DomainName::parse("news.lists.example.com");
  const auto signer = *DomainName::parse("example.com");
  const std::vector<AuthenticatedIdentifier> identifiers = {
      {.method = AuthenticatedIdentifier::Method::dkim, .domain = signer}};
  for (auto _ : state) {
    auto discovery = discover_dmarc(author, bench::scenario_dns());
    if (evaluate_dmarc(discovery, identifiers).result != DmarcResult::pass)
      throw std::runtime_error("DMARC does not pass");
  }
}
BENCHMARK(dmarc_walk)->Name("DMARC/walk from three labels and evaluation");

void results_field(benchmark::State& state) {
  const AuthenticationResults results{
      .authserv_id = "mx.example.net",
      .results = {{.method = "spf",
                   .result = "pass",
                   .properties = {{"smtp", "mailfrom", "alice@example.com"}}},
                  {.method = "dkim",
                   .result = "pass",
                   .properties = {{"header", "d", "example.com"},
                                  {"header", "s", "rsa"},
                                  {"header", "a", "rsa-sha256"}}},
                  {.method = "dmarc",
                   .result = "pass",
                   .properties = {{"header", "from", "example.com"}}}}};
  for (auto _ : state) benchmark::DoNotOptimize(compose(results));
}
BENCHMARK(results_field)->Name("results field/compose");

}  // namespace
