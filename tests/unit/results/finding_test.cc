#include "results/finding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "results/seal.h"

namespace gauntlet {
namespace {

using nlohmann::json;
using results::Finding;
using ::testing::ElementsAre;

using Told = std::vector<std::pair<Finding, std::string>>;

/// One of each code.
const Told& told() {
  static const Told all = {
      {{"zero_gradients", {{"samples", 98}, {"of", 100}, {"again", 98}, {"fell", 3}}},
       "every gradient was exactly 0 for 98 of 100 attacked samples: gradients may be masked"},
      {{"saturated", {{"samples", 9}, {"of", 10}, {"again", 8}, {"fell", 7}}},
       "a loss or gradient was exactly 0, which tells an attack nothing, for 9 of 10 attacked "
       "samples (8 attacked again on the margin loss, a hair inside the box: 7 fell)"},
      {{"saturated_reported", {{"samples", 9}, {"of", 10}}},
       "a loss or gradient was exactly 0, which tells an attack nothing, for 9 of 10 attacked "
       "samples that withstood (not attacked again: saturation = \"report\")"},
      {{"masked_bounds", {{"samples", 9}, {"of", 10}, {"again", 8}, {"fell", 7}}},
       "no pixel on a bound of the box had a gradient, though most others had, for 9 of 10 "
       "attacked samples (8 attacked again on the margin loss, a hair inside the box: 7 fell)"},
      {{"masked_bounds_reported", {{"samples", 9}, {"of", 10}}},
       "no pixel on a bound of the box had a gradient, though most others had, for 9 of 10 "
       "attacked samples that withstood (not attacked again: saturation = \"report\")"},
      {{"not_finite", {{"samples", 2}, {"of", 200}}},
       "losses or gradients were not finite (NaN or infinite) for 2 of 200 attacked samples that "
       "withstood"},
      {{"source_saturated", {{"samples", 2}, {"of", 200}}},
       "every loss or gradient of the transfer source was exactly 0 for 2 of 200 attacked samples "
       "that withstood"},
      {{"unchanged", {{"samples", 12}, {"of", 928}}},
       "the adversarial input equals the clean one for 12 of 928 attacked samples"},
      {{"refuted", {{"hits", 5}}}, "5 hits seen while attacking were not confirmed by the judge"},
      {{"faulty_answers", {{"clean", 4}, {"adversarial", 5}, {"of", 40}}},
       "the defense gave values that are not finite (NaN or infinite) for 4 of 40 clean inputs "
       "and 5 adversarial ones: an error of the defense, and never a right answer"},
      {results::remark("{samples} is 5 %"), "{samples} is 5 %"},
      {{"own_randomness"},
       "the defense draws random numbers of its own: asked twice on the same noise it answers "
       "differently"},
      {{"coupled_rows", {{"batch_size", 250}}},
       "answers depend on the other images of a batch: measured in batches of 250"},
      {{"uneven_draws", {{"batch_size", 250}}},
       "images share draws of noise, and the attack asks about some more often than about others: "
       "which draws it saw depends on the others of a batch of 250"},
      {{"images_only", {{"trials", 3}, {"least", 8}}},
       "images share draws of noise, and 3 trials are too few to speak of draws: the interval is "
       "over images only (scoring.trials = 8 or more)"},
      {{"drew_numbers", {{"who", "the defense"}, {"what", "LibTorch's own random generator"}}},
       "the defense drew from LibTorch's own random generator: its numbers depend on more than "
       "the seed"},
      {{"forked", {{"who", "attack 'pgd'"}, {"what", "another process"}}},
       "attack 'pgd' began another process (it forked), which was ended"},
      {{"lowered_limits", {{"who", "the defense"}, {"what", "limits of the process for good"}}},
       "the defense lowered limits of the process for good: only root may raise them again"},
      {{"changed_process", {{"who", "attack 'pgd'"}, {"what", "the locale"}}},
       "attack 'pgd' changed the locale, which was put back"},
      {{"near_chance", {{"accuracy", 0.09}, {"chance", 0.1}}},
       "clean accuracy of 9.0 % is near chance (10.0 %): check mean and std (of pixels in [0, 1], "
       "not swapped), the order of channels (RGB) and of labels, and whether images are scaled or "
       "clipped as in training"},
      {{"near_chance_of_stack",
        {{"accuracy", 0.09}, {"chance", 0.1}, {"bare", 0.9}, {"images", 200}}},
       "clean accuracy of 9.0 % is near chance (10.0 %): the bare network is right on 90.0 % of "
       "200 images, its stack or noise takes the rest"},
      {{"near_chance_unless",
        {{"accuracy", 0.0},
         {"chance", 0.1},
         {"bare", 1.0},
         {"images", 200},
         {"change", "with rows and columns exchanged"}}},
       "clean accuracy of 0.0 % is near chance (10.0 %): the bare network is right on 100.0 % of "
       "200 images with rows and columns exchanged"},
      {{"lowest_of_draws", {{"attacks", 6}, {"least", 2}}},
       "answers are drawn, and of 6 attacks the one that was lowest on an image is counted by the "
       "same draws: the worst case lies too low (scoring.trials = 2 or more)"},
      {{"beaten_without_gradients",
        {{"attack", "pgd"}, {"accuracy", 0.9}, {"other", "noise"}, {"other_accuracy", 0.3}}},
       "pgd leaves 90.0 %, noise, without gradients of the defense, 30.0 % of the same images: "
       "its steps fall short, or gradients are masked"},
      {{"beaten_with_less",
        {{"attack", "pgd"}, {"accuracy", 0.9}, {"other", "few"}, {"other_accuracy", 0.3}}},
       "pgd leaves 90.0 %, few, with less of the same, 30.0 % of the same images: its steps fall "
       "short, or gradients are masked"},
      {{"beaten_with_one_gradient",
        {{"attack", "pgd"}, {"accuracy", 0.9}, {"other", "fgsm"}, {"other_accuracy", 0.3}}},
       "pgd leaves 90.0 %, fgsm, with a single gradient, 30.0 % of the same images: its steps "
       "fall short, or gradients are masked"},
      {{"single_draws"},
       "attacked on single draws of its noise alone: gradients averaged over several (draws = 8) "
       "may find more"},
      {{"contradicted",
        {{"attack", "pgd"},
         {"threat", "l2"},
         {"changed", 4},
         {"certified", 5},
         {"images", "3, 2, 1, 0"},
         {"expected", 0.005}}},
       "pgd under l2 changed the answer inside the certified radius of 4 of 5 images (3, 2, 1, "
       "0), where about 0.005 certificates may fail"},
      {{"not_held_against", {{"attack", "pgd"}, {"threat", "l2"}, {"why", "no file"}}},
       "not held against pgd under l2: no file"}};
  return all;
}

TEST(AFinding, HasWords) {
  for (size_t i = 0; i < told().size(); ++i) {
    const auto& [finding, words] = told()[i];
    EXPECT_EQ(sentence(finding), words);
    EXPECT_EQ(sentence(found_in("epgd[steps=5]", finding)), "epgd[steps=5]: " + words);
    EXPECT_EQ(results::rank_of(finding.code), i) << finding.code;
  }
  EXPECT_EQ(results::rank_of("unheard_of"), told().size()) << "all codes are tested";
}

TEST(AFinding, OfANewerVersionIsToldAsItIs) {
  EXPECT_EQ(results::sentence(results::Finding{"unheard_of"}), "unheard_of");
  EXPECT_EQ(results::sentence(
                results::Finding{"unheard_of", {{"share", 0.5}, {"of", 3}, {"what", "{}"}}, "pgd"}),
            "pgd: unheard_of (of = 3, share = 0.5, what = {})");
  EXPECT_EQ(results::sentence(results::Finding{"refuted"}), "refuted");
  EXPECT_EQ(results::sentence(results::Finding{"contradicted", {{"expected", "few"}}}),
            "contradicted (expected = few)");
}

TEST(AFinding, IsReadAsItWasWritten) {
  for (const auto& [finding, _] : told())
    for (const char* where : {"", "pgd"}) {
      const Finding one = found_in(where, finding);
      EXPECT_EQ(json::parse(json(one).dump()).get<Finding>(), one) << json(one);
      EXPECT_EQ(object_of(one).get<Finding>(), one);
    }
  EXPECT_EQ(json(Finding{"unchanged", {{"samples", 1}, {"of", 3}}}).dump(),
            R"({"code":"unchanged","figures":{"of":3,"samples":1}})");
  EXPECT_EQ(json(Finding{"a", {{"x", 1.0}}, "pgd"}).dump(),
            R"({"code":"a","figures":{"x":1.0},"where":"pgd"})");
}

TEST(AFinding, OfAnOlderVersionIsTheTextThatItWas) {
  const auto old = json::parse(R"(["pgd: every gradient was exactly 0", ""])");
  const auto read = old.get<std::vector<Finding>>();
  EXPECT_THAT(
      read, ElementsAre(results::remark("pgd: every gradient was exactly 0"), results::remark("")));
  EXPECT_THAT(sentences(read), ElementsAre("pgd: every gradient was exactly 0", ""));
  EXPECT_EQ(json(read), old);
  EXPECT_EQ(results::written(read[0]), "pgd: every gradient was exactly 0");
  EXPECT_FALSE(json(found_in("pgd", read[0])).is_string());
}

// A store's seal of before findings were data: over the text of each.
TEST(AFinding, OfAnOlderVersionKeepsItsSeal) {
  results::Seal today, before;
  today("flags", std::vector<Finding>{results::remark("one"), results::remark("two")});
  before("flags", std::vector<std::string>{"one", "two"});
  EXPECT_EQ(today.hex(), before.hex());
}

TEST(AFinding, IsRefusedWhereItIsNone) {
  const auto problem = [](const char* text) {
    try {
      json::parse(text).get<Finding>();
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(problem("3"), "is neither a text nor an object with 'code' and 'figures'");
  EXPECT_EQ(problem("[]"), "is neither a text nor an object with 'code' and 'figures'");
  EXPECT_EQ(problem("{}"), "has no 'code'");
  EXPECT_EQ(problem(R"({"code": 3, "figures": {}})"), "has a 'code' that is no text");
  EXPECT_EQ(problem(R"({"code": "", "figures": {}})"), "has a 'code' that is no text");
  EXPECT_EQ(problem(R"({"code": "a"})"), "has no 'figures'");
  EXPECT_EQ(problem(R"({"code": "a", "figures": [1]})"), "has 'figures' that are no object");
  EXPECT_EQ(problem(R"({"code": "a", "figures": {"x": [1]}})"),
            "has a figure 'x' that is neither a number nor a text");
  EXPECT_EQ(problem(R"({"code": "a", "figures": {}, "where": ""})"),
            "has a 'where' that is no text");
  EXPECT_EQ(problem(R"({"code": "a", "figures": {}, "b": 1})"), "has an unknown key 'b'");
  EXPECT_EQ(problem(R"({"code": "a", "figures": {"x": 18446744073709551615}})"), "");
}

Finding zero(int64_t samples, int64_t of, int64_t again = 0, int64_t fell = 0) {
  return {"zero_gradients", {{"samples", samples}, {"of", of}, {"again", again}, {"fell", fell}}};
}
Finding saturated(int64_t samples, int64_t of, int64_t again, int64_t fell) {
  return {"saturated", {{"samples", samples}, {"of", of}, {"again", again}, {"fell", fell}}};
}
const Finding kRandom = {"own_randomness"}, kBatch = {"coupled_rows", {{"batch_size", 250}}};

std::vector<Finding> merged(std::vector<Finding> whole, const std::vector<Finding>& part) {
  merge(whole, part);
  return whole;
}

TEST(FindingsOfShards, AddUp) {
  EXPECT_THAT(merged({zero(10, 25), kRandom}, {zero(12, 25), kRandom}),
              ElementsAre(zero(22, 50), kRandom));
  EXPECT_THAT(merged({zero(10, 25)}, {zero(10, 25)}), ElementsAre(zero(20, 50)));
  EXPECT_THAT(merged({kBatch, results::remark("one")}, {kBatch, results::remark("one")}),
              ElementsAre(kBatch, results::remark("one")));
  EXPECT_THAT(
      merged({{"faulty_answers", {{"clean", 1}, {"adversarial", 2}, {"of", 25}}}},
             {{"faulty_answers", {{"clean", 3}, {"adversarial", 4}, {"of", 25}}}}),
      ElementsAre(Finding{"faulty_answers", {{"clean", 4}, {"adversarial", 6}, {"of", 50}}}));
  EXPECT_THAT(merged({{"refuted", {{"hits", 1}}}}, {{"refuted", {{"hits", 2}}}}),
              ElementsAre(Finding{"refuted", {{"hits", 3}}}));
}

TEST(FindingsOfShards, StayApartWhereTheyTellOfAnother) {
  const Finding locale = {"changed_process", {{"who", "attack 'pgd'"}, {"what", "the locale"}}},
                folder = {"changed_process", {{"who", "attack 'pgd'"}, {"what", "the folder"}}};
  EXPECT_THAT(merged({locale}, {folder, locale}), ElementsAre(folder, locale));
  EXPECT_THAT(merged({found_in("pgd", zero(1, 2))}, {found_in("cw", zero(1, 2))}),
              ElementsAre(found_in("pgd", zero(1, 2)), found_in("cw", zero(1, 2))));
  EXPECT_THAT(merged({results::remark("one")}, {results::remark("two")}),
              ElementsAre(results::remark("one"), results::remark("two")));
}

TEST(FindingsOfShards, StandWhereThoseOfAWholeCellDo) {
  const Finding steps = results::remark("the steps are short"), model = results::remark("a model"),
                unchanged = {"unchanged", {{"samples", 1}, {"of", 25}}};
  EXPECT_THAT(merged({steps, unchanged, model, kBatch}, {steps, zero(1, 25), model, kBatch}),
              ElementsAre(steps, zero(1, 25), unchanged, model, kBatch));
  EXPECT_THAT(merged({steps, zero(1, 25), model}, {steps, unchanged, model}),
              ElementsAre(steps, zero(1, 25), unchanged, model));
  EXPECT_THAT(merged({}, {zero(1, 25), kBatch}), ElementsAre(zero(1, 25), kBatch));
  EXPECT_THAT(merged({kBatch}, {}), ElementsAre(kBatch));
}

// How many were attacked again is of the shard, whichever of its findings tells it.
TEST(FindingsOfShards, ShareTheirTotals) {
  EXPECT_THAT(merged({zero(2, 25, 5, 1), saturated(3, 25, 5, 1)}, {zero(4, 25, 4, 2)}),
              ElementsAre(zero(6, 50, 9, 3), saturated(3, 25, 9, 3)));
  EXPECT_THAT(merged({zero(4, 25, 4, 2)}, {saturated(3, 25, 3, 1)}),
              ElementsAre(zero(4, 25, 7, 3), saturated(3, 25, 7, 3)));
}

}  // namespace
}  // namespace gauntlet
