#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/dns_answer.h>

namespace authmilter {

/// What became of one question of a probe.
enum class ProbeOutcome : std::uint8_t {
  secure,      // the record is there and validates
  proved_off,  // it is not there, or nothing is signed there, and that is proved
  bogus,       // it does not validate
  failed,      // no answer, or the server's own failure
};

/// Whether DNSSEC validation can work through the name servers, and how that is found out: not only
/// the root's keys must come with signatures but what leads below the root too. There are resolvers
/// that pass the root's DNSKEY and refuse every DS and DNSKEY below; validated through such a one
/// every answer of a signed zone, and every proof that a zone is not signed, is bogus.
///
/// Asked are, with validation, the DNSKEY of the root and of a few top-level domains: their DS
/// comes with them. In a private tree these do not exist, which its root must prove. Beside each
/// the control, the same domain's SOA without validation: where that has no answer either, the
/// trouble is not validation. Nobody who sends mail decides about these names. One run; no clock of
/// its own.
class ValidationProbe {
 public:
  enum class Kind : std::uint8_t { root_key, domain_key, control };
  struct Question {
    Kind kind;
    std::size_t domain;  // of kDomains; 0 for the root
  };
  enum class Verdict : std::uint8_t {
    works,
    stripped,  // the root's own keys do not validate
    cut_off,   // those of the root do, nothing below does
    unknown,   // the name servers do not answer
  };

  static constexpr std::string_view kDomains[] = {"com", "net", "org"};
  static std::vector<Question> questions();

  void answered(const Question& question, ProbeOutcome outcome);
  /// Nothing as long as answers that matter are missing.
  std::optional<Verdict> verdict() const;
  /// What is known must do: time is over.
  Verdict verdict_now() const;

 private:
  static constexpr std::size_t kCount = std::size(kDomains);

  std::optional<ProbeOutcome> root_;
  std::optional<ProbeOutcome> keys_[kCount];
  std::optional<ProbeOutcome> controls_[kCount];
};

/// Whether answers are validated. `undecided`: automatic, and nothing shows yet whether it can
/// work.
enum class Validation : std::uint8_t { undecided, validating, plain };

/// Decides, where `dns.dnssec` is automatic, when to probe and what follows. Pure: time and answers
/// are arguments.
class ValidationPolicy {
 public:
  using Clock = std::chrono::steady_clock;

  /// How long an answer waits for the probe: an upstream that answers has these keys at hand.
  static constexpr std::chrono::seconds kPatience{2};

  explicit ValidationPolicy(Validation at_start)
      : automatic_(at_start == Validation::undecided), state_(at_start) {}

  Validation state() const { return state_; }
  bool probing() const { return since_ != Clock::time_point::max(); }
  /// When the probe under way must be decided; far away without one.
  Clock::time_point decide_by() const;

  /// Whether a question that comes now begins a probe.
  bool is_due(Clock::time_point now) const;
  void began(Clock::time_point now) { since_ = now; }
  /// `upstream_answers`: questions of mail are answered meanwhile. The state may be another then.
  enum class Upstream : std::uint8_t { answers, unknown };
  void ended(ValidationProbe::Verdict verdict, Clock::time_point now,
             Upstream upstream = Upstream::unknown);

  /// An answer that was validated. Bogus ones in a row, under different top-level domains, make a
  /// probe due: the upstream may have changed. What strangers can do by sending names with broken
  /// signatures is to have the probe run, and not often.
  void validated(const DnsName& name, const DnsAnswer& answer);

  /// At a reload: the next question probes; answers are treated as before until it is decided.
  void probe_again();
  /// Other name servers: nothing is known of them.
  void upstream_changed();

 private:
  void forget_row();

  bool automatic_;
  Validation state_;
  Clock::time_point since_ = Clock::time_point::max();
  Clock::time_point next_ = Clock::time_point::min();
  bool wanted_ = false;
  // Of the bogus answers since the last one that validated.
  std::set<std::string> bogus_domains_;  // top-level ones
  std::size_t bogus_answers_ = 0;
};

/// "org" of "www.example.org"; the root's is empty.
std::string_view top_level_domain(const DnsName& name);

}  // namespace authmilter
