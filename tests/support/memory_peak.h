// How much a piece of code allocates at most, whoever allocates: malloc and its kin of the whole
// program are counted. Include in one unit of a test program only.
#pragma once
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);
}

namespace gauntlet::testing {

struct Memory {
  inline static std::atomic<int64_t> live{0}, peak{0};
  static void* got(void* block) {
    if (!block) return block;
    const int64_t now = live += int64_t(malloc_usable_size(block));
    int64_t most = peak;
    while (now > most && !peak.compare_exchange_weak(most, now)) {
    }
    return block;
  }
  static void gone(void* block) {
    if (block) live -= int64_t(malloc_usable_size(block));
  }
  /// Bytes that `action` had allocated at its worst, beyond what was there before.
  template <class Action>
  static int64_t peak_of(const Action& action) {
    const int64_t before = live;
    peak = before;
    action();
    return peak - before;
  }
};

}  // namespace gauntlet::testing

#ifndef __SANITIZE_ADDRESS__  // which has its own; peak_of() is 0 there
extern "C" {
void* malloc(size_t size) { return gauntlet::testing::Memory::got(__libc_malloc(size)); }
void* calloc(size_t n, size_t size) {
  return gauntlet::testing::Memory::got(__libc_calloc(n, size));
}
void* realloc(void* block, size_t size) {
  gauntlet::testing::Memory::gone(block);
  return gauntlet::testing::Memory::got(__libc_realloc(block, size));
}
void* memalign(size_t alignment, size_t size) {
  return gauntlet::testing::Memory::got(__libc_memalign(alignment, size));
}
void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void** out, size_t alignment, size_t size) {
  *out = memalign(alignment, size);
  return *out || size == 0 ? 0 : ENOMEM;
}
void free(void* block) {
  gauntlet::testing::Memory::gone(block);
  __libc_free(block);
}
}
#endif
