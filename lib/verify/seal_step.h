#pragma once

#include <authmilter/arc_sealer.h>
#include <authmilter/verify.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace authmilter {

/// `[arc] seal` for one message, the last thing that is done to it. One thread at a time.
class SealStep {
 public:
  using Key = std::optional<Result<SigningKey>>;

  /// Whether `config` has such a message sealed. A recipient who cannot be read may be anybody.
  static bool is_for(const Envelope& envelope, const Config& config);

  /// `fields` as the message came.
  SealStep(Key key, const std::vector<HeaderField>& fields, Mta mta, std::int64_t now);

  bool wants_body() const { return sealer_.has_value(); }
  void body(std::string_view octets);

  /// `fields` as they came, `edits` what has been done to them, `results` the value of our results
  /// field. The new set is put behind the edits.
  SealOutcome finish(const ArcOutcome& chain, const std::vector<HeaderField>& fields,
                     const std::string& results, std::vector<HeaderEdit>& edits);

 private:
  Key key_;
  Mta mta_;
  std::int64_t now_;
  std::optional<ArcSealer> sealer_;
};

}  // namespace authmilter
