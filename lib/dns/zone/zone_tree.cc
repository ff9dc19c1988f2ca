#include "dns/zone/zone_tree.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "dns/record_fields.h"

namespace authmilter {
namespace {

using std::chrono::seconds;

/// The name without its leftmost label; the root for a single label.
std::string_view parent_of(std::string_view name) {
  const auto dot = name.find('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
}

/// The records of one name while the tree is built.
struct Draft {
  std::map<RrType, DnsAnswer> answers;
  std::vector<MasterFields> written;

  void add(const MasterRecord& record) {
    if (!record.data) return;
    // RFC 2181 section 5: a set holds no record twice.
    if (std::find(written.begin(), written.end(), *record.data) != written.end()) return;
    written.push_back(*record.data);
    auto [found, is_new] = answers.try_emplace(type_of(record.data->record));
    DnsAnswer& set = found->second;
    if (is_new) set.ttl = record.ttl;
    set.status = DnsStatus::success;
    set.records.push_back(record.data->record);
    // RFC 2181 section 5.2: the TTLs of a set are one; the lowest where they differ.
    set.ttl = std::min(set.ttl, record.ttl);
  }

  /// RFC 1034 section 3.6.2: where there is a CNAME there is nothing else. (The records of DNSSEC
  /// that may be there are of types that are not kept.)
  bool conflicts() const {
    const auto aliases = answers.find(RrType::cname);
    return aliases != answers.end() && (answers.size() > 1 || aliases->second.records.size() > 1);
  }

  ZoneNode finish() && {
    ZoneNode node;
    node.has_records = true;
    for (auto& [type, answer] : answers) {
      sort_by_preference(answer.records);
      if (const auto* soa = std::get_if<SoaRecord>(&answer.records.front()))
        node.negative_ttl = std::min(seconds(soa->minimum), answer.ttl);  // RFC 2308 section 5
      node.answers.emplace(type, std::make_shared<const DnsAnswer>(std::move(answer)));
    }
    return node;
  }
};

}  // namespace

DnsAnswerRef ZoneNode::records(RrType type) const {
  const auto found = answers.find(type);
  return found == answers.end() ? nullptr : found->second;
}

Result<ZoneTree> ZoneTree::build(const std::vector<ZoneFile>& files) {
  std::map<DnsName, Draft> drafts;
  for (const auto& file : files) {
    const auto records = parse_master_file(file);
    if (!records) return records.error();
    for (const auto& record : *records) {
      auto& draft = drafts[record.owner];
      draft.add(record);
      if (draft.conflicts())
        return Error{
            fmt::format("{}:{}: CNAME and other data at one name", file.name, record.line)};
    }
  }

  ZoneTree tree;
  for (auto& [name, draft] : drafts) {
    tree.nodes_[name.text()] = std::move(draft).finish();
    // RFC 8020 section 2: a name exists when one below it does.
    for (auto above = parent_of(name.text());; above = parent_of(above)) {
      tree.nodes_.try_emplace(std::string(above));
      if (above.empty()) break;
    }
  }
  return tree;
}

const ZoneNode* ZoneTree::node(std::string_view name) const {
  const auto found = nodes_.find(name);
  return found == nodes_.end() ? nullptr : &found->second;
}

ZoneTree::Match ZoneTree::find(const DnsName& name) const {
  Match match;
  match.node = node(name.text());
  bool encloser_found = match.node != nullptr;
  for (std::string_view at = name.text();; at = parent_of(at)) {
    const ZoneNode* here = node(at);
    if (here != nullptr && !encloser_found) {
      // RFC 4592 section 3.3.1: only the wildcard right below the closest encloser counts.
      encloser_found = true;
      match.node = node(at.empty() ? "*" : "*." + std::string(at));
    }
    if (here != nullptr && here->negative_ttl) {
      match.negative_ttl = here->negative_ttl;
      return match;
    }
    if (at.empty()) return match;
  }
}

}  // namespace authmilter
