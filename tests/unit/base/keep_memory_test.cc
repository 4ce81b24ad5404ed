#include "base/keep_memory.h"

#include <gtest/gtest.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <vector>

namespace gauntlet {
namespace {

#ifdef __GLIBC__
TEST(KeepFreedMemory, LargeBlocksAreNoMappingsOfTheirOwn) {
  keep_freed_memory();
  const size_t before = mallinfo2().hblks;
  const std::vector<char> block(size_t{100} << 20);
  EXPECT_EQ(mallinfo2().hblks, before);
}
#endif

}  // namespace
}  // namespace gauntlet
