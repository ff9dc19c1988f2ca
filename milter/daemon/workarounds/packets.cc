#include "workarounds/packets.h"

#include <dlfcn.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace authmilter {
namespace {

/// Connections with higher numbers are served as libmilter does it.
constexpr std::size_t kDescriptors = 65'536;
/// A header of ordinary mail comes in one piece. Longer reads, of a body, go past the buffer.
constexpr std::size_t kReadOctets = 8192;
/// A batch that has grown so far is sent.
constexpr std::size_t kBatchOctets = 65'536;
/// How long an MTA may take nothing, as smfi_settimeout() has it for single packets.
constexpr int kWriteMilliseconds = 600'000;

/// For each descriptor how often a connection was opened or closed on it: odd while it is open. So
/// what was kept of one connection is never taken for another's of the same number.
std::array<std::atomic<std::uint32_t>, kDescriptors> generations;

std::uint32_t generation(int descriptor) {
  if (descriptor < 0 || static_cast<std::size_t>(descriptor) >= kDescriptors) return 0;
  return generations[static_cast<std::size_t>(descriptor)].load(std::memory_order_acquire);
}

bool is_open(std::uint32_t generation) { return generation % 2 == 1; }

/// What this thread has read of one connection and not handed out.
struct Kept {
  int descriptor;
  std::uint32_t generation;
  bool readable;  // poll() has said so, and nothing was read since
  std::size_t begin;
  std::size_t end;
  char octets[kReadOctets];
};

thread_local constinit Kept kept{-1, 0, false, 0, 0, {}};

bool is_kept_for(int descriptor) {
  return kept.descriptor == descriptor && is_open(kept.generation) &&
         kept.generation == generation(descriptor);
}

/// What this thread has to send, and to whom.
struct Outgoing {
  int descriptor = -1;
  bool failed = false;
  std::string octets;
};

thread_local constinit Outgoing* outgoing = nullptr;

/// The function that ours stands before: the C library's, or that of a sanitizer.
template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

int next_poll(pollfd* descriptors, nfds_t count, int timeout) {
  static const auto function = next<int(pollfd*, nfds_t, int)>("poll");
  return function(descriptors, count, timeout);
}

void send_outgoing() {
  std::string_view left = outgoing->octets;
  while (!left.empty() && !outgoing->failed) {
    pollfd waited{outgoing->descriptor, POLLOUT, 0};
    const int ready = next_poll(&waited, 1, kWriteMilliseconds);
    if (ready < 0 && errno == EINTR) continue;
    const ssize_t sent = ready > 0 ? write(outgoing->descriptor, left.data(), left.size()) : -1;
    if (sent < 0 && ready > 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (sent < 0)
      outgoing->failed = true;
    else
      left.remove_prefix(static_cast<std::size_t>(sent));
  }
  outgoing->octets.clear();
}

}  // namespace

void handle_packets(int connection) {
  if (connection < 0 || static_cast<std::size_t>(connection) >= kDescriptors) return;
  auto& count = generations[static_cast<std::size_t>(connection)];
  count.fetch_add(is_open(count.load()) ? 2 : 1, std::memory_order_release);
}

PacketBatch::PacketBatch() { outgoing = new Outgoing; }

PacketBatch::~PacketBatch() {
  delete outgoing;
  outgoing = nullptr;
}

bool PacketBatch::send() {
  send_outgoing();
  const bool sent = !outgoing->failed;
  delete outgoing;
  outgoing = nullptr;
  return sent;
}

}  // namespace authmilter

using authmilter::kept;
using authmilter::outgoing;

extern "C" {

/// Under a name of its own, because the C library's declaration says that `descriptors` is not
/// read.
__attribute__((visibility("default"))) int poll_packets(pollfd* descriptors, nfds_t count,
                                                        int timeout) __asm__("poll");
int poll_packets(pollfd* descriptors, nfds_t count, int timeout) {
  const std::uint32_t generation = count == 1 ? authmilter::generation(descriptors->fd) : 0;
  if (authmilter::is_open(generation)) {
    if (outgoing != nullptr && (descriptors->events & POLLOUT) != 0) {
      descriptors->revents = POLLOUT;
      return 1;
    }
    if ((descriptors->events & POLLIN) != 0) {
      if (!authmilter::is_kept_for(descriptors->fd)) {
        kept.descriptor = descriptors->fd;
        kept.generation = generation;
        kept.readable = false;
        kept.begin = kept.end = 0;
      } else if (kept.begin < kept.end || kept.readable) {
        descriptors->revents = POLLIN;
        return 1;
      }
    }
  }
  const int ready = authmilter::next_poll(descriptors, count, timeout);
  // libmilter asks twice before each packet: whether one has come, and whether it has.
  if (authmilter::is_open(generation) && authmilter::is_kept_for(descriptors->fd))
    kept.readable = ready == 1 && descriptors->revents == POLLIN;
  return ready;
}

/// Reads ahead only where this thread has waited for the connection by poll() above, so that
/// nothing is kept from a reader that waits in another way.
__attribute__((visibility("default"))) ssize_t read(int descriptor, void* out, std::size_t octets) {
  static const auto next = authmilter::next<ssize_t(int, void*, std::size_t)>("read");
  if (!authmilter::is_kept_for(descriptor)) return next(descriptor, out, octets);
  if (kept.begin == kept.end) {
    kept.readable = false;
    if (octets >= authmilter::kReadOctets) return next(descriptor, out, octets);
    const ssize_t got = next(descriptor, kept.octets, authmilter::kReadOctets);
    if (got <= 0) return got;
    kept.begin = 0;
    kept.end = static_cast<std::size_t>(got);
  }
  const std::size_t taken = std::min(octets, kept.end - kept.begin);
  std::memcpy(out, kept.octets + kept.begin, taken);
  kept.begin += taken;
  return static_cast<ssize_t>(taken);
}

/// What a libmilter that was compiled with _FORTIFY_SOURCE calls instead of read().
__attribute__((visibility("default"))) ssize_t __read_chk(int descriptor, void* out,
                                                          std::size_t octets, std::size_t room) {
  if (octets > room) std::abort();
  return read(descriptor, out, octets);
}

/// libmilter writes its packets by it alone.
__attribute__((visibility("default"))) ssize_t writev(int descriptor, const iovec* pieces,
                                                      int count) {
  if (outgoing == nullptr || !authmilter::is_open(authmilter::generation(descriptor))) {
    static const auto next = authmilter::next<ssize_t(int, const iovec*, int)>("writev");
    return next(descriptor, pieces, count);
  }
  ssize_t taken = 0;
  try {
    for (const iovec* piece = pieces; piece != pieces + count; ++piece) {
      outgoing->octets.append(static_cast<const char*>(piece->iov_base), piece->iov_len);
      taken += static_cast<ssize_t>(piece->iov_len);
    }
  } catch (...) {  // memory only
    outgoing->failed = true;
  }
  outgoing->descriptor = descriptor;
  if (outgoing->octets.size() > authmilter::kBatchOctets) authmilter::send_outgoing();
  if (!outgoing->failed) return taken;
  errno = EPIPE;
  return -1;
}

__attribute__((visibility("default"))) int close(int descriptor) {
  if (const std::uint32_t generation = authmilter::generation(descriptor);
      authmilter::is_open(generation))
    authmilter::generations[static_cast<std::size_t>(descriptor)].store(generation + 1,
                                                                        std::memory_order_release);
  static const auto next = authmilter::next<int(int)>("close");
  return next(descriptor);
}

}  // extern "C"
