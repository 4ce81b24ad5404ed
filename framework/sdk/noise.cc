#include "gauntlet/noise.h"

#include <ATen/Parallel.h>
#ifdef GAUNTLET_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

#include <stdexcept>

#include "kernels/philox/philox.h"
#include "sdk/noise_count.h"

namespace gauntlet {
namespace {
using philox::Values;

// Bits of Noise::Key::place: step << 40 | draw << 20 | copy.
constexpr int kDrawShift = 20, kStepShift = 40;
constexpr int64_t kCopies = int64_t{1} << 20, kDraws = kCopies, kSteps = int64_t{1} << 23;

thread_local int64_t calls = 0;

uint64_t mix(uint64_t z) {  // splitmix64
  z += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void check_range(const char* what, int64_t value, int64_t end) {
  if (value < 0 || value >= end)
    throw std::out_of_range("noise: " + std::string(what) + " " + std::to_string(value) +
                            " is not in [0, " + std::to_string(end) + ")");
}

#ifdef GAUNTLET_CUDA
void fill_on_device(const philox::Request& request, at::Device device) {
  const c10::cuda::CUDAGuard guard(device);
  const int error =
      philox::fill_on_cuda(request, c10::cuda::getCurrentCUDAStream(device.index()).stream());
  if (error != 0) throw std::runtime_error("noise: CUDA error " + std::to_string(error));
}
#endif

// [rows, row_shape...] on the device of `id`; counts as one call of the key.
Tensor draw(Noise::Key& key, Values values, const Tensor& id, const Tensor& place,
            at::IntArrayRef row_shape) {
  std::vector<int64_t> shape{id.size(0)};
  shape.insert(shape.end(), row_shape.begin(), row_shape.end());
  const uint64_t mixed = mix(mix(key.seed) ^ (uint64_t{key.layer} << 32 | key.call));
  ++key.call, ++calls;
  const auto options = id.options().dtype(torch::kFloat);
  if (key.off) return torch::full(shape, values == Values::kNormal ? 0.0 : 0.5, options);

  bool native = id.device().is_cpu();
#ifdef GAUNTLET_CUDA
  native = native || id.device().is_cuda();
#endif
  const auto device = native ? id.device() : at::Device(at::kCPU);
  const Tensor ids = id.to(device).contiguous(), places = place.to(device).contiguous();
  const Tensor out = torch::empty(shape, options.device(device));
  const philox::Request request{values,
                                {uint32_t(mixed), uint32_t(mixed >> 32)},
                                ids.const_data_ptr<int64_t>(),
                                places.const_data_ptr<int64_t>(),
                                id.size(0),
                                c10::multiply_integers(row_shape),
                                out.mutable_data_ptr<float>()};
#ifdef GAUNTLET_CUDA
  if (device.is_cuda()) {
    fill_on_device(request, device);
    return out;
  }
#endif
  philox::fill(request, at::in_parallel_region() ? 1 : at::get_num_threads());
  return out.to(id.device());
}
}  // namespace

int64_t noise_calls() { return calls; }

Tensor Noise::uniform(at::IntArrayRef shape) {
  return draw(key, Values::kUniform, key.id, key.place, shape);
}
Tensor Noise::normal(at::IntArrayRef shape) {
  return draw(key, Values::kNormal, key.id, key.place, shape);
}
Tensor Noise::shared_normal(at::IntArrayRef shape) {  // the counter of no sample
  const auto options = key.id.defined() ? key.id.options() : at::TensorOptions(torch::kLong);
  return draw(key, Values::kNormal, torch::full({1}, -1, options),
              torch::full({1}, key.shared, options), shape)
      .squeeze(0);
}

Noise Noise::at(int64_t step, int64_t draw) const {
  check_range("step", step, kSteps);
  check_range("draw", draw, kDraws);
  Noise noise = *this;
  noise.key.call = 0, noise.key.shared = step << kStepShift | draw << kDrawShift;
  if (key.place.defined())  // a source of shared draws alone has no rows
    noise.key.place = key.place.bitwise_and(kCopies - 1) + noise.key.shared;
  return noise;
}

Noise Noise::rows(const Tensor& sample) const {
  Noise noise = *this;
  noise.key.id = key.id.index_select(0, sample);
  noise.key.place = key.place.index_select(0, sample);
  if (sample.size(0) == 0) return noise;
  const auto [sorted, order] = sample.sort(/*stable=*/true, 0, false);
  const Tensor number = torch::arange(sample.size(0), sample.options());
  const Tensor copy = torch::empty_like(sample);  // 0, 1, ... among the rows of one sample
  copy.index_copy_(0, order, number - torch::searchsorted(sorted, sorted));
  // Copies of rows that are copies already must not meet each other's.
  const int64_t stride = key.place.bitwise_and(kCopies - 1).max().item<int64_t>() + 1;
  const int64_t most = copy.max().item<int64_t>();
  check_range("copy", most * stride + stride - 1, kCopies);
  noise.key.place += copy * stride;
  return noise;
}

}  // namespace gauntlet
