// What verification accepts, and each thing that it has to find.
#include "bundle_fixture.h"

namespace gauntlet::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

results::Outcome& lost(boards::BoardEntry& entry, size_t attack) {
  for (results::Outcome& outcome : entry.threats[0].attacks[attack].cells[0].record.outcomes)
    if (outcome.clean_right > 0 && outcome.robust_right == 0) return outcome;
  throw std::runtime_error("every image withstood");
}

TEST_F(Bundles, FreshOnesHoldByTheModel) {
  const bundle::Verification found = verified(bundle(suite("plain@1")));
  EXPECT_THAT(found.failures, IsEmpty());
  EXPECT_THAT(found.notes, IsEmpty());
  ASSERT_EQ(found.rows.size(), 1u);
  EXPECT_EQ(found.rows[0].reached, boards::Verified::kModel);
}

TEST_F(Bundles, FreshOnesOfRandomDefensesHoldOnTheirDraws) {
  const bundle::Verification found = verified(bundle(suite("noisy@1", kVote)));
  EXPECT_THAT(found.failures, IsEmpty());
  EXPECT_EQ(found.rows.at(0).reached, boards::Verified::kModel);
}

TEST_F(Bundles, AnotherModelThanTheRows) {
  Opened opened(bundle(suite("plain@1")));
  Opened unknown = opened;
  opened.change("at",
                [](boards::BoardEntry& entry) { entry.weights_sha256 = std::string(64, 'a'); });
  EXPECT_THAT(failures(opened, /*model=*/false), HasSubstr("its weights_sha256 is"));
  unknown.change("at", [](boards::BoardEntry& entry) { entry.model = "mine/best"; });
  const std::string found = failures(unknown);
  EXPECT_THAT(found, HasSubstr("its model is \"mine/best\", the settings say"));
  EXPECT_THAT(found, HasSubstr("its model is \"mine/best\", its parameters say"));
  EXPECT_EQ(verified(folder_ / "changed.zip").rows.at(0).reached, boards::Verified::kNot);
}

TEST_F(Bundles, AModelThatIsNotHereIsNotAsked) {
  Opened opened(bundle(suite("plain@1")));
  opened.change("at", [](boards::BoardEntry& entry) {
    entry.model = "mine/best";
    auto parameters = nlohmann::json::parse(entry.parameters);
    parameters["model"] = entry.model;
    entry.parameters = parameters.dump();
  });
  auto settings = nlohmann::json::parse(opened.files.at(bundle::kSettings));
  settings["defenses"][0]["model"] = "mine/best";
  opened.files[bundle::kSettings] = settings.dump();
  EXPECT_THAT(failures(opened), IsEmpty());
  const bundle::Verification found = verified(folder_ / "changed.zip");
  EXPECT_EQ(found.rows.at(0).reached, boards::Verified::kTables);
  EXPECT_THAT(found.notes, ::testing::ElementsAre(HasSubstr("the model was not asked")));
}

TEST_F(Bundles, ASampleBeyondTheData) {
  Opened opened(bundle(suite("plain@1")));
  opened.change("at", [](boards::BoardEntry& entry) {
    entry.samples.back() = 1'000'000;
    for (boards::BoardAttack& attack : entry.threats[0].attacks)
      attack.cells[0].record.outcomes.back().index = 1'000'000;
  });
  EXPECT_THAT(failures(opened), HasSubstr("sample 1000000"));
  EXPECT_EQ(verified(folder_ / "changed.zip").rows.at(0).reached, boards::Verified::kNot);
}

TEST_F(Bundles, AWrapperWhoseParametersAreANumber) {
  Opened opened(bundle(suite("noisy@1", kVote)));
  auto settings = nlohmann::json::parse(opened.files.at(bundle::kSettings));
  settings["defenses"][0]["stack"][0]["params"] = 5;
  opened.files[bundle::kSettings] = settings.dump();
  opened.write(folder_ / "changed.zip");
  const bundle::Verification found = verified(folder_ / "changed.zip");
  EXPECT_THAT(found.notes, ::testing::Contains(HasSubstr("the parameters of a wrapper are 5")));
  EXPECT_NE(found.rows.at(0).reached, boards::Verified::kModel);
}

TEST_F(Bundles, AdversarialInputsUnderTheNameOfOthers) {
  Opened opened(bundle(suite("plain@1")));
  opened.change("at", [&](boards::BoardEntry& entry) {
    std::string& sum = entry.threats[0].attacks[kPgd].cells[0].x_adv_sha256;
    const std::string other(64, 'a');
    opened.files[bundle::x_adv_file(other)] = opened.files.at(bundle::x_adv_file(sum));
    sum = other;
  });
  EXPECT_THAT(failures(opened), HasSubstr("which is not its name"));
}

TEST_F(Bundles, AreTheSameBytesForTheSameRun) {
  const auto first = bundle(suite("plain@1"));
  const auto again = folder_ / "again.zip";
  bundle::pack(results::Store(folder_ / "run"), {}, plugins_, registry_, again);
  EXPECT_EQ(sha256_of_file(first), sha256_of_file(again));
}

TEST_F(Bundles, OneFlippedOutcome) {
  Opened opened(bundle(suite("plain@1")));
  opened.change("at", [](boards::BoardEntry& entry) { lost(entry, kPgd).robust_right = 1; });
  EXPECT_THAT(failures(opened), HasSubstr("is counted as right under attack"));
}

TEST_F(Bundles, AFlippedOutcomeWithAllSumsRightIsFoundByTheModelAlone) {
  Opened opened(bundle(suite("plain@1")));
  opened.change(
      "at", [](boards::BoardEntry& entry) { make_right(lost(entry, kPgd), 1); },
      /*honest_sums=*/true);
  EXPECT_THAT(failures(opened, /*model=*/false), IsEmpty());
  const std::string found = failures(opened);
  EXPECT_THAT(found, HasSubstr("pgd, seed 0: sample"));
  EXPECT_THAT(found, HasSubstr("the model's answer is wrong"));
}

TEST_F(Bundles, OneOfRandomDefensesToo) {
  Opened opened(bundle(suite("noisy@1", kVote)));
  opened.change(
      "at",
      [](boards::BoardEntry& entry) {
        results::CellRecord& record = entry.threats[0].attacks[kPgd].cells[0].record;
        for (results::Outcome& outcome : record.outcomes)
          if (outcome.robust_right < record.trials) {
            outcome.robust_right += 1;
            return;
          }
      },
      /*honest_sums=*/true);
  EXPECT_THAT(failures(opened, /*model=*/false), IsEmpty());
  EXPECT_THAT(failures(opened), HasSubstr("on the same draws"));
}

TEST_F(Bundles, OneAdversarialInputOutOfTheBall) {
  Opened opened(bundle(suite("plain@1")));
  opened.change_x_adv("at", kPgd, [](Tensor& x) {
    Tensor pixel = x[3][0][14][14];
    pixel.copy_((pixel < 0.5).item<bool>() ? pixel + 0.4 : pixel - 0.4);
  });
  EXPECT_THAT(failures(opened), HasSubstr("1 of 24 adversarial inputs leave the ball"));
}

TEST_F(Bundles, AnAdversarialInputOutOfTheBox) {
  Opened opened(bundle(suite("plain@1")));
  opened.change_x_adv("at", kPgd, [](Tensor& x) { x[3][0][0][0] = -0.05; });
  EXPECT_THAT(failures(opened), HasSubstr("leave the box"));
}

TEST_F(Bundles, AdversarialInputsThatWereSwapped) {
  Opened opened(bundle(suite("plain@1")));
  opened.change("at", [](boards::BoardEntry& entry) {
    auto& attacks = entry.threats[0].attacks;
    std::swap(attacks[kNoise].cells[0].x_adv_sha256, attacks[kPgd].cells[0].x_adv_sha256);
  });
  EXPECT_THAT(failures(opened), HasSubstr("sample"));
  EXPECT_THAT(failures(opened, /*model=*/false), HasSubstr("from the clean image, the table says"));
}

TEST_F(Bundles, AnEditedAccuracy) {
  Opened opened(bundle(suite("plain@1")));
  opened.change("at", [](boards::BoardEntry& entry) { entry.threats[0].robust_accuracy += 0.01; });
  EXPECT_THAT(failures(opened), HasSubstr("linf: claims robust accuracy"));
}

TEST_F(Bundles, AnEditedAccuracyOfOneAttack) {
  Opened opened(bundle(suite("plain@1")));
  opened.change("at", [](boards::BoardEntry& entry) {
    entry.threats[0].attacks[kFgsm].cells[0].record.robust_accuracy = 1;
  });
  EXPECT_THAT(failures(opened), HasSubstr("fgsm under linf, seed 0: claims robust accuracy"));
}

TEST_F(Bundles, AnEditedMajorityAndTies) {
  Opened opened(bundle(suite("plain@1")));
  opened.change("at", [](boards::BoardEntry& entry) {
    results::CellRecord& record = entry.threats[0].attacks[kFgsm].cells[0].record;
    record.majority_accuracy = 1, record.ties = 24;
  });
  const std::string found = failures(opened, /*model=*/false);
  EXPECT_THAT(found, HasSubstr("claims accuracy by majority 1"));
  EXPECT_THAT(found, HasSubstr("claims ties 24"));
}

TEST_F(Bundles, ARescoredAccuracyOfADeterministicModel) {
  Opened opened(bundle(suite("plain@1")));
  opened.change("at", [](boards::BoardEntry& entry) { entry.threats[0].rescored_accuracy = 1; });
  EXPECT_THAT(failures(opened, /*model=*/false), HasSubstr("has no rescored accuracy"));
}

TEST_F(Bundles, TrialsOfADeterministicModel) {
  Opened opened(bundle(suite("plain@1")));
  opened.change("at", [](boards::BoardEntry& entry) {
    results::CellRecord& record = entry.threats[0].attacks[kPgd].cells[0].record;
    record.robust_by_trial = {std::llround(record.robust_accuracy * kSamples)};
  });
  EXPECT_THAT(failures(opened, /*model=*/false),
              HasSubstr("its answers are not drawn, yet it has right answers of trials"));
}

TEST_F(Bundles, AMissingAttack) {
  Opened opened(bundle(suite("plain@1")));
  opened.change(
      "at",
      [](boards::BoardEntry& entry) {
        entry.threats[0].attacks.erase(entry.threats[0].attacks.begin() + kPgd);
      },
      /*honest_sums=*/true);
  EXPECT_THAT(failures(opened), HasSubstr("at: linf: the board's attack 'pgd' is missing"));
}

TEST_F(Bundles, AWeakerAttack) {
  Opened opened(bundle(suite("plain@1")));
  auto settings = nlohmann::json::parse(opened.files.at(bundle::kSettings));
  for (auto& attack : settings["attacks"])
    if (attack["name"] == "pgd") attack["params"]["steps"] = 1;
  opened.files[bundle::kSettings] = settings.dump();
  EXPECT_THAT(failures(opened),
              HasSubstr("settings: attack 'pgd'.params.steps is 1, the board says 5"));
}

TEST_F(Bundles, ADroppedSample) {
  Opened opened(bundle(suite("plain@1")));
  opened.change(
      "at",
      [](boards::BoardEntry& entry) {
        for (boards::BoardAttack& attack : entry.threats[0].attacks) {
          results::CellRecord& record = attack.cells[0].record;
          record.outcomes.pop_back();
          --record.samples;
        }
      },
      /*honest_sums=*/true);
  EXPECT_THAT(failures(opened), HasSubstr("are not those of the board's 24 samples"));
}

TEST_F(Bundles, ARowWithoutAnEntry) {
  const auto two = suite(
      "plain@1", "[]", "[[defense]]\nname = \"undefended\"\nmodel = \"fashion-mnist/standard\"\n");
  Opened opened(bundle(two));
  const std::string id = boards::entry_id("undefended");
  opened.files.erase(bundle::entry_file(id));
  EXPECT_THAT(failures(opened), HasSubstr("row 'undefended' of the run has no entry"));
}

TEST_F(Bundles, AnotherImage) {
  Opened opened(bundle(suite("plain@1")));
  auto tensors = models::parse_safetensors(opened.files.at(bundle::kImages), "images");
  tensors.at("x")[5][0][3][3] = 7;
  models::write_safetensors(folder_ / "images", tensors);
  std::ifstream in(folder_ / "images", std::ios::binary);
  opened.files[bundle::kImages] = {std::istreambuf_iterator<char>(in), {}};
  EXPECT_THAT(failures(opened),
              HasSubstr("sample 5 is not the image of data set fashion-mnist-1k"));
}

TEST_F(Bundles, AFileThatIsNotTheOneListed) {
  Opened opened(bundle(suite("plain@1")));
  opened.write(folder_ / "changed.zip");
  opened.files[bundle::kSettings] += "\n";
  ZipWriter zip(folder_ / "changed.zip");
  for (const auto& [name, content] : opened.files) zip.add(name, content);
  zip.close();
  EXPECT_THAT(verified(folder_ / "changed.zip").failures,
              ::testing::Contains(HasSubstr("files: settings.json has SHA-256")));
}

TEST_F(Bundles, AnotherVersionOfTheBoard) {
  Opened opened(bundle(suite("plain@1")));
  EXPECT_THAT(failures(opened), IsEmpty());
  write_board("plain", "deterministic", "scoring = { success = \"any\" }\n");
  EXPECT_THAT(failures(opened), HasSubstr("the digest of the board's definition is"));
  write_board("plain", "deterministic", "", 2);
  EXPECT_THAT(failures(opened),
              HasSubstr("board: there is no board 'plain@1', did you mean 'plain@2'?"));
}

TEST_F(Bundles, AFindingThatIsNotTold) {
  Opened opened(bundle(suite("plain@1")));
  opened.change("at", [](boards::BoardEntry& entry) { entry.findings.push_back("all is well"); });
  EXPECT_THAT(failures(opened),
              HasSubstr("has a finding that the audit does not confirm: all is well"));
}

// A registry with the images, and one model under the name of the entry's.
class OtherRegistry : public Bundles {
 protected:
  void make(const std::string& entry, const std::string& weights) {
    namespace fs = std::filesystem;
    const fs::path from = from_environment("GAUNTLET_SOURCE_DIR") / "registry",
                   to = folder_ / "registry";
    fs::create_directories(to / "models/fashion-mnist");
    fs::copy(from / "datasets", to / "datasets", fs::copy_options::recursive);
    if (entry.empty()) return;
    fs::copy(from / "models/fashion-mnist" / (weights + ".safetensors"),
             to / "models/fashion-mnist/at.safetensors");
    std::ifstream in(from / "models/fashion-mnist/at.toml");
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (entry == "changed") {
      const std::string old = sha256_of_file(from / "models/fashion-mnist/at.safetensors");
      text.replace(text.find(old), old.size(),
                   sha256_of_file(to / "models/fashion-mnist/at.safetensors"));
    }
    std::ofstream(to / "models/fashion-mnist/at.toml") << text;
  }
  bundle::Verification by_it(const std::filesystem::path& file) {
    return verify(bundle::BundleFile(file), plugins_, registry::Registry(folder_ / "registry", {}));
  }
};

TEST_F(OtherRegistry, WeightsThatTheRegistryDeclaresOtherwise) {
  make("changed", "trades");
  EXPECT_THAT(
      by_it(bundle(suite("plain@1"))).failures,
      ::testing::ElementsAre(HasSubstr("the registry's model 'fashion-mnist/at' has weights "
                                       "with SHA-256")));
}

TEST_F(OtherRegistry, WeightsOnDiskThatAreOthers) {
  make("same", "trades");
  EXPECT_THAT(by_it(bundle(suite("plain@1"))).failures,
              ::testing::ElementsAre(HasSubstr("at.safetensors of model 'fashion-mnist/at' has "
                                               "SHA-256")));
}

TEST_F(OtherRegistry, WithoutTheModelTheTablesAloneAreVerified) {
  make("", "");
  const bundle::Verification found = by_it(bundle(suite("plain@1")));
  EXPECT_THAT(found.failures, IsEmpty());
  EXPECT_EQ(found.rows.at(0).reached, boards::Verified::kTables);
  EXPECT_THAT(found.notes, ::testing::ElementsAre(HasSubstr("the model was not asked")));
}

}  // namespace
}  // namespace gauntlet::testing
