#include <authmilter/spf.h>

#include "base/ascii.h"
#include "input.h"
#include "spf/grammar.h"
#include "spf/macro.h"

// SPF records and macros (RFC 7208 sections 4.6.1, 7 and 12).
//
//     local part | HELO name | client
//     record, domain-spec or explanation

using namespace authmilter;
using namespace authmilter::spf;
using fuzz::require;

namespace {

struct Sample {
  explicit Sample(std::string_view line) {
    const auto words = split(line, '|');
    local_part = words[0].substr(0, 64);
    if (words.size() > 1) helo = words[1].substr(0, 255);
    if (words.size() > 2) client = IpAddress::parse(words[2]).value_or(client);
  }
  std::string expanded(const MacroString& text) const {
    return expand(text, {.local_part = local_part,
                         .sender_domain = sender,
                         .domain = domain,
                         .client = client,
                         .helo = helo,
                         .receiver = "mx.example.net",
                         .now = 1'700'000'000,
                         .validated_name = [] { return std::string("unknown"); }});
  }
  std::string local_part, helo;
  DomainName sender = *DomainName::parse("email.example.com");
  DnsName domain = sender;
  IpAddress client = *IpAddress::parse("192.0.2.3");
};

void check_target(const MacroString& text, const Sample& sample) {
  const std::string expanded = sample.expanded(text);
  std::size_t most = 0;
  for (const auto& piece : text.pieces()) most += piece.literal.size() + 3 * 400;
  require(expanded.size() <= most, "an expansion is in proportion to its text");
  const auto name = target_name(expanded);
  if (!name) return;
  require(!name->is_root() && name->text().size() <= 253, "a target can be asked for");
  std::string_view undotted = expanded;
  if (undotted.ends_with('.')) undotted.remove_suffix(1);
  require(to_lower(undotted).ends_with(name->text()), "labels go from the left only");
}

void check_record(const Record& record, std::string_view text, const Sample& sample) {
  std::string written = "v=spf1";
  for (const Term& term : record.terms) {
    written += " " + term.text;
    require(term.prefix4 <= 32 && term.prefix6 <= 128, "prefixes are within their family");
    if (term.costs_lookup()) require(!term.matches(sample.client), "a lookup decides");
    if (term.domain_spec) check_target(*term.domain_spec, sample);
    const bool wants_domain =
        term.mechanism == Mechanism::include || term.mechanism == Mechanism::exists;
    require(!wants_domain || term.domain_spec, "include and exists name a domain");
  }
  for (const auto& modifier : {record.redirect, record.explanation}) {
    if (!modifier) continue;
    written += " " + modifier->text;
    check_target(modifier->domain_spec, sample);
  }
  const auto again = parse_record(written);
  require(again && again->terms.size() == record.terms.size(), "written and read, it is the same");

  const std::string more(text);
  if (more.size() > 8000 || record.terms.size() > 200) return;
  for (const char* wrong : {" foo:bar", " ip4:192.0.2.256", " ip6:192.0.2.1", " a:x/33", " all:x",
                            " include", " exists:%{z}.example", " -", " redirect=", " \x01"}) {
    require(!parse_record(more + wrong), "one wrong term spoils the record");
  }
  if (record.redirect) require(!parse_record(more + " redirect=a.example"), "one redirect");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const Sample sample(input.line());
  const std::string_view text = input.rest();
  if (is_spf_record(text)) {
    const auto record = parse_record(text);
    if (record) {
      check_record(*record, text, sample);
    } else {
      require(fuzz::printable_ascii(record.error().text()), "errors can be printed");
    }
  }
  if (const auto spec = parse_domain_spec(text)) {
    check_target(*spec, sample);
    require(parse_explanation(text).has_value(), "a domain-spec is a macro-string");
  }
  if (const auto explanation = parse_explanation(text)) sample.expanded(*explanation);
  return 0;
}
