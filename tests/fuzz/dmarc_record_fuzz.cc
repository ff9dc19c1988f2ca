#include <algorithm>

#include "base/ascii.h"
#include "dmarc/opendmarc_bridge.h"
#include "dmarc/policy_record.h"
#include "input.h"

// DMARC Policy Records (RFC 9989 section 4.7): what was read, written out, is read the same; and
// libopendmarc takes what we make of it.

using namespace authmilter;
using fuzz::require;

namespace {

std::vector<std::string> uris(const ReportDestinations& destinations) {
  std::vector<std::string> list;
  for (const auto& address : destinations.addresses) list.push_back(address.uri());
  return list;
}

std::string list(const ReportDestinations& destinations) {
  std::string text;
  for (const auto& uri : uris(destinations)) text += (text.empty() ? "" : ",") + uri;
  return text.empty() && destinations.any_valid ? "https://reports.example/" : text;
}

std::string written(const PolicyRecord& record) {
  const auto mode = [](AlignmentMode m) { return m == AlignmentMode::strict ? "s" : "r"; };
  std::string text = "v=DMARC1";
  const auto add = [&](const char* tag, std::string_view value) {
    text += "; " + std::string(tag) + "=" + std::string(value);
  };
  if (record.p) add("p", to_string(*record.p));
  if (record.sp) add("sp", to_string(*record.sp));
  if (record.np) add("np", to_string(*record.np));
  if (record.invalid_policy && record.p) add(record.sp ? "np" : "sp", "invalid");
  add("psd", record.psd == PsdFlag::y ? "y" : record.psd == PsdFlag::n ? "n" : "u");
  add("t", record.testing ? "y" : "n");
  add("adkim", mode(record.adkim));
  add("aspf", mode(record.aspf));
  add("fo", record.fo);
  add("rua", list(record.rua));
  add("ruf", list(record.ruf));
  return text;
}

bool same(const PolicyRecord& a, const PolicyRecord& b) {
  return a.p == b.p && a.sp == b.sp && a.np == b.np && a.invalid_policy == b.invalid_policy &&
         a.psd == b.psd && a.testing == b.testing && a.adkim == b.adkim && a.aspf == b.aspf &&
         a.fo == b.fo && a.rua == b.rua && a.ruf == b.ruf;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  if (!is_policy_record(input.text())) return 0;
  const auto record = parse_policy_record(input.text());
  if (!record) {
    require(fuzz::printable_ascii(record.error().message), "errors can be printed");
    return 0;
  }
  require(fuzz::printable_ascii(record->text), "the record can be printed");
  for (const auto& note : record->notes) require(fuzz::printable_ascii(note), "so can the notes");
  require(record->p || record->invalid_policy, "no policy is an invalid policy");

  const std::string text = written(*record);
  const auto again = parse_policy_record(text);
  require(is_policy_record(text) && again && same(*again, *record), "written and read, the same");
  const std::string twice = std::string(input.text()) + ";p=none;p=none";
  require(!parse_policy_record(twice), "a tag stands once");

  const OpendmarcInput question{*DomainName::parse("example.org"),
                                record->p.value_or(AssessmentPolicy::none),
                                record->testing,
                                {},
                                uris(record->rua),
                                uris(record->ruf)};
  const auto verdict = ask_opendmarc(question);
  require(verdict.has_value(), "libopendmarc takes the record");
  require(verdict->pass == question.spf_aligned, "it passes what is aligned");
  require(verdict->pass || verdict->policy == question.policy, "it finds the policy");
  require(verdict->rua == question.rua && verdict->ruf == question.ruf, "and the addresses");
  return 0;
}
