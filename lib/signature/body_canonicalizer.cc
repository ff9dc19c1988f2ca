#include "signature/body_canonicalizer.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/octet_search.h"

namespace authmilter {
namespace {

constexpr std::string_view kCr = "\r";
constexpr std::string_view kLineEnd = "\r\n";

/// From here on octets are handed over where they stand; shorter runs are gathered, because each
/// call of a hash costs as much as some hundred octets.
constexpr std::size_t kLongRun = 1024;

// For find_octet(): what is not canonical, or may not be, given the octets around it.
//
// A LF alone is made a CRLF.
constexpr unsigned is_bare_lf(char before, char octet, char /*behind*/) {
  return unsigned{octet == '\n'} & unsigned{before != '\r'};
}
// A tab becomes a SP; a SP stays unless a blank or the end of the line follows.
constexpr unsigned is_changed_in_relaxed(char before, char octet, char behind) {
  const unsigned may_go =
      unsigned{octet == ' '} & unsigned{static_cast<unsigned char>(behind) <= ' '};
  return unsigned{octet == '\t'} | may_go | is_bare_lf(before, octet, behind);
}

}  // namespace

void BodyCanonicalizer::update(std::string_view octets) {
  // Of line ends and blanks behind it only what follows them tells whether they count.
  std::size_t decided = octets.size();
  while (decided > 0 && may_go(octets[decided - 1])) --decided;
  for (std::size_t at = 0; at < octets.size();) {
    const char octet = octets[at];
    // Empty lines are many in a hostile body.
    if (octet == '\r' && !after_cr_ && octets.substr(at, kLineEnd.size()) == kLineEnd) {
      end_line();
      at += kLineEnd.size();
      continue;
    }
    if (octet == '\n') {
      end_line();
      ++at;
      continue;
    }
    if (after_cr_) text(kCr);
    after_cr_ = octet == '\r';
    if (after_cr_) {
      ++at;
    } else if (relaxed_ && is_wsp(octet)) {
      // RFC 6376 section 3.4.4: "Reduce all sequences of WSP within a line to a single SP
      // character"
      blank_ = true;
      ++at;
    } else {
      const std::string_view run = canonical_run(octets.substr(at, decided - at));
      text(run);
      at += run.size();
    }
  }
}

/// Whether an octet can be one that the canonical form leaves out, depending on what follows it.
bool BodyCanonicalizer::may_go(char octet) const {
  return octet == '\r' || octet == '\n' || (relaxed_ && is_wsp(octet));
}

/// How far text is its own canonical form, over the ends of lines too. It begins and ends with an
/// octet that stays whatever is around it.
std::string_view BodyCanonicalizer::canonical_run(std::string_view octets) const {
  std::string_view run = octets.substr(
      0, relaxed_ ? find_octet(octets, is_changed_in_relaxed) : find_octet(octets, is_bare_lf));
  while (may_go(run.back())) run.remove_suffix(1);
  return run;
}

void BodyCanonicalizer::end_line() {
  after_cr_ = false;
  blank_ = false;  // RFC 6376 section 3.4.4: "Ignore all whitespace at the end of lines"
  ++line_ends_;
}

void BodyCanonicalizer::text(std::string_view octets) {
  if (line_ends_ > 0) line_ends();
  any_text_ = true;
  if (blank_) put(" ");
  blank_ = false;
  put(octets);
}

/// Those between lines: no lines that are empty stand at the end.
void BodyCanonicalizer::line_ends() {
  constexpr std::string_view kMany =
      "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
  while (line_ends_ > 0) {
    const auto count = std::min<std::uint64_t>(line_ends_, kMany.size() / kLineEnd.size());
    put(kMany.substr(0, count * kLineEnd.size()));
    line_ends_ -= count;
  }
}

void BodyCanonicalizer::finish() {
  if (after_cr_) text(kCr);
  // RFC 6376 section 3.4.3: a body without text is a CRLF; section 3.4.4: it is nothing. And both:
  // "If there is no trailing CRLF on the message body, a CRLF is added."
  if (any_text_ || !relaxed_) put(kLineEnd);
  flush();
}

void BodyCanonicalizer::put(std::string_view octets) {
  if (octets.size() > buffer_.size() - buffered_ || octets.size() >= kLongRun) flush();
  if (octets.size() >= kLongRun) return sink_(octets);
  if (octets.size() == 1) {
    buffer_[buffered_++] = octets.front();  // a call to copy it would take longer
    return;
  }
  std::copy(octets.begin(), octets.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(buffered_));
  buffered_ += octets.size();
}

void BodyCanonicalizer::flush() {
  if (buffered_ > 0) sink_({buffer_.data(), buffered_});
  buffered_ = 0;
}

}  // namespace authmilter
