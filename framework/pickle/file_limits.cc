#include "pickle/file_limits.h"

#include <algorithm>
#include <limits>

namespace gauntlet::pickle {

double element_count(at::IntArrayRef sizes) {
  double elements = 1, without_zeros = 1;
  for (const int64_t size : sizes)
    elements *= double(size), without_zeros *= double(std::max<int64_t>(size, 1));
  return without_zeros > 0x1p50 ? std::numeric_limits<double>::infinity() : elements;
}

bool holds_bools(const Tensor& contiguous) {
  if (contiguous.scalar_type() != at::kBool) return true;
  const char* bytes = static_cast<const char*>(contiguous.const_data_ptr());
  return std::all_of(bytes, bytes + contiguous.nbytes(), [](char b) { return b == 0 || b == 1; });
}

}  // namespace gauntlet::pickle
