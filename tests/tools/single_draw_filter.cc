// What AutoAttack's version "rand" would report of the rows of a suite, which decides by single
// draws: after each iterate an image whose last draw is wrong becomes an adversarial input, and an
// attack's input retires its image once one more draw of it is wrong (autoattack.py and
// autopgd_base.py of version 0.1). Runs the suite's columns in their order, each on the images that
// are left. Beside it stands what the very inputs so found leave when fresh draws judge them.
// Arguments: the suite, the number of fresh draws (128).
#include <cstdio>
#include <cstdlib>

#include "base/bad_input.h"
#include "evaluation/bounds.h"
#include "evaluation/cell.h"
#include "evaluation/craft.h"
#include "registry/search_path.h"
#include "suite/read_suite.h"

namespace {
using namespace gauntlet;
using evaluation::CraftBatch;
using evaluation::Stream;

Tensor rows_at(const Tensor& t, const Tensor& keep) { return t.index_select(0, keep); }

class Filter {
 public:
  Filter(const suite::Suite& suite, const suite::DefenseSpec& row, const data::Dataset& data,
         evaluation::Laboratory& lab)
      : suite_(suite), row_(row), data_(data), lab_(lab), model_(lab.defended(row, data)) {}

  void print(int64_t draws) {
    const Tensor index = torch::tensor(suite_.data.indices);
    const CraftBatch all{data_.x(index), data_.y(index), index};
    Tensor stands = right(all.x, all), found = all.x.clone();
    const double clean = stands.to(torch::kDouble).mean().item<double>();
    for (const suite::AttackSpec& attack : suite_.attacks) {
      const Tensor left = stands.nonzero().squeeze(1);
      if (left.size(0) == 0) break;
      const CraftBatch batch{rows_at(all.x, left), rows_at(all.y, left), rows_at(all.index, left)};
      const Tensor x = attacked(attack, batch);
      const Tensor stays = right(x, batch);
      found = found.index_copy(0, left, x);
      stands = stands.index_copy(0, left, stays);
    }
    // What withstood is handed back as it was.
    found = torch::where(per_image(stands), all.x, found);
    const evaluation::Verdict judged =
        judge(model_, found, all.y, index, uint64_t(suite_.seeds.front()), Stream::kScoring, draws);
    std::printf("| %s | %.1f | %.1f | %.1f |\n", row_.name.c_str(), 100 * clean,
                100 * stands.to(torch::kDouble).mean().item<double>(),
                100 * judged.right.to(torch::kDouble).mean().item<double>());
    std::fflush(stdout);
  }

 private:
  // By one draw of the whole defense; [R] bool.
  Tensor right(const Tensor& x, const CraftBatch& batch) {
    const Noise noise = evaluation::noise_for(uint64_t(suite_.seeds.front()), Stream::kAudit,
                                              batch.index, ++asked_);
    return model_.decide(x.clone(), noise).answer == batch.y;
  }

  // Of each image the last iterate whose draw was wrong, else the image.
  Tensor attacked(const suite::AttackSpec& spec, const CraftBatch& batch) {
    const evaluation::CellJob job{suite_.scoring,       row_,  spec, suite_.threats.front(),
                                  suite_.seeds.front(), data_, {}};
    const std::unique_ptr<Attack> attack = lab_.attack({spec.plugin, spec.params});
    evaluation::CraftRules rules = evaluation::rules_of(job, attack->facts());
    Tensor found = batch.x.clone(), last;
    rules.observe = [&](const Rows& rows, const Tensor& x, const Outputs&) {
      // The attack asks about an iterate twice: for its loss, then for its gradient.
      const bool known = last.defined() && last.sizes() == x.sizes() && last.equal(x);
      last = x.clone();
      if (known || rows.sample.size(0) != batch.y.size(0)) return;
      const Tensor wrong = right(x, batch).logical_not();
      found = torch::where(per_image(wrong), x, found);
    };
    const ThreatModel threat =
        evaluation::threat_model(job.threat.norm, job.threat.epsilon, batch.x.options());
    craft(*attack, model_, batch, threat, rules, lab_);
    return found;
  }

  const suite::Suite& suite_;
  const suite::DefenseSpec& row_;
  const data::Dataset& data_;
  evaluation::Laboratory& lab_;
  evaluation::DefendedModel& model_;
  uint64_t asked_ = 0;
};
}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || (argc > 2 && std::atoll(argv[2]) < 1)) {
    std::fprintf(stderr, "single_draw_filter: expected a suite, and a number of draws above 0\n");
    return 2;
  }
  try {
    const at::NoGradGuard no_graph;
    const library::PluginLibrary plugins(library::plugin_search_path({}));
    const registry::Registry registry(registry::default_registry(), registry::data_search_path(""));
    const suite::Suite suite = suite::read_suite(argv[1], {}, plugins, registry);
    const data::Dataset data = registry.load(suite.data.entry, suite.data.split);
    evaluation::Laboratory lab(plugins, registry, at::kCPU);
    lab.probe_with(data);
    const int64_t draws = argc > 2 ? std::atoll(argv[2]) : 128;
    std::printf(
        "| defense | clean, one draw | by single draws | its inputs by %lld fresh draws |\n"
        "|---|--:|--:|--:|\n",
        static_cast<long long>(draws));
    for (const suite::DefenseSpec& row : suite.defenses) Filter(suite, row, data, lab).print(draws);
  } catch (const BadInput& error) {
    std::fprintf(stderr, "single_draw_filter: %s\n", error.what());
    return 2;
  }
  return 0;
}
