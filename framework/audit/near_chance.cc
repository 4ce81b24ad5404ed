#include "audit/near_chance.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace gauntlet::audit {
namespace {

// What to look at.
constexpr const char* kNothingFound = "near_chance";
constexpr int64_t kAsked = 200, kFewest = 10;

double limit_of(int64_t classes) {
  const double chance = 1 / double(classes);
  return std::min(5 * chance, chance + 0.15 * (1 - chance));
}

// The bare network and images that it is right on too seldom.
class Trial {
 public:
  Trial(evaluation::DefendedModel& model, const data::Dataset& data,
        const std::vector<int64_t>& indices, at::Device device)
      : model_(model) {
    const auto n = std::min<int64_t>(kAsked, int64_t(indices.size()));
    const std::vector<int64_t> first(indices.begin(), indices.begin() + n);
    const Tensor index = torch::tensor(first, torch::kLong);
    x_ = data.x(index).to(device), y_ = data.y(index).to(device);
  }

  results::Finding cause() {
    const Tensor plain = answers(x_);
    const double now = right(plain);
    if (!near_chance(now, model_.classes(), x_.size(0)))
      return {"near_chance_of_stack", {{"bare", now}, {"images", x_.size(0)}}};
    try_labels(plain);
    try_pixels();
    try_normalisation();
    // By luck none of some ten trials gets this far.
    if (best_ > std::max(0.4, 3 * now))
      return {"near_chance_unless", {{"bare", best_}, {"images", x_.size(0)}, {"change", found_}}};
    return {kNothingFound};
  }

 private:
  Tensor answers(const Tensor& x) { return model_.bare_logits(x.clone()).argmax(1); }
  double right(const Tensor& predicted) const { return share(predicted == y_); }
  static double share(const Tensor& hits) { return hits.to(torch::kDouble).mean().item<double>(); }

  void note(double accuracy, const std::string& what) {
    if (accuracy > best_) best_ = accuracy, found_ = what;
  }
  void with(const Tensor& x, const std::string& what) { note(right(answers(x)), what); }

  void try_labels(const Tensor& plain) {
    const int64_t classes = model_.classes();
    for (int64_t by = 1; by < classes; ++by)
      note(share(plain == (y_ + by).remainder(classes)),
           fmt::format("if each label is {} {}: labels seem to be shifted",
                       std::min(by, classes - by), by <= classes / 2 ? "more" : "less"));
    try_order(plain);
  }

  // Each class under the name that the network gives it most often, if no two share one.
  void try_order(const Tensor& plain) {
    const int64_t classes = model_.classes();
    const Tensor table =
        torch::zeros({classes * classes}, torch::kLong)
            .scatter_add_(0, (y_ * classes + plain).cpu(), torch::ones({y_.size(0)}, torch::kLong))
            .view({classes, classes});
    const Tensor names = table.argmax(1);
    std::set<int64_t> taken;
    int64_t present = 0;
    for (int64_t i = 0; i < classes; ++i) {
      if (table[i].sum().item<int64_t>() == 0) continue;
      ++present;
      taken.insert(names[i].item<int64_t>());
    }
    if (int64_t(taken.size()) < present || present < 3) return;
    note(share(plain.cpu() == names.index_select(0, y_.cpu())),
         "if classes change their names: labels seem to be in another order");
  }

  void try_pixels() {
    if (x_.size(1) == 3) with(x_.flip(1), "with the channels in the order BGR");
    with(x_ * 255, "with pixels of 0 to 255");
    with(x_ / 255, "with pixels divided by 255 once more");
    with(1 - x_, "with black and white exchanged");
    if (x_.size(2) == x_.size(3)) with(x_.transpose(2, 3), "with rows and columns exchanged");
  }

  // Fed what the network's own normalisation makes of it into what another would.
  void try_normalisation() {
    const models::NetworkSpec& spec = model_.network().spec();
    const auto as_tensor = [&](const std::vector<double>& values) {
      return torch::tensor(values, x_.options()).view({1, -1, 1, 1});
    };
    const bool has = !spec.mean.empty() && !spec.std.empty();
    const Tensor mean = has ? as_tensor(spec.mean) : torch::zeros({1, 1, 1, 1}, x_.options());
    const Tensor std = has ? as_tensor(spec.std) : torch::ones({1, 1, 1, 1}, x_.options());
    const auto normalised = [&](const Tensor& z, const std::string& what) {
      with(z * std + mean, what);
    };
    if (has) {
      normalised(x_, "without mean and std");
      normalised((x_ - std) / mean.clamp_min(1e-6), "with mean and std swapped");
      normalised(x_ - mean, "with mean alone, std = 1");
    }
    normalised(2 * x_ - 1, "with mean = 0.5, std = 0.5");
    if (x_.size(1) != 3) return;
    normalised(
        (x_ - as_tensor({0.485, 0.456, 0.406})) / as_tensor({0.229, 0.224, 0.225}),
        "with the mean and std of ImageNet, [0.485, 0.456, 0.406] and [0.229, 0.224, 0.225]");
    normalised((x_ - as_tensor({0.4914, 0.4822, 0.4465})) / as_tensor({0.2471, 0.2435, 0.2616}),
               "with the mean and std of CIFAR-10, [0.4914, 0.4822, 0.4465] and [0.2471, 0.2435, "
               "0.2616]");
  }

  evaluation::DefendedModel& model_;
  Tensor x_, y_;
  double best_ = 0;
  std::string found_;
};
}  // namespace

bool near_chance(double accuracy, int64_t classes, int64_t samples) {
  return classes >= 2 && samples >= kFewest && accuracy < limit_of(classes);
}

results::Finding likely_cause(evaluation::DefendedModel& model, const data::Dataset& data,
                              const std::vector<int64_t>& indices, at::Device device) {
  const at::NoGradGuard no_graph;
  try {
    return Trial(model, data, indices, device).cause();
  } catch (const std::exception&) {  // a program may refuse what is no image
    return {kNothingFound};
  }
}

results::Finding near_chance_finding(double accuracy, int64_t classes, results::Finding cause) {
  cause.figures["accuracy"] = accuracy;
  cause.figures["chance"] = 1 / double(classes);
  return cause;
}

}  // namespace gauntlet::audit
