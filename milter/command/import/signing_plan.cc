#include "import/signing_plan.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>
#include <tuple>
#include <unordered_set>

#include <fmt/format.h>

#include <authmilter/domain_name.h>
#include <authmilter/selector.h>

#include "import/text.h"

namespace authmilter::importer {
namespace {

using Keys = std::vector<ChosenKey>;

constexpr const char* kOrdinaryLabel = "any-subdomain";

bool is_below(std::string_view name, std::string_view ancestor) {
  return name.size() > ancestor.size() && name.ends_with(ancestor) &&
         name[name.size() - ancestor.size() - 1] == '.';
}

bool holds(const Keys& keys, const ChosenKey& key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

bool same_keys(const Keys& a, const Keys& b) {
  return std::all_of(a.begin(), a.end(), [&](const ChosenKey& key) { return holds(b, key); }) &&
         std::all_of(b.begin(), b.end(), [&](const ChosenKey& key) { return holds(a, key); });
}

std::string describe(const Keys& keys) {
  std::vector<std::string> texts;
  for (const ChosenKey& key : keys)
    texts.push_back(fmt::format("d={} s={}", key.domain, key.selector));
  return keys.empty() ? "no key" : join(texts, " and ");
}

class Planner {
 public:
  Planner(const Choose& choose, std::vector<Sample> samples, const std::string& setting,
          Remarks& remarks)
      : choose_(choose), samples_(std::move(samples)), setting_(setting), remarks_(remarks) {}

  std::vector<PlannedDomain> plan() {
    forget_repeated_samples();
    for (const Sample& sample : samples_) collect(sample);
    for (auto& [domain, wish] : wishes_) settle(domain, wish);
    compare();
    return planned_;
  }

 private:
  /// What the samples ask of one domain.
  struct Wish {
    Keys own;        // for the domain itself
    Keys inherited;  // for names below it
  };

  void warn(const Place& place, std::string text) {
    if (!warned_.insert(place.text() + " " + text).second) return;
    remarks_.push_back({Weight::warning, place, setting_, std::move(text)});
  }

  void forget_repeated_samples() {
    std::stable_sort(samples_.begin(), samples_.end(), [](const Sample& a, const Sample& b) {
      return std::tie(a.domain, a.any_below) < std::tie(b.domain, b.any_below);
    });
    const auto end =
        std::unique(samples_.begin(), samples_.end(), [](const Sample& a, const Sample& b) {
          return a.domain == b.domain && a.any_below == b.any_below;
        });
    samples_.erase(end, samples_.end());
  }

  /// The choice without what authmilter cannot do for this author.
  Keys possible_keys(const Sample& sample) {
    const std::string author = sample.author_domain();
    Keys keys;
    for (const ChosenKey& key : choose_(kOrdinaryUser, author)) {
      if (sample.any_below &&
          (key.domain == author || key.file.find(author) != std::string::npos)) {
        warn(key.place, fmt::format("each domain below {} signed with its own name; write a "
                                    "[[signing.domain]] for each that sends mail",
                                    sample.domain));
      } else if (key.domain != author && !is_below(author, key.domain)) {
        warn(key.place, fmt::format("mail of {} was signed with d={}, which does not align with "
                                    "its author and is not signed for",
                                    sample.text(), key.domain));
      } else if (!holds(keys, key)) {
        keys.push_back(key);
      }
    }
    return keys;
  }

  void collect(const Sample& sample) {
    const std::string author = sample.author_domain();
    for (const ChosenKey& key : possible_keys(sample)) {
      Wish& wish = wishes_[key.domain];
      (key.domain == author ? wish.own : wish.inherited).push_back(key);
    }
  }

  void settle(const std::string& domain, Wish& wish) {
    PlannedDomain made{domain, !wish.inherited.empty(), {}};
    for (const ChosenKey& key : wish.own.empty() ? wish.inherited : wish.own) {
      if (holds(made.keys, key)) continue;
      const bool taken = std::any_of(
          made.keys.begin(), made.keys.end(),
          [&](const ChosenKey& other) { return same_word(other.selector, key.selector); });
      // Keys of one selector can only be inherited from different lines, of which one must do.
      if (taken) continue;
      made.keys.push_back(key);
    }
    places_.emplace(domain, planned_.size());
    planned_.push_back(std::move(made));
  }

  /// As KeyRing does: of the longest domain that holds the author's.
  Keys planned_keys(const std::string& author) const {
    for (std::string_view name = author; !name.empty();) {
      if (const auto found = places_.find(name); found != places_.end()) {
        const PlannedDomain& one = planned_[found->second];
        if (one.subdomains || name == author) return one.keys;
      }
      const std::size_t dot = name.find('.');
      if (dot == std::string_view::npos) break;
      name.remove_prefix(dot + 1);
    }
    return {};
  }

  void compare() {
    auto samples = samples_;
    for (const PlannedDomain& one : planned_) {
      samples.push_back({one.domain, false, one.keys.front().place});
      if (one.subdomains) samples.push_back({one.domain, true, one.keys.front().place});
    }
    for (const Sample& sample : samples) compare(sample);
  }

  void compare(const Sample& sample) {
    const Keys before = possible_keys(sample);
    const Keys after = planned_keys(sample.author_domain());
    if (same_keys(before, after)) return;
    if (before.empty()) {
      warn(sample.place, fmt::format("mail of {} is signed too, with {}: \"subdomains\" of a "
                                     "[[signing.domain]] means the domain and all below it",
                                     sample.text(), describe(after)));
    } else {
      warn(before.front().place, fmt::format("mail of {} was signed with {} and is now with {}",
                                             sample.text(), describe(before), describe(after)));
    }
  }

  const Choose& choose_;
  std::vector<Sample> samples_;
  const std::string& setting_;
  Remarks& remarks_;
  std::map<std::string, Wish> wishes_;
  std::vector<PlannedDomain> planned_;
  std::map<std::string, std::size_t, std::less<>> places_;  // in planned_, by domain
  std::unordered_set<std::string> warned_;
};

}  // namespace

std::string Sample::author_domain() const {
  return any_below ? fmt::format("{}.{}", kOrdinaryLabel, domain) : domain;
}

std::string Sample::text() const { return any_below ? "domains below " + domain : domain; }

std::vector<PlannedDomain> plan_signing(const Choose& choose, std::vector<Sample> samples,
                                        const std::string& setting, Remarks& remarks) {
  return Planner(choose, std::move(samples), setting, remarks).plan();
}

}  // namespace authmilter::importer
