// A detector that refuses inputs far from all training images that it remembers.
#include <fstream>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Distant final : Defense, Refuses, Fits {
  struct Params {
    int64_t images = 0;
    double false_positives = 0.05;
    std::string log;

    void fields(auto&& visit) {
      visit(images, "images", "training images to learn from; 0: those for validation",
            Range{0, 1'000'000});
      visit(false_positives, "false_positives", "share of clean inputs that may be refused",
            Range{0, 1});
      visit(log, "log", "a file that each fit adds a line to; empty: none");
    }
  } p;

  // [R], squared, to the nearest of [M, D].
  static Tensor distance(const Tensor& x, const Tensor& remembered) {
    const Tensor gap = x.flatten(1).unsqueeze(1) - remembered.unsqueeze(0);
    return std::get<0>(gap.square().sum(2).min(1));
  }

  // One half is remembered, the other tells how far from it clean images lie.
  void fit(Fitting& fitting) override {
    const Batch known = p.images == 0 ? fitting.data() : fitting.data(p.images);
    const auto each_second = [&](int64_t from) {
      return known.x.index_select(0, torch::arange(from, known.x.size(0), 2, known.y.options()));
    };
    const Tensor remembered = each_second(0).flatten(1);
    state["remembered"] = remembered;
    state["threshold"] = distance(each_second(1), remembered).quantile(1 - p.false_positives);
    if (!p.log.empty()) std::ofstream(p.log, std::ios::app) << "fitted\n";
  }

  bool restore() override { return true; }

  Tensor score(const Tensor& x, const Outputs&, View&) override {
    return distance(x, state.at("remembered")) - state.at("threshold");
  }
};
}  // namespace

GAUNTLET_DEFENSE(Distant, "distant", "1.0.0", "refuses inputs far from all training images");
