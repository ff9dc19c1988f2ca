#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include <authmilter/resolver.h>

#include "published_json.h"

namespace authmilter::published {

/// As the case files have it: names, and the one TXT text of each.
using Zone = std::map<std::string, std::string>;

inline Zone zone_of(const Value& object) {
  Zone zone;
  for (const auto& [name, text] : object.members()) zone[name] = text.text();
  return zone;
}

class MapResolver final : public Resolver {
 public:
  explicit MapResolver(Zone zone) : zone_(std::move(zone)) {}
  DnsAnswerRef resolve(const DnsQuestion& question, Deadline, Freshness) override {
    DnsAnswer answer;
    answer.status = DnsStatus::nxdomain;
    if (const auto text = zone_.find(question.name.text()); text != zone_.end()) {
      answer.status = DnsStatus::success;
      answer.records = {TxtRecord{text->second}};
    }
    return std::make_shared<const DnsAnswer>(answer);
  }
  void prefetch(const DnsQuestion&) override {}

 private:
  Zone zone_;
};

}  // namespace authmilter::published
