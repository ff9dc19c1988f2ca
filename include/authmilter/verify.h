#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/config.h>
#include <authmilter/dkim.h>
#include <authmilter/envelope.h>
#include <authmilter/header_edit.h>
#include <authmilter/message.h>
#include <authmilter/policy.h>
#include <authmilter/recording_resolver.h>
#include <authmilter/spf.h>

namespace authmilter {

/// Authenticated, from an internal network, or submitted on the host: to be signed, not judged.
bool is_ours(const Envelope& envelope, const Config& config);

/// The limits of an SPF evaluation as configured.
SpfLimits spf_limits(const VerifyConfig& config);

/// Everything there is to say about one message. `edits` are in the order to apply: removals from
/// the highest index down, then replacements, then insertions.
struct Verdict {
  Findings findings;
  Decision decision;  // as the policy has it
  Disposition disposition =
      Disposition::accept;             // what shall happen: decision's, but accept in monitor mode
  std::string authentication_results;  // the field's value, unfolded
  std::vector<HeaderEdit> edits;
  std::vector<RecordingResolver::Entry> lookups;
  std::size_t dns_queries = 0;  // different questions, as `dns.message_queries` counts them
  std::chrono::microseconds dns_wait{0};
};

/// Judges one incoming message, streaming: envelope at construction, header() for each field in
/// order, end_of_headers(), body(), finish(). A message whose header exceeds HeaderLimits is not
/// judged by its first part: finish() refuses it (rule "limit.header"). Only finish() waits for the
/// DNS, at most `dns.message_timeout`. `config`, `engine` and `resolver` must outlive it. One
/// thread at a time.
class MessageVerifier {
 public:
  MessageVerifier(const Config& config, const DkimEngine& engine, Resolver& resolver,
                  Envelope envelope, std::int64_t now);
  ~MessageVerifier();
  void header(const HeaderField& field);
  void add_recipient(ReversePath recipient);
  void end_of_headers();
  bool wants_body() const;
  void body(std::string_view octets);
  Verdict finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace authmilter
