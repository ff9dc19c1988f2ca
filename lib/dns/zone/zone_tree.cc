#include "dns/zone/zone_tree.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace authmilter {
namespace {

using std::chrono::seconds;

template <class... Body>
struct Overloaded : Body... {
  using Body::operator()...;
};
template <class... Body>
Overloaded(Body...) -> Overloaded<Body...>;  // clang 14 does not deduce it

/// The name without its leftmost label; the root for a single label.
std::string_view parent_of(std::string_view name) {
  const auto dot = name.find('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
}

/// The records of one name while the tree is built.
struct Draft {
  std::vector<RecordData> seen;
  std::array<std::optional<DnsAnswer>, 5> answers;
  std::optional<DnsName> alias;
  seconds alias_ttl{0};
  std::optional<seconds> negative_ttl;

  DnsAnswer& answer(RrType type, seconds ttl) {
    auto& slot = answers[type_index(type)];
    if (!slot) {
      slot.emplace();
      slot->status = DnsStatus::success;
      slot->ttl = ttl;
    }
    // RFC 2181 section 5.2: the TTLs of a set are one; the lowest where they differ.
    slot->ttl = std::min(slot->ttl, ttl);
    return *slot;
  }

  void add(const MasterRecord& record) {
    // RFC 2181 section 5: a set holds no record twice.
    if (std::find(seen.begin(), seen.end(), record.data) != seen.end()) return;
    seen.push_back(record.data);
    const seconds ttl = record.ttl;
    std::visit(
        Overloaded{
            [&](const AddressV4& v4) { answer(RrType::a, ttl).addresses.push_back(v4.address); },
            [&](const AddressV6& v6) { answer(RrType::aaaa, ttl).addresses.push_back(v6.address); },
            [&](const MxRecord& mx) { answer(RrType::mx, ttl).exchanges.push_back(mx); },
            [&](const Pointer& ptr) { answer(RrType::ptr, ttl).names.push_back(ptr.target); },
            [&](const Text& txt) {
              auto& texts = answer(RrType::txt, ttl).texts;
              texts.emplace_back();
              for (const auto& string : txt.strings) texts.back() += string;
            },
            [&](const Alias& cname) {
              alias = cname.target;
              alias_ttl = ttl;
            },
            // RFC 2308 section 5: a negative answer is kept for the lower of the two.
            [&](const Authority& soa) { negative_ttl = std::min(soa.minimum, ttl); },
            [](const OtherData&) {},
        },
        record.data);
  }

  /// RFC 1034 section 3.6.2: where there is a CNAME there is nothing else. (The records of DNSSEC
  /// are the exception, and they are OtherData here.)
  bool conflicts() const {
    const auto aliases = std::count_if(seen.begin(), seen.end(), [](const RecordData& data) {
      return std::holds_alternative<Alias>(data);
    });
    const auto others = std::count_if(seen.begin(), seen.end(), [](const RecordData& data) {
      return !std::holds_alternative<Alias>(data) && !std::holds_alternative<OtherData>(data);
    });
    return aliases > 1 || (aliases == 1 && others > 0);
  }

  ZoneNode finish() && {
    ZoneNode node;
    node.has_records = true;
    node.alias = std::move(alias);
    node.alias_ttl = alias_ttl;
    node.negative_ttl = negative_ttl;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (!answers[i]) continue;
      auto& exchanges = answers[i]->exchanges;
      std::stable_sort(
          exchanges.begin(), exchanges.end(),
          [](const MxRecord& a, const MxRecord& b) { return a.preference < b.preference; });
      node.answers[i] = std::make_shared<const DnsAnswer>(std::move(*answers[i]));
    }
    return node;
  }
};

}  // namespace

std::size_t type_index(RrType type) {
  switch (type) {
    case RrType::a:
      return 0;
    case RrType::aaaa:
      return 1;
    case RrType::mx:
      return 2;
    case RrType::ptr:
      return 3;
    case RrType::txt:
      return 4;
  }
  return 0;
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
