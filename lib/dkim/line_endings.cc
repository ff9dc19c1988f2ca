#include "dkim/line_endings.h"

#include <string>

#include "base/ascii.h"

namespace authmilter {
namespace {

// No text has such a run of CRs; it must not grow our memory.
constexpr std::size_t kLongestRunOfCrs = 1000;

// A span of this length goes to the library as it is; shorter ones are copied together first.
constexpr std::size_t kLongSpan = 512;
constexpr std::size_t kGathered = 16UL * 1024;

}  // namespace

void LineEndings::update(std::string_view octets, const Sink& sink) {
  if (octets.empty()) return;
  empty_ = false;
  std::size_t at = 0;
  const auto next = [&](char c) { return octets.find(c, at); };

  // CRs that ended the last piece, or came in the middle of this one.
  const auto resolve_crs = [&] {
    while (at < octets.size() && octets[at] == '\r') {
      ++pending_crs_;
      ++at;
    }
    if (at == octets.size()) return;
    if (octets[at] == '\n') {
      line_end(sink);
      ++at;
    } else {
      bare_crs();
    }
  };
  if (pending_crs_ > 0) resolve_crs();

  // `begin` to `at` is clean and not passed on yet. Each search goes on where it ended, so the
  // whole is linear.
  std::size_t begin = at;
  std::size_t cr = next('\r');
  std::size_t lf = next('\n');
  while (cr != lf) {  // that is, until both are npos
    if (cr != std::string_view::npos && cr + 1 == lf) {
      at = lf + 1;
    } else {
      const bool bare_lf = lf < cr;
      at = bare_lf ? lf : cr;
      pass(octets.substr(begin, at - begin), sink);
      if (bare_lf) {
        pass("\r\n", sink);
        ++at;
      } else {
        resolve_crs();
      }
      begin = at;
    }
    if (cr < at) cr = next('\r');
    if (lf < at) lf = next('\n');
  }
  pass(octets.substr(begin), sink);
  flush(sink);
}

void LineEndings::finish(const Sink& sink) {
  if (empty_ || (pending_crs_ == 0 && last_ == '\n')) return;
  ++pending_crs_;  // the CR of the CRLF that is missing
  line_end(sink);
  flush(sink);
}

void LineEndings::pass(std::string_view octets, const Sink& sink) {
  if (octets.empty()) return;
  last_ = octets.back();
  if (octets.size() >= kLongSpan) {
    flush(sink);
    sink(octets);
    return;
  }
  gathered_ += octets;
  if (gathered_.size() >= kGathered) flush(sink);
}

void LineEndings::pass_crs(std::size_t count) {
  gathered_.append(count, '\r');
  last_ = '\r';
}

void LineEndings::flush(const Sink& sink) {
  if (gathered_.empty()) return;
  sink(gathered_);
  gathered_.clear();
}

/// Some CRs with neither a LF nor a CR after them.
void LineEndings::bare_crs() {
  const bool relaxed = canonicalization_ == Canonicalization::relaxed;
  // The library's reading of a bare CR depends on what stands before it.
  if (pending_crs_ > kLongestRunOfCrs || (relaxed ? is_wsp(last_) : last_ == '\n')) exact_ = false;
  // Relaxed, it takes the last CR of a run for the beginning of a line end that does not come.
  if (exact_) pass_crs(pending_crs_ + (relaxed ? 1 : 0));
  pending_crs_ = 0;
}

/// Some CRs and a LF: the last CR belongs to the LF.
void LineEndings::line_end(const Sink& sink) {
  if (pending_crs_ > 1) {
    const bool relaxed = canonicalization_ == Canonicalization::relaxed;
    if (pending_crs_ > kLongestRunOfCrs || (relaxed ? is_wsp(last_) : last_ == '\n'))
      exact_ = false;
  }
  pass_crs(exact_ ? pending_crs_ : 1);
  pass("\n", sink);
  pending_crs_ = 0;
}

}  // namespace authmilter
