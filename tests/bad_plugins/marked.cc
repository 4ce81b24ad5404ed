// An attack that tells when its code runs: a static constructor writes the file that
// GAUNTLET_TEST_MARKER names. Built several times: as it should be, and wrong in one way each.
#include <cstdlib>
#include <fstream>

#include "gauntlet/plugin.h"

#ifdef MARKED_ABI
#undef GAUNTLET_ABI_DIGEST
#define GAUNTLET_ABI_DIGEST MARKED_ABI
#endif
#ifdef MARKED_TORCH
#undef TORCH_VERSION
#define TORCH_VERSION MARKED_TORCH
#endif
#ifdef MARKED_STDLIB
#undef GAUNTLET_STDLIB
#define GAUNTLET_STDLIB MARKED_STDLIB
#endif

namespace {
using namespace gauntlet;

const bool kMarked = [] {
  if (const char* marker = std::getenv("GAUNTLET_TEST_MARKER")) std::ofstream(marker) << "ran\n";
  return true;
}();

struct Marked final : Attack {
  struct Params {
    int64_t steps = 3;

    template <class Visit>
    void fields(Visit&& visit) {
      visit(steps, "steps", "does nothing", Range{1, 10});
    }
  } p;

  AttackFacts facts() const override { return {.access = Access::kNone}; }
  Tensor run(Target&, const Task& task) override { return task.x + double(p.steps) * 0; }
};
}  // namespace

#ifndef MARKED_NO_STAMP
GAUNTLET_ATTACK(Marked, "marked", "1.2.3", "tells when its code runs");
#else
extern "C" GAUNTLET_API std::unique_ptr<Attack> make() { return std::make_unique<Marked>(); }
#endif
