// Single draws that a judge has asked for, kept for votes of other rows over the same draws.
#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "gauntlet/noise.h"
#include "models/network.h"

namespace gauntlet::evaluation {

/// Logits by image, noise and mode, of one network with one noise around it. Draws of a vote follow
/// one another, so what is known of an image are its first draws.
class DrawMemory {
 public:
  /// Bytes of logits beyond which everything is forgotten before the next vote.
  explicit DrawMemory(int64_t most_bytes) : most_bytes_(most_bytes) {}

  /// The rows of one vote. Holds until the next one begins.
  class Vote {
   public:
    /// Those of these rows of which some of the draws [0, draws) are not known; int64.
    Tensor missing(const Tensor& rows, int64_t draws) const;
    /// logits: [group * r, K] of the draws [first, first + group), all rows of a draw before those
    /// of the next. The draws before are known.
    void add(const Tensor& rows, int64_t first, int64_t group, const Tensor& logits);
    /// Of known draws, in the same order.
    Tensor logits(const Tensor& rows, int64_t first, int64_t group,
                  const at::TensorOptions& options);

   private:
    friend class DrawMemory;
    Vote(DrawMemory& memory, int64_t classes) : memory_(memory), classes_(classes) {}
    DrawMemory& memory_;
    const int64_t classes_;
    std::vector<std::vector<float>*> draws_;  // by row
  };

  /// Draws of images that were asked for and needed no pass.
  int64_t spared() const { return spared_; }

  /// x: [R, C, H, W], what every draw perturbs; noise: of the first draw.
  Vote vote(const Tensor& x, const Noise& noise, models::Mode mode, int64_t classes);

 private:
  const int64_t most_bytes_;
  int64_t bytes_ = 0, spared_ = 0;
  std::unordered_map<std::string, std::vector<float>> draws_;  // nodes stay where they are
};

}  // namespace gauntlet::evaluation
