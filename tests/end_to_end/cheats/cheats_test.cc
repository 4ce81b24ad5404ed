// Attacks and defenses that cheat: each is one, and what is to notice it does. A cheat stands here
// before the check that is meant for it; tests/bad_plugins/README.md says what each gains.
#include <gmock/gmock.h>

#include <algorithm>

#include "cheats_suite.h"
#include "conformance/check_plugin.h"

namespace gauntlet::testing {
namespace {
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const CheatsSuite& suite_of_cheats() {
  static const CheatsSuite suite;
  return suite;
}

// Broken promises that `plugins check` names.
std::set<std::string> broken(const std::string& kind, const std::string& plugin,
                             const std::string& how) {
  std::set<std::string> out;
  for (const conformance::Answer& answer :
       conformance::check_plugin(suite_of_cheats().plugins(), kind, plugin, {{"how", how}}).answers)
    if (answer.state == conformance::Answer::State::kBroken) out.insert(answer.promise);
  return out;
}

std::set<std::string> codes(const std::vector<results::Finding>& flags) {
  std::set<std::string> out;
  for (const results::Finding& flag : flags) out.insert(flag.code);
  return out;
}

// ---- Attacks ------------------------------------------------------------------------------------

struct AttackCheat {
  std::string how;
  std::string promise;       // that `plugins check` names
  std::string invalid = "";  // in the reason of the cell; empty: it has a number
  std::string finding = "";  // beside the number
};

const std::string kInside = "gives finite images inside ball and box";
const AttackCheat kAttacks[] = {
    {"no_op", "follows its goal", "", "unchanged"},
    {"out_of_ball", kInside, "leave the ball"},
    {"nan", kInside, "are not finite"},
    {"relabels", "leaves network and images as they were", "writes into task.y"},
    {"clips_silently", kInside, "leave the box"},
    {"remembers", "gives the same answer to the same seed"},
    {"returns_early", "begins a longer run as a shorter one"},
    {"reads_other_labels", "gives the same answer however batches are cut"},
};

void PrintTo(const AttackCheat& cheat, std::ostream* out) { *out << cheat.how; }

class CheatingAttacks : public ::testing::TestWithParam<AttackCheat> {};

TEST_P(CheatingAttacks, AreNamedByTheirCheck) {
  EXPECT_THAT(broken("attack", "cheating_attack", GetParam().how), Contains(GetParam().promise));
}

// On a row that withstands: where all images fall early, an answer is not used.
TEST_P(CheatingAttacks, HaveNoNumberOrAFindingBesideIt) {
  const AttackCheat& cheat = GetParam();
  if (cheat.invalid.empty() && cheat.finding.empty()) GTEST_SKIP() << "only a check of it can tell";
  const results::CellRecord record =
      suite_of_cheats()
          .run_suite_of("attack-" + cheat.how,
                        "x = { use = \"cheating_attack\", how = \"" + cheat.how + "\" }\n",
                        "[[defense]]\nname = \"at\"\nmodel = \"fashion-mnist/at\"\n")
          .at("at")
          .at("x");
  if (cheat.invalid.empty()) {
    EXPECT_THAT(codes(record.flags), Contains(cheat.finding));
    return;
  }
  EXPECT_EQ(record.status, results::Status::kInvalid);
  EXPECT_THAT(record.reason, HasSubstr(cheat.invalid));
}

INSTANTIATE_TEST_SUITE_P(All, CheatingAttacks, ::testing::ValuesIn(kAttacks),
                         [](const auto& info) { return info.param.how; });

TEST(HonestAttack, BreaksNoPromise) {
  EXPECT_THAT(broken("attack", "cheating_attack", "nothing"), IsEmpty());
}

// ---- Defenses -----------------------------------------------------------------------------------

struct DefenseCheat {
  std::string part, how;
  std::string audit;         // code of the check that is meant for it
  std::string promise = "";  // that `plugins check` names today; "any": some promise
  std::string finding = "";  // beside pgd's number
  std::string invalid = "";  // in the reason of the cell
  double gain = 0.4;         // of the accuracy that is reported over the true one
};

void PrintTo(const DefenseCheat& cheat, std::ostream* out) { *out << cheat.how; }

const std::string kRaise = "gives gradients that raise the loss";
const DefenseCheat kDefenses[] = {
    {"layers", "logits_x20", "gradients_saturate", "", "zero_gradients", "", 0.25},
    {"layers", "logits_x1e6", "gradients_saturate", kRaise, "zero_gradients"},
    {"layers", "one_hot", "outputs", "any", "zero_gradients"},
    {"layers", "softmax_output", "outputs", "", "zero_gradients", "", 0.25},
    {"layers", "detached", "gradients_vanish", "any", "zero_gradients"},
    {"layers", "random_gradient", "slope"},
    {"layers", "wrong_class_gradient", "slope", kRaise},
    {"layers", "noise_off_in_eval", "noise_acts", "", "refuted"},
    {"layers", "memorises", "memorised", "", "", "", 0},
    {"layers", "memorises_nearby", "unbounded", "", "zero_gradients", "", 0},
    {"inputs", "quantised", "gradients_vanish", kRaise, "zero_gradients"},
    {"inputs", "staircase_ripple", "black_box", kRaise},
    {"inputs", "wrong_gradient", "slope", kRaise},
    {"votes", "lies_about_votes", "votes", "", "", "", 0},
    {"votes", "lies_about_lead", "", "gives finite answers of the right shape", "",
     "where lead() says at most 1"},
};

const char* const kHonest[] = {"cheating_layers", "cheating_inputs", "cheating_votes"};
bool is_honest(const std::string& row) {
  return std::find(std::begin(kHonest), std::end(kHonest), row) != std::end(kHonest);
}

std::string honest_rows() {
  std::string out;
  for (const char* plugin : kHonest) out += suite_of_cheats().row({plugin, "nothing"});
  return out;
}
std::string cheating_rows() {
  std::string out;
  for (const DefenseCheat& cheat : kDefenses)
    out += suite_of_cheats().row({"cheating_" + cheat.part, cheat.how});
  return out;
}
std::string row_named(const std::string& row) {
  if (is_honest(row)) return suite_of_cheats().row({row, "nothing"});
  const auto cheat = std::find_if(std::begin(kDefenses), std::end(kDefenses),
                                  [&](const DefenseCheat& one) { return one.how == row; });
  return suite_of_cheats().row({"cheating_" + cheat->part, row});
}

// What is reported today, and the truth: examples made on the bare network.
const std::string kColumns = R"(noise = { use = "random_noise" }
pgd = { use = "pgd", steps = 20 }
report = { base = "pgd", saturation = "report" }
truth = { use = "transfer", source = "fashion-mnist/standard", attack = { use = "pgd", steps = 20 } }
)";

using Columns = std::map<std::string, results::CellRecord>;
// Each row is a run of its own: every group of tests is a process, and needs some of them.
const Columns& columns_of(const std::string& row) {
  static std::map<std::string, Columns> known;
  if (!known.contains(row))
    known[row] = suite_of_cheats().run_suite_of("row-" + row, kColumns, row_named(row)).at(row);
  return known.at(row);
}

// Of images that come after those in the table of what memorises.
Columns held_out(const std::string& row) {
  return suite_of_cheats()
      .run_suite_of("held-out-" + row, kColumns, row_named(row), CheatsSuite::kSamples)
      .at(row);
}

// What the program says of these rows.
nlohmann::json audited(const std::string& name, const std::string& rows) {
  const CheatsSuite& suite = suite_of_cheats();
  const auto file = suite.write(name, "pgd = { use = \"pgd\", steps = 20 }\n", rows).string();
  return nlohmann::json::parse(
             suite.said(fmt::format("audit '{}' --json --plugin-path '{}' --output '{}'", file,
                                    (CheatsSuite::build() / "cheats").string(),
                                    (suite.folder() / name).string())))
      .at("rows");
}

// Codes of checks that are not passed, of a row of the suite of its kind.
std::set<std::string> audit_codes(const std::string& row, const std::set<std::string>& levels) {
  static std::map<bool, nlohmann::json> known;
  const bool honest = is_honest(row);
  if (!known.contains(honest))
    known[honest] = audited(honest ? "honest" : "audit", honest ? honest_rows() : cheating_rows());
  std::set<std::string> out;
  for (const nlohmann::json& one : known.at(honest))
    if (one.at("defense") == row)
      for (const nlohmann::json& check : one.at("checks"))
        if (levels.contains(check.at("level").get<std::string>()))
          out.insert(check.at("code").get<std::string>());
  return out;
}

bool has_audit() {
  static const bool has = [] {
    int code = 0;
    suite_of_cheats().said("audit --help", &code);
    return code == 0;
  }();
  return has;
}

class CheatingDefenses : public ::testing::TestWithParam<DefenseCheat> {};

// What stands with "report" is what an attack is told that the host does not help.
TEST_P(CheatingDefenses, LookMoreRobustThanTheyAre) {
  const DefenseCheat& cheat = GetParam();
  const Columns& row = columns_of(cheat.how);
  const results::CellRecord& seen = row.at("report");
  if (!cheat.invalid.empty()) {
    EXPECT_EQ(seen.status, results::Status::kInvalid);
    EXPECT_THAT(seen.reason, HasSubstr(cheat.invalid));
    return;
  }
  ASSERT_EQ(seen.status, results::Status::kOk) << seen.reason;
  if (!cheat.finding.empty()) {
    EXPECT_THAT(codes(seen.flags), Contains(cheat.finding));
  }
  if (cheat.gain > 0) {
    EXPECT_GT(seen.robust_accuracy, row.at("truth").robust_accuracy + cheat.gain);
  }
}

TEST_P(CheatingDefenses, AreNamedByTheirCheck) {
  const DefenseCheat& cheat = GetParam();
  if (cheat.promise.empty()) GTEST_SKIP() << "no promise is about it";
  const std::set<std::string> promises = broken("defense", "cheating_" + cheat.part, cheat.how);
  if (cheat.promise == "any")
    EXPECT_FALSE(promises.empty());
  else
    EXPECT_THAT(promises, Contains(cheat.promise));
}

TEST_P(CheatingDefenses, AreFoundByTheAudit) {
  if (!has_audit()) GTEST_SKIP() << "the program has no 'audit'";
  if (!GetParam().invalid.empty()) GTEST_SKIP() << "its cells are invalid";
  EXPECT_THAT(audit_codes(GetParam().how, {"warn", "fail"}), Contains(GetParam().audit));
}

INSTANTIATE_TEST_SUITE_P(All, CheatingDefenses, ::testing::ValuesIn(kDefenses),
                         [](const auto& info) { return info.param.how; });

TEST(HonestDefenses, BreakNoPromiseAndFallAndPassTheAudit) {
  for (const char* plugin : kHonest) {
    SCOPED_TRACE(plugin);
    EXPECT_THAT(broken("defense", plugin, "nothing"), IsEmpty());
    EXPECT_LT(columns_of(plugin).at("pgd").robust_accuracy, 0.05);
    if (has_audit()) {
      EXPECT_THAT(audit_codes(plugin, {"fail"}), IsEmpty());
    }
  }
}

// What a table remembers is worth nothing on other images.
TEST(WhatMemorises, IsRightOnItsTableOnly) {
  const Columns& table = columns_of("memorises");
  EXPECT_EQ(table.at("pgd").clean_accuracy, 1);
  EXPECT_LT(held_out("memorises").at("pgd").clean_accuracy, 0.5);
  EXPECT_LT(table.at("noise").robust_accuracy, 0.5) << "a pixel off is unknown";
  EXPECT_EQ(columns_of("memorises_nearby").at("pgd").robust_accuracy, 1);
  EXPECT_LT(held_out("memorises_nearby").at("pgd").robust_accuracy, 0.2);
}

// The same network falls to the same attack where ballots say what logits do.
TEST(AVoteThatRemembers, AnswersWhatItAnsweredBefore) {
  const Columns& row = columns_of("lies_about_votes");
  EXPECT_EQ(row.at("pgd").robust_accuracy, row.at("pgd").clean_accuracy);
  EXPECT_GT(row.at("pgd").clean_accuracy, 0.8);
  EXPECT_LT(columns_of("cheating_votes").at("pgd").robust_accuracy, 0.05);
}

}  // namespace
}  // namespace gauntlet::testing
