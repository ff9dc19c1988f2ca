#include <cmath>

#include <fmt/format.h>

#include "input.h"
#include "status/daemon_status.h"
#include "status/exposition_text.h"

// What `authmilter status` reads from a server that may be anyone: samples written from what was
// read are read the same, and a status made of them can be looked at.

using namespace authmilter::tools;
using authmilter::fuzz::Input;
using authmilter::fuzz::require;

namespace {

std::string quoted(const std::string& value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? "\\n" : std::string(1, c);
  }
  return out + '"';
}

std::string written(const Sample& sample) {
  std::string line = sample.name + '{';
  for (const auto& [label, value] : sample.labels) line += label + '=' + quoted(value) + ',';
  const std::string number = std::isnan(sample.value)   ? "NaN"
                             : std::isinf(sample.value) ? (sample.value > 0 ? "+Inf" : "-Inf")
                                                        : fmt::format("{}", sample.value);
  return line + "} " + number + '\n';
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Input input(data, size);
  const auto samples = parse_exposition(input.text());
  if (!samples) return 0;
  for (const Sample& sample : *samples) {
    require(!sample.name.empty(), "a sample has a name");
    const auto again = parse_exposition(written(sample));
    require(again && again->size() == 1, "what was written is read");
    const Sample& read = again->front();
    require(read.name == sample.name && read.labels == sample.labels, "names and labels are kept");
    require(read.value == sample.value || (std::isnan(read.value) && std::isnan(sample.value)),
            "values are kept");
  }
  const auto status = read_status(*samples);
  if (!status) return 0;
  if (status->dns_median && status->dns_percentile95) {
    require(status->dns_median->seconds <= status->dns_percentile95->seconds ||
                status->dns_percentile95->or_more,
            "a median is no more than what nearly all are below");
  }
  warnings_of(*status, 1'800'000'000);
  return 0;
}
