#include "audit/spf_tree.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"

namespace authmilter {
namespace {

using spf::Mechanism;
using spf::Term;

// RFC 7208 section 4.6.4 allows ten lookups. How far a record is above that is told up to here;
// records that name each other twice would double with each step.
constexpr std::size_t kMostNodes = 48;
constexpr unsigned kMostLookups = 100;
constexpr std::size_t kMostExchanges = 10;  // RFC 7208 section 4.6.4
constexpr std::size_t kTermShown = 80;

/// The name that a term is about; nothing where it depends on the message, or cannot be asked for.
std::optional<DnsName> literal_target(const std::optional<spf::MacroString>& spec,
                                      const DnsName& domain) {
  if (!spec) return domain;
  std::string text;
  for (const auto& piece : spec->pieces()) {
    if (piece.letter != 0) return std::nullopt;
    text += piece.literal;
  }
  return spf::target_name(text);
}

/// Where the first wrong term stands: the longest beginning of the record that is right ends there.
std::string with_position(std::string_view text, std::string trouble) {
  std::size_t end = std::min(text.size(), text.find(' '));
  while (end < text.size()) {
    const std::size_t begin = std::min(text.find_first_not_of(' ', end), text.size());
    end = std::min(text.size(), text.find(' ', begin));
    if (begin == end || spf::parse_record(text.substr(0, end))) continue;
    return trouble + ", at character " + std::to_string(begin + 1);
  }
  return trouble;
}

class SpfWalker {
 public:
  SpfWalker(const DomainName& domain, Resolver& dns) : domain_(domain), dns_(dns) {
    add(domain, "", 0);
  }

  SpfTree walk() {
    for (std::size_t i = 0; i < tree_.nodes.size(); ++i) visit(i);
    return std::move(tree_);
  }

 private:
  void add(const DnsName& name, std::string_view via, std::size_t parent) {
    SpfNode node;
    node.name = printable(name.text());
    node.via = printable(via, kTermShown);
    node.parent = parent;
    const auto checked = DomainName::parse(name.text());
    node.own = checked && checked->is_equal_or_below(domain_);
    if (!names_.empty() && is_above(name, parent)) node.state = SpfNodeState::loop;
    if (node.state != SpfNodeState::loop) dns_.prefetch({name, RrType::txt});
    push(std::move(node), name);
  }

  void add_not_followed(std::string_view via, std::size_t parent) {
    SpfNode node;
    node.name = printable(via.substr(via.find_first_of(":=") + 1), kTermShown);
    node.via = printable(via, kTermShown);
    node.parent = parent;
    node.state = SpfNodeState::not_followed;
    push(std::move(node), DnsName());
  }

  void push(SpfNode node, const DnsName& name) {
    if (tree_.nodes.size() == kMostNodes) {
      tree_.cut = true;
      return;
    }
    tree_.nodes.push_back(std::move(node));
    names_.push_back(name);
  }

  /// Whether `name` is that of a node or of one that led to it.
  bool is_above(const DnsName& name, std::size_t at) const {
    while (names_[at] != name) {
      if (at == 0) return false;
      at = tree_.nodes[at].parent;
    }
    return true;
  }

  void visit(std::size_t at) {
    if (tree_.nodes[at].state == SpfNodeState::loop ||
        tree_.nodes[at].state == SpfNodeState::not_followed)
      return;
    const DnsQuestion question{names_[at], RrType::txt};
    const DnsAnswerRef answer = dns_.resolve(question);
    read(tree_.nodes[at], *answer);
    tree_.nodes[at].answer = answer;
    if (answer->status == DnsStatus::temperror) tree_.failed.push_back({question, answer->fault});
    // A record that is not there is an error by itself (RFC 7208 sections 5.2 and 6.1), and is not
    // told as a void lookup too.
    if (tree_.nodes[at].state == SpfNodeState::record) look_up_terms(at);
  }

  static void read(SpfNode& node, const DnsAnswer& answer) {
    if (answer.status == DnsStatus::temperror) {
      node.state = SpfNodeState::unanswered;
      return;
    }
    for (std::string& text : answer.texts()) {
      if (spf::is_spf_record(text)) node.texts.push_back(std::move(text));
    }
    if (node.texts.size() != 1) {
      node.state = node.texts.empty() ? SpfNodeState::none : SpfNodeState::several;
      return;
    }
    auto record = spf::parse_record(node.texts.front());
    node.state = record ? SpfNodeState::record : SpfNodeState::broken;
    if (record) {
      node.record = std::move(*record);
    } else {
      node.trouble = with_position(node.texts.front(), record.error().text());
    }
  }

  bool count_lookup() {
    if (tree_.lookups == kMostLookups) {
      tree_.cut = true;
      return false;
    }
    ++tree_.lookups;
    return true;
  }
  void note_void(const std::string& term) { tree_.void_terms.push_back(term); }

  void look_up_terms(std::size_t at) {
    // `nodes` grows meanwhile.
    const spf::Record record = tree_.nodes[at].record;
    const std::size_t reached = tree_.nodes[at].reached_terms();
    for (std::size_t i = 0; i < reached; ++i) prefetch(record.terms[i], at);
    for (std::size_t i = 0; i < reached; ++i) look_up(record.terms[i], at);
    // RFC 7208 section 6.1: redirect is ignored beside all.
    if (!record.redirect || tree_.nodes[at].all() != nullptr || !count_lookup()) return;
    follow(record.redirect->domain_spec, record.redirect->text, at);
  }

  void prefetch(const Term& term, std::size_t at) {
    const auto name = literal_target(term.domain_spec, names_[at]);
    if (!name || !term.costs_lookup()) return;
    if (term.mechanism == Mechanism::mx) dns_.prefetch({*name, RrType::mx});
    if (term.mechanism == Mechanism::a) {
      dns_.prefetch({*name, RrType::a});
      dns_.prefetch({*name, RrType::aaaa});
    }
  }

  void follow(const std::optional<spf::MacroString>& spec, std::string_view term, std::size_t at) {
    if (const auto name = literal_target(spec, names_[at])) return add(*name, term, at);
    add_not_followed(term, at);
  }

  void look_up(const Term& term, std::size_t at) {
    if (!term.costs_lookup() || !count_lookup()) return;
    if (term.mechanism == Mechanism::include) return follow(term.domain_spec, term.text, at);
    const auto name = literal_target(term.domain_spec, names_[at]);
    if (!name) return;
    const std::string shown = printable(term.text, kTermShown);
    switch (term.mechanism) {
      case Mechanism::a:
        // A host of the other family exists, so its lookup is not a void one.
        if (ask({*name, RrType::a})->void_lookup() && ask({*name, RrType::aaaa})->void_lookup())
          note_void(shown);
        break;
      case Mechanism::exists:
        if (ask({*name, RrType::a})->void_lookup()) note_void(shown);
        break;
      case Mechanism::mx: {
        const DnsAnswerRef answer = ask({*name, RrType::mx});
        if (answer->void_lookup()) note_void(shown);
        if (answer->records.size() > kMostExchanges) {
          tree_.crowded_mx.push_back(shown + " finds " + std::to_string(answer->records.size()) +
                                     " hosts at " + printable(name->text()));
        }
        break;
      }
      case Mechanism::include:
      case Mechanism::ptr:
      case Mechanism::all:
      case Mechanism::ip4:
      case Mechanism::ip6:
        break;
    }
  }

  DnsAnswerRef ask(const DnsQuestion& question) {
    DnsAnswerRef answer = dns_.resolve(question);
    if (answer->status == DnsStatus::temperror) tree_.failed.push_back({question, answer->fault});
    return answer;
  }

  const DomainName domain_;
  Resolver& dns_;
  SpfTree tree_;
  std::vector<DnsName> names_;  // of the nodes
};

}  // namespace

const Term* SpfNode::all() const {
  const auto found = std::find_if(record.terms.begin(), record.terms.end(), [](const Term& term) {
    return term.mechanism == Mechanism::all;
  });
  return found == record.terms.end() ? nullptr : &*found;
}

std::size_t SpfNode::reached_terms() const {
  const Term* const end = all();
  return end == nullptr ? record.terms.size() : static_cast<std::size_t>(end - record.terms.data());
}

std::vector<const SpfNode*> SpfTree::deciding_records() const {
  std::vector<const SpfNode*> records;
  std::size_t at = 0;
  while (nodes[at].state == SpfNodeState::record) {
    records.push_back(&nodes[at]);
    const auto& redirect = nodes[at].record.redirect;
    if (nodes[at].all() != nullptr || !redirect) break;
    const std::string via = printable(redirect->text, kTermShown);
    std::size_t next = at + 1;
    while (next < nodes.size() && (nodes[next].parent != at || nodes[next].via != via)) ++next;
    if (next == nodes.size()) break;
    at = next;
  }
  return records;
}

const Term* SpfTree::deciding_all() const {
  const auto records = deciding_records();
  return records.empty() ? nullptr : records.back()->all();
}

bool SpfTree::permits_nobody() const {
  const auto records = deciding_records();
  if (records.empty() || records.back()->all() == nullptr) return false;
  return std::all_of(records.begin(), records.end(), [](const SpfNode* node) {
    const auto& terms = node->record.terms;
    const std::size_t tried = std::min(node->reached_terms() + 1, terms.size());
    return std::all_of(terms.begin(), terms.begin() + static_cast<std::ptrdiff_t>(tried),
                       [](const Term& term) { return term.qualifier == SpfResult::fail; });
  });
}

SpfTree walk_spf(const DomainName& domain, Resolver& dns) { return SpfWalker(domain, dns).walk(); }

}  // namespace authmilter
