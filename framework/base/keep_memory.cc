#include "base/keep_memory.h"

#include <cstdlib>  // defines __GLIBC__ where it is one
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <limits>

namespace gauntlet {

void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
#endif
}

}  // namespace gauntlet
