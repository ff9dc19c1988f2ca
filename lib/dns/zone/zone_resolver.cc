#include <authmilter/zone_resolver.h>

#include <algorithm>
#include <stdexcept>
#include <unordered_map>

#include "dns/limits.h"
#include "dns/zone/zone_tree.h"

namespace authmilter {
namespace {

using std::chrono::seconds;

using Faults = std::unordered_map<std::string, DnsFault>;

DnsAnswerRef shared(DnsAnswer answer) {
  return std::make_shared<const DnsAnswer>(std::move(answer));
}

DnsAnswerRef negative(DnsStatus status, seconds ttl) {
  DnsAnswer answer;
  answer.status = status;
  answer.ttl = ttl;
  return shared(std::move(answer));
}

DnsAnswerRef kept_at_most(DnsAnswerRef answer, seconds ttl) {
  if (answer->ttl <= ttl) return answer;
  DnsAnswer copy = *answer;
  copy.ttl = ttl;
  return shared(std::move(copy));
}

/// What the zones hold; shared with the views of messages.
struct ZoneData {
  ZoneTree tree;
  Faults faults;
};

class ZoneResolver final : public Resolver {
 public:
  ZoneResolver(std::shared_ptr<const ZoneData> data, Resolver* out_of_zone)
      : data_(std::move(data)), out_of_zone_(out_of_zone) {}
  /// A message's view, with its own of what lies outside.
  ZoneResolver(std::shared_ptr<const ZoneData> data, std::unique_ptr<Resolver> out_of_zone)
      : data_(std::move(data)), view_(std::move(out_of_zone)), out_of_zone_(view_.get()) {}

  DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline,
                       Freshness freshness) override {
    const Step step = look_up(question);
    if (step.answer != nullptr) return step.answer;
    return kept_at_most(out_of_zone_->resolve({step.name, question.type}, deadline, freshness),
                        step.ttl);
  }

  void prefetch(const DnsQuestion& question) override {
    if (out_of_zone_ == nullptr) return;
    const Step step = look_up(question);
    if (step.answer == nullptr) out_of_zone_->prefetch({step.name, question.type});
  }

  DnsAnswerRef known(const DnsQuestion& question) override {
    const Step step = look_up(question);
    if (step.answer != nullptr || out_of_zone_ == nullptr) return step.answer;
    const auto outside = out_of_zone_->known({step.name, question.type});
    return outside == nullptr ? nullptr : kept_at_most(outside, step.ttl);
  }

  std::unique_ptr<Resolver> for_message(const DnsClient& client) override {
    auto view = out_of_zone_ != nullptr ? out_of_zone_->for_message(client) : nullptr;
    return view ? std::make_unique<ZoneResolver>(data_, std::move(view)) : nullptr;
  }

 private:
  /// What the zones say, or the name to ask elsewhere for.
  struct Step {
    DnsAnswerRef answer;
    DnsName name;
    seconds ttl = seconds::max();  // of the CNAMEs that led there
  };

  Step look_up(const DnsQuestion& question) const {
    Step step{nullptr, question.name};
    for (int aliases = 0; aliases <= kAliasLimit; ++aliases) {
      const auto match = data_->tree.find(step.name);
      if (const auto records = records_at(match, question.type); records != nullptr) {
        step.answer = kept_at_most(records, step.ttl);
        return step;
      }
      const auto alias = records_at(match, RrType::cname);
      if (alias == nullptr) {
        step.answer = missing(match, step);
        return step;
      }
      step.ttl = std::min(step.ttl, alias->ttl);
      step.name = std::get<CnameRecord>(alias->records.front()).target;
    }
    step.answer = shared(DnsAnswer::failed(DnsFault::servfail));
    return step;
  }

  static DnsAnswerRef records_at(const ZoneTree::Match& match, RrType type) {
    return match.node == nullptr ? nullptr : match.node->records(type);
  }

  /// The answer where there are neither records nor an alias; null when others are to be asked.
  DnsAnswerRef missing(const ZoneTree::Match& match, const Step& step) const {
    if (const auto fault = data_->faults.find(step.name.text()); fault != data_->faults.end())
      return shared(DnsAnswer::failed(fault->second));
    const bool holds_name = match.node != nullptr && match.node->has_records;
    if (!holds_name && !match.negative_ttl && out_of_zone_ != nullptr) return nullptr;
    const seconds ttl = std::min(step.ttl, match.negative_ttl.value_or(kNegativeTtl));
    return negative(match.node != nullptr ? DnsStatus::no_data : DnsStatus::nxdomain, ttl);
  }

  const std::shared_ptr<const ZoneData> data_;
  const std::unique_ptr<Resolver> view_;  // null unless this is a message's view
  Resolver* const out_of_zone_;
};

}  // namespace

Result<std::unique_ptr<Resolver>> make_zone_resolver(const std::vector<ZoneFile>& files,
                                                     Resolver* out_of_zone) {
  auto tree = ZoneTree::build(files);
  if (!tree) return tree.error();
  auto data = std::make_shared<const ZoneData>(ZoneData{std::move(*tree), Faults()});
  return std::unique_ptr<Resolver>(std::make_unique<ZoneResolver>(std::move(data), out_of_zone));
}

std::unique_ptr<Resolver> make_test_resolver(std::string_view text,
                                             const std::vector<ZoneFault>& faults) {
  auto tree = ZoneTree::build({{"test zone", std::string(text)}});
  if (!tree) throw std::invalid_argument(tree.error().message);
  Faults by_name;
  for (const auto& fault : faults) {
    const auto name = DnsName::parse(fault.name);
    if (!name) throw std::invalid_argument("\"" + fault.name + "\" is not a name");
    by_name[name->text()] = fault.fault;
  }
  auto data = std::make_shared<const ZoneData>(ZoneData{std::move(*tree), std::move(by_name)});
  return std::make_unique<ZoneResolver>(std::move(data), static_cast<Resolver*>(nullptr));
}

}  // namespace authmilter
