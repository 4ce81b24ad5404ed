// Adversarial examples made elsewhere, read from a file and judged here.
#include "gauntlet/arrays.h"
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct External final : Attack {
  struct Params {
    File file;
    std::string array = "x_adv";
    std::string index = "index";

    void fields(auto&& visit) {
      visit(file, "file", "a .npz file of adversarial examples");
      visit(array, "array", "its array of examples, [n, C, H, W]");
      visit(index, "index", "its array of the samples they belong to; absent: example i, sample i");
    }
  } p;

  AttackFacts facts() const override {  // images are judged by themselves
    return {.access = Access::kNone, .norms = every_norm()};
  }

  std::string unsupported(const ThreatModel&, const TargetFacts&, Goal) const override {
    return p.file.path.empty() ? "external needs a file of adversarial examples" : "";
  }

  Tensor run(Target&, const Task& task) override {
    if (!examples_.defined()) load(task.x.sizes().slice(1));
    const Tensor sample = task.noise.key.id.cpu();  // [N], index in the split
    const Tensor place = torch::searchsorted(samples_, sample).clamp_max(samples_.size(0) - 1);
    const Tensor given = samples_.index_select(0, place) == sample;
    const Tensor row = rows_.index_select(0, place.masked_select(given));
    Tensor found = examples_.index_select(0, row);
    if (found.scalar_type() == torch::kByte) found = found.to(torch::kFloat) / 255;
    Tensor x = task.x.clone();
    const Tensor where = given.nonzero().squeeze(1).to(x.device());
    return x.index_copy_(0, where, found.to(x.device(), torch::kFloat));
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw ParamError("file: " + p.file.path + ": " + what);
  }

  void load(at::IntArrayRef image) {
    const auto arrays = read_npz(p.file.path, {p.array, p.index});
    const auto examples = arrays.find(p.array), index = arrays.find(p.index);
    if (examples == arrays.end()) refuse("holds no array '" + p.array + "'");
    check_examples(examples->second, image);
    const int64_t n = examples->second.size(0);
    Tensor samples = torch::arange(n);
    if (index != arrays.end()) {
      if (index->second.dim() != 1 || index->second.size(0) != n ||
          index->second.is_floating_point() || index->second.scalar_type() == torch::kBool)
        refuse("the array '" + p.index + "' is not one whole number for each of the " +
               std::to_string(n) + " examples");
      samples = index->second.to(torch::kLong);
    }
    std::tie(samples_, rows_) = samples.sort();
    const Tensor twice = (samples_.slice(0, 1) == samples_.slice(0, 0, n - 1)).nonzero();
    if (twice.size(0) > 0)
      refuse("sample " + std::to_string(samples_[twice[0].item<int64_t>()].item<int64_t>()) +
             " has two examples");
    examples_ = examples->second;
  }

  void check_examples(const Tensor& examples, at::IntArrayRef image) const {
    const auto text = [](at::IntArrayRef sizes, std::string out) {
      for (const int64_t size : sizes) out += (out == "[" ? "" : ", ") + std::to_string(size);
      return out + "]";
    };
    if (examples.dim() != 4 || examples.sizes().slice(1) != image || examples.size(0) == 0)
      refuse("the array '" + p.array + "' is " + text(examples.sizes(), "[") + ", expected " +
             text(image, "[n"));
    if (examples.scalar_type() != torch::kByte && !examples.is_floating_point())
      refuse("the array '" + p.array + "' is neither uint8 nor of floats");
  }

  // Read once: the file is the same for every batch.
  Tensor examples_;        // [n, C, H, W]
  Tensor samples_, rows_;  // [n] sorted indices in the split, and the examples they belong to
};
}  // namespace

GAUNTLET_ATTACK(External, "external", "1.0.0", "adversarial examples from a file");
