// Preloaded into a filter: counts what it allocates, in a file that another process reads (the name
// is in AUTHMILTER_BENCH_ALLOCATIONS): two numbers of 64 bits, calls and octets.

#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" {
// What glibc's functions of these names do.
void* __libc_malloc(std::size_t octets);
void __libc_free(void* place);
void* __libc_calloc(std::size_t count, std::size_t octets);
void* __libc_realloc(void* place, std::size_t octets);
void* __libc_memalign(std::size_t alignment, std::size_t octets);
}

namespace {

struct Counts {
  std::atomic<std::uint64_t> calls;
  std::atomic<std::uint64_t> octets;
};

Counts unread;  // when no file is named
std::atomic<Counts*> counts{&unread};

__attribute__((constructor)) void share_counts() {
  const char* name = std::getenv("AUTHMILTER_BENCH_ALLOCATIONS");
  if (name == nullptr) return;
  const int file = ::open(name, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void* shared = ::mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  if (shared != MAP_FAILED) counts = static_cast<Counts*>(shared);
}

void count(std::size_t octets) {
  Counts* const to = counts.load(std::memory_order_relaxed);
  to->calls.fetch_add(1, std::memory_order_relaxed);
  to->octets.fetch_add(octets, std::memory_order_relaxed);
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

void* malloc(std::size_t octets) noexcept {
  count(octets);
  return __libc_malloc(octets);
}
void free(void* place) noexcept { __libc_free(place); }
void* calloc(std::size_t number, std::size_t octets) noexcept {
  count(number * octets);
  return __libc_calloc(number, octets);
}
void* realloc(void* place, std::size_t octets) noexcept {
  count(octets);
  return __libc_realloc(place, octets);
}
void* memalign(std::size_t alignment, std::size_t octets) noexcept {
  count(octets);
  return __libc_memalign(alignment, octets);
}
void* aligned_alloc(std::size_t alignment, std::size_t octets) noexcept {
  return memalign(alignment, octets);
}
int posix_memalign(void** place, std::size_t alignment, std::size_t octets) noexcept {
  *place = memalign(alignment, octets);
  return *place == nullptr ? ENOMEM : 0;
}
}
#pragma GCC visibility pop
