// Bundles that another build made: what may differ from this one, and what may not.
#include "bundle_fixture.h"
#include "evaluation/judge.h"
#include "suite/read_suite.h"

namespace gauntlet::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

results::CellRecord& pgd_of(boards::BoardEntry& entry) {
  return entry.threats[0].attacks[kPgd].cells[0].record;
}

// A bundle with a row whose answers under pgd are wrong by less than the smallest margins that two
// builds agree on.
class AsGoodAsEqual : public Bundles {
 protected:
  AsGoodAsEqual()
      : suite_(suite("plain@1", "[]",
                     "[[defense]]\nname = \"undefended\"\nmodel = \"fashion-mnist/standard\"\n")),
        data_(registry_.load(suite_.data.entry, suite_.data.split)),
        opened_(bundle(suite_)) {
    lab_.probe_with(data_);
    std::vector<evaluation::Verdict> found;
    const Tensor index = torch::arange(kSamples), y = data_.y(index), x = data_.x(index);
    opened_.change_x_adv(id_, kPgd, [&](Tensor& x_adv) {
      bring_to_the_boundary(x, y, x_adv);
      found.push_back(judged(x_adv, y));
      distance_ = (x_adv - x).flatten(1).abs().amax(1).to(torch::kDouble);
    });
    opened_.change(
        id_, [&](boards::BoardEntry& entry) { tell(pgd_of(entry).outcomes, found.at(0)); },
        /*honest_sums=*/true);
  }

  evaluation::Verdict judged(const Tensor& x, const Tensor& y) {
    return judge(lab_.defended(suite_.defenses.at(row()), data_), x, y, torch::arange(kSamples), 0,
                 evaluation::Stream::kScoring, 1);
  }
  size_t row() const { return suite_.defenses[0].name == "undefended" ? 0 : 1; }

  // To a margin just below -3e-4, between the image and what is answered wrong, by bisection.
  void bring_to_the_boundary(const Tensor& x, const Tensor& y, Tensor& x_adv) {
    Tensor right = x.clone(), wrong = x_adv.clone();
    const Tensor lost = (judged(x, y).margin > 0) & (judged(x_adv, y).margin < 0);
    for (int step = 0; step < 40; ++step) {
      const Tensor middle = (right + wrong) / 2, margin = judged(middle, y).margin;
      const auto take = [&](Tensor& to, const Tensor& where) {
        to = torch::where((where & lost).view({-1, 1, 1, 1}), middle, to);
      };
      take(right, margin >= -3e-4);
      take(wrong, margin < -3e-4);
    }
    x_adv.copy_(wrong);
  }

  void tell(std::vector<results::Outcome>& outcomes, const evaluation::Verdict& found) {
    for (size_t i = 0; i < outcomes.size(); ++i) {
      outcomes[i].margin = found.margin[int64_t(i)].item<double>();
      outcomes[i].predicted = found.predicted[int64_t(i)].item<int64_t>();
      outcomes[i].distance = distance_[int64_t(i)].item<double>();
      if (is_near(outcomes[i])) near_.push_back(i);
    }
  }
  static bool is_near(const results::Outcome& o) { return o.margin < -1e-4 && o.margin > -9e-4; }

  // The first `count` of them answered right, as if another build had found that.
  void turn(size_t count) {
    opened_.change(
        id_,
        [&](boards::BoardEntry& entry) {
          for (size_t k = 0; k < count; ++k) {
            results::Outcome& outcome = pgd_of(entry).outcomes[near_.at(k)];
            outcome.robust_right = 1, outcome.predicted = outcome.label, outcome.margin = 2e-4;
          }
        },
        /*honest_sums=*/true);
  }

  const std::string id_ = boards::entry_id("undefended");
  suite::Suite suite_;
  evaluation::Laboratory lab_{plugins_, registry_, at::kCPU};
  data::Dataset data_;
  Tensor distance_;
  Opened opened_;
  std::vector<size_t> near_;
};

TEST_F(AsGoodAsEqual, HoldsAsItIs) {
  EXPECT_GT(near_.size(), 17u);
  EXPECT_THAT(failures(opened_), IsEmpty());
}

TEST_F(AsGoodAsEqual, HasToBeTheSameOnTheBuildThatMadeIt) {
  turn(1);
  EXPECT_THAT(failures(opened_), HasSubstr("the model's answer is wrong"));
}

TEST_F(AsGoodAsEqual, MayFallEitherWayOnAnother) {
  opened_.change(id_, made_elsewhere);
  turn(3);
  EXPECT_THAT(failures(opened_), IsEmpty());
}

TEST_F(AsGoodAsEqual, SaysNothingOfTheAnswerWithoutAnAttack) {
  opened_.change(id_, made_elsewhere);
  opened_.change(
      id_, [&](boards::BoardEntry& entry) { pgd_of(entry).outcomes[near_.at(0)].clean_right = 0; },
      /*honest_sums=*/true);
  EXPECT_THAT(failures(opened_), HasSubstr("the table has it wrong without an attack, the model "
                                           "answers right"));
}

TEST_F(AsGoodAsEqual, DoesNotFallOneWayByTheDozen) {
  opened_.change(id_, made_elsewhere);
  turn(near_.size());
  EXPECT_THAT(failures(opened_), HasSubstr("are right in the table and wrong here, 0 the other "
                                           "way, which is more than chance"));
}

TEST_F(Bundles, MarginsOnAnotherBuildAgree) {
  Opened opened(bundle(suite("plain@1")));
  opened.change("at", made_elsewhere);
  EXPECT_THAT(failures(opened), IsEmpty());
  opened.change(
      "at", [](boards::BoardEntry& entry) { pgd_of(entry).outcomes[0].margin += 0.1; },
      /*honest_sums=*/true);
  EXPECT_THAT(failures(opened), HasSubstr("the model gives"));
}

TEST_F(Bundles, RandomAnswersOnAnotherBuildDifferByChance) {
  Opened opened(bundle(suite("noisy@1", kVote)));
  opened.change("at", made_elsewhere);
  EXPECT_THAT(failures(opened), IsEmpty());
  opened.change(
      "at",
      [](boards::BoardEntry& entry) {
        results::CellRecord& record = pgd_of(entry);
        for (results::Outcome& outcome : record.outcomes) make_right(outcome, record.trials);
      },
      /*honest_sums=*/true);
  EXPECT_THAT(failures(opened), HasSubstr("differs from the model's by more than chance"));
}

TEST_F(Bundles, HalvesOfTrialsAreThoseOfTheDraws) {
  Opened opened(bundle(suite("noisy@1", kVote)));
  opened.change(
      "at",
      [](boards::BoardEntry& entry) {
        results::Outcome& outcome = pgd_of(entry).outcomes.front();
        outcome.robust_first = outcome.robust_right + 1;
      },
      /*honest_sums=*/true);
  EXPECT_THAT(failures(opened, /*model=*/false), HasSubstr("that its totals rule out"));
}

// Whatever such a bundle says of its draws, it is not the model that bears it out.
TEST_F(Bundles, FewTrialsOfSharedDrawsTellNothingOnAnotherBuild) {
  write_board("few", "randomized", "scoring = { draws = 3 }\n");
  std::ofstream(folder_ / "suite.toml") << "schema = 1\nname = \"mine\"\nboard = \"few@1\"\n"
                                           "[[defense]]\nname = \"pni\"\n"
                                           "model = \"fashion-mnist/pni\"\n";
  Opened opened(bundle(suite::read_suite(folder_ / "suite.toml", {}, plugins_, registry_)));
  EXPECT_THAT(failures(opened), IsEmpty());
  EXPECT_EQ(verified(folder_ / "changed.zip").rows.at(0).reached, boards::Verified::kModel);
  opened.change("pni", made_elsewhere);
  EXPECT_THAT(failures(opened), IsEmpty());
  const bundle::Verification found = verified(folder_ / "changed.zip");
  EXPECT_EQ(found.rows.at(0).reached, boards::Verified::kTables);
  EXPECT_THAT(found.notes, ::testing::ElementsAre(HasSubstr("share draws in too few trials")));
}

// One draw of a random defense is judged again, too.
TEST_F(Bundles, OneTrialOfARandomDefenseHolds) {
  write_board("one", "randomized", "scoring = { draws = 4 }\n");
  Opened opened(bundle(suite("one@1", kVote)));
  boards::BoardEntry entry = opened.entry("at");
  EXPECT_EQ(pgd_of(entry).trials, 1);
  EXPECT_THAT(failures(opened), IsEmpty());
}

// Noise in weights is drawn once for all images.
class SharedDraws : public Bundles {
 protected:
  Opened opened_{bundle(
      suite("noisy@1", kVote, "[[defense]]\nname = \"pni\"\nmodel = \"fashion-mnist/pni\"\n"))};
};

TEST_F(SharedDraws, AreNotLeftOutOfAnEntry) {
  opened_.change(
      "pni",
      [](boards::BoardEntry& entry) {
        for (boards::BoardAttack& attack : entry.threats[0].attacks)
          attack.cells[0].record.clean_by_trial.clear(),
              attack.cells[0].record.robust_by_trial.clear();
      },
      /*honest_sums=*/true);
  EXPECT_THAT(failures(opened_, /*model=*/false), IsEmpty());
  EXPECT_THAT(failures(opened_), HasSubstr("the right answers of its trials are missing"));
}

TEST_F(SharedDraws, AreNotInventedWhereImagesHaveTheirOwn) {
  opened_.change(
      "at",
      [](boards::BoardEntry& entry) {
        results::CellRecord& record = pgd_of(entry);
        int64_t right = 0;
        for (const results::Outcome& outcome : record.outcomes) right += outcome.robust_right;
        record.robust_by_trial.assign(size_t(record.trials), right / record.trials);
        record.robust_by_trial[0] += right % record.trials;
      },
      /*honest_sums=*/true);
  EXPECT_THAT(failures(opened_), HasSubstr("its images share no draws"));
}

TEST_F(SharedDraws, SpreadOnAnotherBuildAsMuch) {
  opened_.change("pni", made_elsewhere);
  EXPECT_THAT(failures(opened_), IsEmpty());
  opened_.change(
      "pni",
      [](boards::BoardEntry& entry) {
        std::vector<int64_t>& trials = pgd_of(entry).robust_by_trial;
        // The same sum, from trials that differ as much as they can.
        for (size_t t = 0; t + 1 < trials.size(); t += 2) {
          const int64_t both = trials[t] + trials[t + 1], most = std::min(both, kSamples);
          trials[t] = most, trials[t + 1] = both - most;
        }
      },
      /*honest_sums=*/true);
  EXPECT_THAT(failures(opened_), HasSubstr("spread otherwise than the model's"));
}

}  // namespace
}  // namespace gauntlet::testing
