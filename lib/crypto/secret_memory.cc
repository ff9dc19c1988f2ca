#include <authmilter/secret_memory.h>

#include <malloc.h>
#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <openssl/crypto.h>

namespace authmilter {
namespace {

extern "C" void* allocate(std::size_t size, const char* /*file*/, int /*line*/) noexcept {
  return size == 0 ? nullptr : std::malloc(size);
}

extern "C" void release(void* memory, const char* /*file*/, int /*line*/) noexcept {
  if (memory == nullptr) return;
  OPENSSL_cleanse(memory, malloc_usable_size(memory));
  std::free(memory);
}

/// Never in place and never by realloc(), which frees the old memory as it is.
extern "C" void* reallocate(void* memory, std::size_t size, const char* file, int line) noexcept {
  void* const larger = allocate(size, file, line);
  if (memory == nullptr) return larger;
  if (larger != nullptr) std::memcpy(larger, memory, std::min(size, malloc_usable_size(memory)));
  // As realloc() has it: when there is no memory the old one stays.
  if (larger != nullptr || size == 0) release(memory, file, line);
  return larger;
}

}  // namespace

bool wipe_freed_memory() { return CRYPTO_set_mem_functions(allocate, reallocate, release) == 1; }

}  // namespace authmilter
