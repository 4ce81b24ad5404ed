#include "evaluation/draw_memory.h"

#include <array>

#include "base/sha256.h"

namespace gauntlet::evaluation {
namespace {

std::string_view raw_bytes(const void* from, size_t bytes) {
  return {static_cast<const char*>(from), bytes};
}

const int64_t* whole(const Tensor& host) { return host.const_data_ptr<int64_t>(); }
}  // namespace

DrawMemory::Vote DrawMemory::vote(const Tensor& x, const Noise& noise, models::Mode mode,
                                  int64_t classes) {
  if (bytes_ > most_bytes_) draws_.clear(), bytes_ = 0;
  const Tensor images = x.cpu().contiguous(), id = noise.key.id.cpu().contiguous(),
               place = noise.key.place.cpu().contiguous();
  const auto bytes = size_t(images.nbytes()) / std::max<size_t>(1, size_t(x.size(0)));
  const auto* pixels = static_cast<const char*>(images.const_data_ptr());
  Vote out(*this, classes);
  for (int64_t row = 0; row < x.size(0); ++row) {
    const std::array<int64_t, 6> of{int64_t(noise.key.seed), noise.key.shared, whole(id)[row],
                                    whole(place)[row],       noise.key.off,    int64_t(mode)};
    Sha256 digest;
    digest.add(raw_bytes(of.data(), sizeof of));
    digest.add(raw_bytes(pixels + size_t(row) * bytes, bytes));
    out.draws_.push_back(&draws_[digest.hex()]);
  }
  return out;
}

Tensor DrawMemory::Vote::missing(const Tensor& rows, int64_t draws) const {
  const Tensor host = rows.cpu();
  std::vector<int64_t> out;
  for (int64_t i = 0; i < host.size(0); ++i)
    if (std::ssize(*draws_[size_t(whole(host)[i])]) < draws * classes_)
      out.push_back(whole(host)[i]);
  return torch::tensor(out, torch::kLong).to(rows.device());
}

void DrawMemory::Vote::add(const Tensor& rows, int64_t first, int64_t group, const Tensor& logits) {
  const Tensor host = rows.cpu(), values = logits.detach().cpu().contiguous();
  const float* value = values.const_data_ptr<float>();
  const int64_t r = host.size(0);
  memory_.spared_ -= r * group;  // logits() counts them
  for (int64_t i = 0; i < r; ++i) {
    std::vector<float>& known = *draws_[size_t(whole(host)[i])];
    memory_.bytes_ -= int64_t(known.size() * sizeof(float));
    known.resize(size_t((first + group) * classes_));
    for (int64_t draw = 0; draw < group; ++draw)
      std::copy_n(value + (draw * r + i) * classes_, classes_,
                  known.begin() + (first + draw) * classes_);
    memory_.bytes_ += int64_t(known.size() * sizeof(float));
  }
}

Tensor DrawMemory::Vote::logits(const Tensor& rows, int64_t first, int64_t group,
                                const at::TensorOptions& options) {
  const Tensor host = rows.cpu();
  const int64_t r = host.size(0);
  memory_.spared_ += r * group;
  Tensor out = torch::empty({group * r, classes_}, torch::kFloat);
  auto* value = out.mutable_data_ptr<float>();
  for (int64_t i = 0; i < r; ++i)
    for (int64_t draw = 0; draw < group; ++draw)
      std::copy_n(draws_[size_t(whole(host)[i])]->begin() + (first + draw) * classes_, classes_,
                  value + (draw * r + i) * classes_);
  return out.to(options);
}

}  // namespace gauntlet::evaluation
