#include "kernels/philox/philox.h"

namespace gauntlet::philox {
namespace {

// A thread a block: sixteen neighbours write sixteen neighbouring values, four times.
template <Values kValues>
__global__ void fill_blocks(Request r) {
  const int64_t blocks_per_row = r.groups_per_row() * kLanes;
  const int64_t stride = int64_t(gridDim.x) * blockDim.x;
  for (int64_t n = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; n < r.rows * blocks_per_row;
       n += stride) {
    const int64_t row = n / blocks_per_row, counter = n % blocks_per_row;
    const uint64_t place = uint64_t(r.place[row]);
    float v[4];
    block<kValues>(uint32_t(counter), uint32_t(r.id[row]), uint32_t(place), uint32_t(place >> 32),
                   r.key[0], r.key[1], v[0], v[1], v[2], v[3]);
    const int64_t first = counter / kLanes * kGroup + counter % kLanes;
    for (int word = 0; word < 4; ++word)
      if (const int64_t e = first + word * kLanes; e < r.row_size)
        r.out[row * r.row_size + e] = v[word];
  }
}

}  // namespace

int fill_on_cuda(const Request& request, void* stream) {
  const int64_t blocks = request.rows * request.groups_per_row() * kLanes;
  if (blocks == 0) return 0;
  constexpr int kThreads = 256;
  constexpr int64_t kMostGrids = 1 << 20;
  const auto needed = (blocks + kThreads - 1) / kThreads;
  const auto grid = unsigned(needed < kMostGrids ? needed : kMostGrids);
  auto* const on = static_cast<cudaStream_t>(stream);
  if (request.values == Values::kNormal)
    fill_blocks<Values::kNormal><<<grid, kThreads, 0, on>>>(request);
  else
    fill_blocks<Values::kUniform><<<grid, kThreads, 0, on>>>(request);
  return int(cudaGetLastError());
}

}  // namespace gauntlet::philox
