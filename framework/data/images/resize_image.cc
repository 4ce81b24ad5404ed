#include "data/images/resize_image.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace gauntlet::data {
namespace {

// The pixels of one line that a pixel of the crop is a mean of.
struct Taps {
  int64_t begin;
  std::vector<float> weights;
};

// For `count` pixels out of the middle of a line of `size` scaled to `scaled`: a triangle as wide
// as the scale, cut at the ends.
std::vector<Taps> taps_of(int64_t size, int64_t scaled, int64_t count) {
  const double scale = double(size) / double(scaled), reach = std::max(scale, 1.0);
  const auto first = int64_t(std::nearbyint(double(scaled - count) / 2));  // halves to even
  std::vector<Taps> out;
  for (int64_t i = first; i < first + count; ++i) {
    const double center = scale * (double(i) + 0.5);
    // NOLINTBEGIN(bugprone-incorrect-roundings): truncated after 0.5 was added, as Pillow does it.
    const int64_t begin = std::max<int64_t>(0, int64_t(center - reach + 0.5)),
                  end = std::min(size, int64_t(center + reach + 0.5));
    // NOLINTEND(bugprone-incorrect-roundings)
    Taps taps{begin, {}};
    double sum = 0;
    for (int64_t at = begin; at < end; ++at) {
      const double weight = std::max(0.0, 1 - std::abs(double(at) + 0.5 - center) / reach);
      taps.weights.push_back(float(weight));
      sum += weight;
    }
    for (float& weight : taps.weights) weight = float(weight / sum);
    out.push_back(std::move(taps));
  }
  return out;
}

// Two passes: across the rows that the crop needs, then down its columns.
Tensor sampled(const Tensor& image, const std::vector<Taps>& down,
               const std::vector<Taps>& across) {
  const int64_t top = down.front().begin,
                bottom = down.back().begin + int64_t(down.back().weights.size()),
                columns = int64_t(across.size());
  const Tensor in = image.narrow(1, top, bottom - top).contiguous();
  const Tensor rows = torch::empty({in.size(0), in.size(1), columns}, torch::kFloat);
  const uint8_t* from = in.const_data_ptr<uint8_t>();
  float* to = rows.mutable_data_ptr<float>();
  for (int64_t row = 0; row < in.size(0) * in.size(1); ++row, from += in.size(2))
    for (const Taps& taps : across) {
      float sum = 0;
      for (size_t k = 0; k < taps.weights.size(); ++k)
        sum += taps.weights[k] * float(from[taps.begin + int64_t(k)]);
      *to++ = sum;
    }
  const Tensor out = torch::zeros({in.size(0), int64_t(down.size()), columns}, torch::kFloat);
  float* sum = out.mutable_data_ptr<float>();
  for (int64_t channel = 0; channel < in.size(0); ++channel)
    for (const Taps& taps : down) {
      const float* row =
          rows.const_data_ptr<float>() + (channel * in.size(1) + taps.begin - top) * columns;
      for (const float weight : taps.weights)
        for (int64_t x = 0; x < columns; ++x) sum[x] += weight * *row++;
      sum += columns;
    }
  return out.round_().clamp_(0, 255).to(torch::kByte);
}
}  // namespace

Tensor resize_and_crop(const Tensor& image, int64_t height, int64_t width, int64_t resize) {
  const int64_t h = image.size(1), w = image.size(2);
  // The side that decides becomes `wanted` long, the other as much longer, rounded down.
  const bool by_height = resize > 0 ? h <= w : height * w >= width * h;
  const int64_t wanted = resize > 0 ? resize : by_height ? height : width;
  const int64_t new_h = by_height ? wanted : std::max(height, wanted * h / w),
                new_w = by_height ? std::max(width, wanted * w / h) : wanted;
  return sampled(image, taps_of(h, new_h, height), taps_of(w, new_w, width));
}

}  // namespace gauntlet::data
