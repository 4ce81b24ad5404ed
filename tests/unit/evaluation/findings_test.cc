// What cells say of their queries: which samples count.
#include "evaluation/findings.h"

#include <gmock/gmock.h>

#include "evaluation/craft.h"
#include "toys.h"

namespace gauntlet {
namespace {
using namespace toys;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Eight images that are right without an attack and four that are wrong, attacked so that wrong
// answers become right.
std::vector<std::string> findings_of_hypocrite(bool moves) {
  evaluation::DefendedModel model = defended(perceptron(1, {1, 6, 6}, 4));
  evaluation::CraftBatch batch = images(model, 12);
  batch.y.narrow(0, 8, 4).copy_((batch.y.narrow(0, 8, 4) + 1).remainder(4));
  Scripted attack;
  attack.script = [moves](Target& target, const Task& task) {
    const Tensor g = target.gradient(task.x, margin(task.goal)).x;
    return moves ? task.x + task.threat.project(task.x, 1e-5 * g.sign()) : task.x;
  };
  evaluation::CraftRules rules;
  rules.goal = Goal::kHypocritical;
  NoEnvironment nowhere;
  const auto crafted = craft(attack, model, batch, ball(Norm::kLinf, 1e-5), rules, nowhere);
  const auto judged = [&](const Tensor& x, evaluation::Stream stream) {
    return judge(model, x, batch.y, batch.index, 0, stream, 1);
  };
  evaluation::Findings findings;
  findings.add(batch, rules, attack.facts(), crafted, judged(batch.x, evaluation::Stream::kClean),
               judged(crafted.x, evaluation::Stream::kScoring));
  return sentences(findings.flags(model, 1e-5, 12));
}

TEST(Findings, ImagesThatHaveTheGoalNeedNotChange) {
  EXPECT_THAT(findings_of_hypocrite(true), IsEmpty());
  EXPECT_THAT(findings_of_hypocrite(false),
              Contains(HasSubstr("equals the clean one for 4 of 4 attacked samples")));
}

// As of shards, each with its own counts.
int64_t counted(const std::string& code, Goal goal, bool settles,
                const std::vector<int64_t>& clean_right, int64_t trials) {
  results::CellRecord cell;
  cell.trials = trials, cell.flags = {{code, {{"samples", int64_t{1}}, {"of", int64_t{99}}}}};
  for (const int64_t right : clean_right) cell.outcomes.emplace_back().clean_right = right;
  evaluation::count_all_samples(cell, goal, settles);
  return count_of(cell.flags[0], "of").value_or(-1);
}

TEST(Findings, CountTheSamplesOfAllShardsThatAreToBeAttacked) {
  const std::vector<int64_t> once = {1, 1, 1, 0, 0}, drawn = {4, 4, 3, 1, 0};
  EXPECT_EQ(counted("unchanged", Goal::kUntargeted, true, once, 1), 3);
  EXPECT_EQ(counted("unchanged", Goal::kUntargeted, false, drawn, 4), 5);
  EXPECT_EQ(counted("unchanged", Goal::kTargeted, false, once, 1), 5);
  EXPECT_EQ(counted("unchanged", Goal::kHypocritical, false, once, 1), 2);
  EXPECT_EQ(counted("unchanged", Goal::kHypocritical, false, drawn, 4), 3);
  EXPECT_EQ(counted("faulty_answers", Goal::kHypocritical, false, once, 1), 5);
}

}  // namespace
}  // namespace gauntlet
