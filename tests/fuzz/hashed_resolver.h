#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/resolver.h>

namespace authmilter::fuzz {

/// A DNS whose contents follow from a text, so that the fuzzer writes the zones:
///
///     MOOD
///     @name text        a TXT record of that name
///     text              a TXT record of whatever name the hash gives it to
///
/// Everything else (addresses, exchanges, pointers, which names exist, faults) is chosen by a hash
/// of the mood, the name and the type: the same question has the same answer, and a name that does
/// not exist has no record of any type. Letters in the mood: `n` no faults, `f` many, `F` nothing
/// but faults, `x` no name that is not listed.
class HashedResolver : public Resolver {
 public:
  explicit HashedResolver(std::string_view zone);
  /// Addresses, and names below which others stand, that the subject knows about.
  void add_address(const IpAddress& address) { addresses_.push_back(address); }
  void add_name(const DnsName& name) { names_.push_back(name); }
  void add_text(const std::string& name, const std::string& text) { bound_[name].push_back(text); }
  void fail_always() { mood_ = "F"; }

  DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline,
                       Freshness freshness) override;
  using Resolver::resolve;
  void prefetch(const DnsQuestion& question) override { prefetched_.insert(question); }

  /// What was asked, each question once.
  const std::set<DnsQuestion>& questions() const { return questions_; }
  const std::set<DnsQuestion>& prefetched() const { return prefetched_; }
  std::size_t calls() const { return calls_; }
  std::size_t faults() const { return faults_; }

 private:
  DnsAnswer answer(const DnsQuestion& question) const;
  std::vector<std::string> texts(const DnsQuestion& question, std::uint64_t number) const;
  std::vector<IpAddress> addresses(RrType type, std::uint64_t number) const;
  DnsName name(std::uint64_t number) const;
  bool mood(char letter) const { return mood_.find(letter) != std::string::npos; }

  std::string mood_;
  std::map<std::string, std::vector<std::string>> bound_;
  std::vector<std::string> pool_;
  std::vector<IpAddress> addresses_;
  std::vector<DnsName> names_;
  std::set<DnsQuestion> questions_;
  std::set<DnsQuestion> prefetched_;
  std::size_t calls_ = 0;
  std::size_t faults_ = 0;
};

}  // namespace authmilter::fuzz
