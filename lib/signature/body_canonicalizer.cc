#include "signature/body_canonicalizer.h"

#include <algorithm>

#include "base/ascii.h"

namespace authmilter {
namespace {

constexpr std::string_view kCr = "\r";
constexpr std::string_view kLineEnd = "\r\n";

/// How far the canonical form is the text itself: to the end, or to blanks that are not a single SP
/// between two other octets.
std::size_t end_of_words(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size()) {
    if (is_wsp(text[end])) {
      const bool single = text[end] == ' ' && end + 1 < text.size() && !is_wsp(text[end + 1]);
      if (!single) break;
    }
    ++end;
  }
  return end;
}

}  // namespace

void BodyCanonicalizer::update(std::string_view octets) {
  while (!octets.empty()) {
    // Empty lines are many in a hostile body.
    if (!after_cr_ && octets.starts_with(kLineEnd)) {
      end_line();
      octets.remove_prefix(kLineEnd.size());
      continue;
    }
    const std::size_t end = octets.find('\n');
    const bool ended = end != std::string_view::npos;
    line(octets.substr(0, end));
    if (!ended) return;
    end_line();
    octets.remove_prefix(end + 1);
  }
}

void BodyCanonicalizer::end_line() {
  after_cr_ = false;
  blank_ = false;  // RFC 6376 section 3.4.4: "Ignore all whitespace at the end of lines"
  ++line_ends_;
}

/// A line, or a part of one, without its LF.
void BodyCanonicalizer::line(std::string_view octets) {
  if (octets.empty()) return;
  if (after_cr_) text(kCr);
  after_cr_ = octets.ends_with('\r');
  if (after_cr_) octets.remove_suffix(1);
  if (octets.empty()) return;
  relaxed_ ? words(octets) : text(octets);
}

/// RFC 6376 section 3.4.4: "Reduce all sequences of WSP within a line to a single SP character".
void BodyCanonicalizer::words(std::string_view octets) {
  while (!octets.empty()) {
    if (is_wsp(octets.front())) {
      blank_ = true;
      octets.remove_prefix(1);
      continue;
    }
    const std::size_t end = end_of_words(octets);
    text(octets.substr(0, end));
    octets.remove_prefix(end);
  }
}

void BodyCanonicalizer::text(std::string_view octets) {
  line_ends();
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
  if (octets.size() > buffer_.size() - buffered_) flush();
  if (octets.size() > buffer_.size()) return sink_(octets);
  std::copy(octets.begin(), octets.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(buffered_));
  buffered_ += octets.size();
}

void BodyCanonicalizer::flush() {
  if (buffered_ > 0) sink_({buffer_.data(), buffered_});
  buffered_ = 0;
}

}  // namespace authmilter
