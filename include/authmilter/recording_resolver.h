#pragma once

#include <chrono>
#include <vector>

#include <authmilter/resolver.h>

namespace authmilter {

/// Writes down what was asked and answered, for explanations. For one thread at a time.
class RecordingResolver final : public Resolver {
 public:
  struct Entry {
    DnsQuestion question;
    DnsAnswerRef answer;
    std::chrono::microseconds waited{0};  // for the answer
  };
  explicit RecordingResolver(Resolver& inner) : inner_(inner) {}
  DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline,
                       Freshness freshness) override;
  using Resolver::resolve;
  void prefetch(const DnsQuestion& question) override { inner_.prefetch(question); }
  DnsAnswerRef known(const DnsQuestion& question) override { return inner_.known(question); }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  Resolver& inner_;
  std::vector<Entry> entries_;
};

}  // namespace authmilter
