#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <authmilter/dkim.h>

namespace authmilter {

/// Makes of a body what libopendkim hashes as RFC 6376 section 3.4 wants it: a bare LF becomes
/// CRLF, as the MTA will send it (section 5.3), and a body that is not empty ends with CRLF
/// (sections 3.4.3, 3.4.4). A bare CR stays, and is handed over so that it is hashed as one octet.
class LineEndings {
 public:
  /// Takes octets that are ready; they are valid during the call.
  using Sink = std::function<void(std::string_view)>;

  explicit LineEndings(Canonicalization canonicalization) : canonicalization_(canonicalization) {}

  /// Octets split anywhere. Long spans of CRLF text are passed on without a copy, short ones
  /// together: a text of nothing but odd line ends makes no more calls than another.
  void update(std::string_view octets, const Sink& sink);
  void finish(const Sink& sink);

  /// False when there was a bare CR that cannot be handed over exactly.
  bool exact() const { return exact_; }

 private:
  void pass(std::string_view octets, const Sink& sink);
  void pass_crs(std::size_t count);  // more than none, few enough to be gathered
  void flush(const Sink& sink);
  void bare_crs();
  void line_end(const Sink& sink);

  Canonicalization canonicalization_;
  std::string gathered_;         // short spans that wait
  char last_ = '\n';             // passed on; a body begins as a line does
  bool empty_ = true;            // nothing came yet
  std::size_t pending_crs_ = 0;  // came last; what follows tells their meaning
  bool exact_ = true;
};

}  // namespace authmilter
