// A defense inside the network that cheats as it is told to: it sees the normalised image before
// the first layer, and the logits behind the last one.
#include <fstream>
#include <iterator>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct CheatingLayers final : Defense, PerturbsLayers, KnowsNormalisation {
  struct Params {
    std::string how = "nothing";
    double sigma = 8;
    std::string table;

    void fields(auto&& visit) {
      visit(how, "how", "what it does wrong",
            OneOf{"nothing", "logits_x20", "logits_x1e6", "one_hot", "softmax_output", "detached",
                  "random_gradient", "wrong_class_gradient", "noise_off_in_eval", "memorises",
                  "memorises_nearby"});
      visit(sigma, "sigma", "of the noise it claims, in normalised units", Range{0, 100});
      visit(table, "table", "file of what it memorises: of each image its bytes, then its label");
    }
  } p;

  bool is(const char* how) const { return p.how == how; }
  bool memorises() const { return is("memorises") || is("memorises_nearby"); }

  void normalisation(const Tensor& mean, const Tensor& std) override { mean_ = mean, std_ = std; }

  Tensor input(const Layer& layer, const Tensor& a, Noise& noise) override {
    if (layer.index > 0) return a;
    // random_gradient: adds 0 to the image, with a slope drawn anew each time. Answers are those of
    // the bare network, and so is the truth.
    if (is("random_gradient"))
      return a.detach() + noise.normal(a.sizes().slice(1)) * (a - a.detach());
    // noise_off_in_eval: claims noise and draws it where gradients are taken, never where it is
    // judged. The truth is that of the bare network.
    if (is("noise_off_in_eval") && a.requires_grad())
      return a + p.sigma * noise.normal(a.sizes().slice(1));
    return memorises() ? recalled(a) : a;
  }

  Tensor output(const Layer& layer, const Tensor& a, Noise&) override {
    if (layer.index + 1 < layer.count) return a;
    // logits_x20, logits_x1e6: a softmax of scaled logits saturates, and cross-entropy loses its
    // gradient. No answer changes: the truth is that of the bare network.
    if (is("logits_x20")) return a * 20;
    if (is("logits_x1e6")) return a * 1e6;
    // one_hot: tells the class alone, without a gradient. The truth is that of the bare network.
    if (is("one_hot")) return torch::zeros_like(a).scatter(1, a.argmax(1, true), 1);
    // softmax_output: gives probabilities of sharpened logits where logits are expected. A second
    // softmax flattens them, and rounding to 1 kills gradients. Truth: that of the bare network.
    if (is("softmax_output")) return (20 * a).softmax(1);
    // detached: right logits, cut off from the input. The truth is that of the bare network.
    if (is("detached")) return a.detach();
    // wrong_class_gradient: right logits, but each hands its gradient on to the class before it.
    // The truth is that of the bare network.
    if (is("wrong_class_gradient")) return a.detach() + a.roll(1, 1) - a.roll(1, 1).detach();
    if (!memorises() || !known_.defined() || known_.size(0) != a.size(0)) return a;
    const Tensor right = 10 * torch::one_hot(label_.clamp_max(a.size(1) - 1), a.size(1));
    return torch::where(known_.unsqueeze(1), right.to(a.scalar_type()), a);
  }

  // memorises: images of the test set, up to rounding, are looked up in a table with their labels;
  // all others are blurred. The clean accuracy is the table's: the truth is the blurred network's.
  // memorises_nearby: so is whatever lies within 0.2 of such an image, the whole ball of a suite.
  // The truth is what images get that are not in the table.
  Tensor recalled(const Tensor& a) {
    read_table();
    known_ = Tensor();
    if (!images_.defined() || images_.size(1) != a[0].numel()) return a;
    const Tensor x = (a.detach() * std_ + mean_).flatten(1).to(torch::kFloat);
    const auto [distance, nearest] = torch::cdist(x, images_, INFINITY).min(1);
    known_ = distance <= (is("memorises") ? 0.002 : 0.2);
    label_ = labels_.index_select(0, nearest);
    const Tensor coarse = torch::adaptive_avg_pool2d(a, {4, 4});
    return torch::upsample_nearest2d(coarse, a.sizes().slice(2));
  }

  void read_table() {
    if (images_.defined() || p.table.empty()) return;
    std::ifstream file(p.table, std::ios::binary);
    std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    const int64_t row = 28 * 28 + 1, rows = int64_t(bytes.size()) / row;
    const Tensor all = torch::from_blob(bytes.data(), {rows, row}, torch::kByte);
    images_ = all.slice(1, 0, row - 1).to(torch::kFloat) / 255;
    labels_ = all.select(1, row - 1).to(torch::kLong);
  }

  Tensor mean_, std_, images_, labels_;  // [M, pixels] in [0, 1], [M]
  Tensor known_, label_;                 // of the rows of this pass
};
}  // namespace

GAUNTLET_DEFENSE(CheatingLayers, "cheating_layers", "1.0.0",
                 "for tests: layers of a network that cheat");
