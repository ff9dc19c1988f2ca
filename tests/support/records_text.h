#pragma once

#include <string>

#include <authmilter/dns_answer.h>

namespace authmilter {

/// "192.0.2.1", "10=mx.example", "[text]"; others as to_string() gives them.
inline std::string told(const DnsRecord& record) {
  if (const auto* txt = std::get_if<TxtRecord>(&record)) return "[" + txt->text + "]";
  if (const auto* mx = std::get_if<MxRecord>(&record))
    return std::to_string(mx->preference) + "=" + mx->exchange.text();
  return to_string(record);
}

/// The records with a blank between them.
inline std::string records_text(const DnsAnswer& answer) {
  std::string line;
  for (const DnsRecord& record : answer.records) line += (line.empty() ? "" : " ") + told(record);
  return line;
}

}  // namespace authmilter
