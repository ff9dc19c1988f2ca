#include "archive/gzip.h"

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <utility>

#include <fmt/format.h>
#include <zlib.h>

namespace authmilter {
namespace {

/// zlib's: the largest window, and gzip around it.
constexpr int kGzipWindow = 15 + 16;
constexpr std::size_t kPieceOctets = 64 * 1024;
constexpr std::string_view kMagic = "\x1f\x8b";

void give(z_stream& stream, std::string_view octets) {
  // zlib does not write there.
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(octets.data()));
  stream.avail_in = static_cast<uInt>(octets.size());
}

/// zlib counts its input in 32 bits.
constexpr std::size_t kMostInput = std::numeric_limits<uInt>::max() / 2;

}  // namespace

struct GzipSource::Impl {
  Impl(OctetSource& source, UnpackBudget& limits) : packed(source), budget(limits) {
    if (inflateInit2(&stream, kGzipWindow) != Z_OK) throw std::bad_alloc();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { inflateEnd(&stream); }

  /// At least so many octets in `rest`, unless it ends before.
  Status want(std::size_t octets) {
    while (rest.size() < octets) {
      const auto piece = packed.next();
      if (!piece) return piece.error();
      if (piece->empty()) break;
      if (rest.empty()) {
        rest = *piece;
      } else {
        joined = std::string(rest).append(*piece);
        rest = joined;
      }
    }
    return Done{};
  }

  /// Whether another member follows: nothing but zeros may stand before it.
  Result<bool> another() {
    for (;;) {
      if (const Status status = want(kMagic.size()); !status) return status.error();
      const std::size_t zeros = std::min(rest.find_first_not_of('\0'), rest.size());
      rest.remove_prefix(zeros);
      if (zeros == 0 || (rest.empty() && !want(1))) break;
    }
    return rest.starts_with(kMagic);
  }

  Result<std::string_view> next() {
    while (!ended) {
      if (between) {
        const auto more = another();
        if (!more) return more.error();
        ended = !*more;
        if (ended) break;
        inflateReset(&stream);
        between = false;
      }
      if (const Status status = want(1); !status) return status.error();
      if (rest.empty()) return Error{"its gzip data end too early"};
      const std::string_view given = rest.substr(0, kMostInput);
      give(stream, given);
      stream.next_out = reinterpret_cast<Bytef*>(out.data());
      stream.avail_out = static_cast<uInt>(out.size());
      const int done = inflate(&stream, Z_NO_FLUSH);
      rest.remove_prefix(given.size() - stream.avail_in);
      if (done == Z_MEM_ERROR) throw std::bad_alloc();
      // A wrong CRC and a wrong length are among them.
      if (done != Z_OK && done != Z_STREAM_END && done != Z_BUF_ERROR) {
        return Error{fmt::format("its gzip data are damaged ({})",
                                 stream.msg == nullptr ? "unknown" : stream.msg)};
      }
      between = done == Z_STREAM_END;
      const std::size_t size = out.size() - stream.avail_out;
      if (size > budget.octets) return too_much(budget);
      budget.octets -= size;
      if (size > 0) return std::string_view(out.data(), size);
    }
    return std::string_view();
  }

  OctetSource& packed;
  UnpackBudget& budget;
  z_stream stream{};
  std::string joined;
  std::string_view rest;
  std::array<char, kPieceOctets> out{};
  bool between = false;  // members
  bool ended = false;
};

GzipSource::GzipSource(OctetSource& packed, UnpackBudget& budget)
    : impl_(std::make_unique<Impl>(packed, budget)) {}
GzipSource::~GzipSource() = default;
Result<std::string_view> GzipSource::next() { return impl_->next(); }

struct GzipWriter::Impl {
  Impl() {
    constexpr int kMemory = 8;  // zlib's default
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemory,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { deflateEnd(&stream); }

  void pack(std::string_view text, int flush) {
    do {
      const std::string_view part = text.substr(0, kMostInput);
      text.remove_prefix(part.size());
      give(stream, part);
      do {
        stream.next_out = reinterpret_cast<Bytef*>(piece.data());
        stream.avail_out = static_cast<uInt>(piece.size());
        deflate(&stream, text.empty() ? flush : Z_NO_FLUSH);
        out.append(piece.data(), piece.size() - stream.avail_out);
      } while (stream.avail_out == 0);
    } while (!text.empty());
  }

  z_stream stream{};
  std::array<char, kPieceOctets> piece{};
  std::string out;
};

GzipWriter::GzipWriter() : impl_(std::make_unique<Impl>()) {}
GzipWriter::GzipWriter(GzipWriter&&) noexcept = default;
GzipWriter& GzipWriter::operator=(GzipWriter&&) noexcept = default;
GzipWriter::~GzipWriter() = default;
void GzipWriter::add(std::string_view text) { impl_->pack(text, Z_NO_FLUSH); }
std::string GzipWriter::finish() {
  impl_->pack({}, Z_FINISH);
  return std::move(impl_->out);
}

}  // namespace authmilter
