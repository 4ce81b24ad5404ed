// Costs and settings that follow from outcomes and board; classes on another number of threads.
#include <ATen/Parallel.h>

#include "bundle_fixture.h"

namespace gauntlet::testing {
namespace {
using ::testing::HasSubstr;
using ::testing::IsEmpty;

results::CellRecord& record_of(boards::BoardEntry& entry, size_t attack) {
  return entry.threats[0].attacks[attack].cells[0].record;
}

// Changes an image's queries, and the sums with them.
void ask(results::CellRecord& record, results::Outcome& outcome, int64_t queries) {
  const int64_t more = queries - outcome.queries;
  outcome.queries += more;
  record.ledger.queries += more, record.ledger.forwards += more;
}

results::Outcome& withstood(results::CellRecord& record) {
  for (results::Outcome& outcome : record.outcomes)
    if (outcome.robust_right > 0) return outcome;
  throw std::runtime_error("no image withstood");
}

// As on a machine with another number of threads.
void on_other_threads(boards::BoardEntry& entry) {
  auto environment = nlohmann::json::parse(entry.environment);
  environment["threads"] = at::get_num_threads() + 1;
  entry.environment = environment.dump();
}

TEST_F(Bundles, InventedQueriesDoNotHold) {
  const Opened honest(bundle(suite("plain@1")));
  const auto changed = [&](const std::function<void(results::CellRecord&)>& edit,
                           size_t attack = kPgd) {
    Opened opened = honest;
    opened.change("at", [&](boards::BoardEntry& entry) { edit(record_of(entry, attack)); });
    return failures(opened, /*model=*/false);
  };
  EXPECT_THAT(changed([](results::CellRecord&) {}), IsEmpty());
  EXPECT_THAT(changed([](results::CellRecord& r) { r.ledger.queries *= 2; }),
              HasSubstr("its ledger has"));
  EXPECT_THAT(changed([](results::CellRecord& r) { r.ledger.forwards /= 2; }),
              HasSubstr("its ledger has"));
  EXPECT_THAT(changed([](results::CellRecord& r) { r.ledger.scoring_forwards = 1; }),
              HasSubstr("passes for scores"));
  // With sums that are right.
  EXPECT_THAT(changed([](results::CellRecord& r) { ask(r, withstood(r), 1000); }),
              HasSubstr("queries"));
  EXPECT_THAT(changed([](results::CellRecord& r) { ask(r, withstood(r), 3); }),
              HasSubstr("queries"));
  EXPECT_THAT(changed([](results::CellRecord& r) { ask(r, withstood(r), 0); }),
              HasSubstr("withstood 0"));
  EXPECT_THAT(changed([](results::CellRecord& r) {
                for (results::Outcome& o : r.outcomes)
                  if (o.clean_right == 0) return ask(r, o, 5);
                throw std::runtime_error("every image is right");
              }),
              HasSubstr("is wrong without an attack"));
}

TEST_F(Bundles, InventedKeysDoNotHold) {
  const Opened honest(bundle(suite("plain@1")));
  const auto changed = [&](const char* table, const char* key, const nlohmann::json& value) {
    Opened opened = honest;
    opened.change("at", [&](boards::BoardEntry& entry) {
      boards::BoardAttack& attack = entry.threats[0].attacks[kPgd];
      auto parameters = nlohmann::json::parse(attack.parameters);
      parameters.at(table).at(key)["value"] = value;
      attack.parameters = parameters.dump();
    });
    return failures(opened, /*model=*/false);
  };
  EXPECT_THAT(changed("host", "restarts", 50), HasSubstr("its restarts is 50, the board says 1"));
  EXPECT_THAT(changed("host", "draws", 9), HasSubstr("its draws is 9"));
  EXPECT_THAT(changed("scoring", "trials", 512), HasSubstr("its trials is 512"));
}

TEST_F(Bundles, InventedTrainingAndNormalisationDoNotHold) {
  const Opened honest(bundle(suite("plain@1")));
  const auto changed = [&](const char* key, const nlohmann::json& value) {
    Opened opened = honest;
    opened.change("at", [&](boards::BoardEntry& entry) {
      auto parameters = nlohmann::json::parse(entry.parameters);
      parameters[key] = value;
      entry.parameters = parameters.dump();
    });
    return failures(opened);
  };
  EXPECT_THAT(changed("training", {{"epochs", 1000}}), HasSubstr("its training is"));
  EXPECT_THAT(changed("mean", {0.9}), HasSubstr("its mean is [0.9]"));
  EXPECT_THAT(changed("input", {3, 32, 32}), HasSubstr("its input is"));
}

TEST_F(Bundles, OfBeforeParametersSaidAllHoldAsTheyAre) {
  Opened opened(bundle(suite("plain@1")));
  opened.change("at", [](boards::BoardEntry& entry) {
    auto parameters = nlohmann::json::parse(entry.parameters);
    for (const char* key : {"mean", "std", "options", "input", "classes"}) parameters.erase(key);
    entry.parameters = parameters.dump();
  });
  EXPECT_THAT(failures(opened), IsEmpty());
}

TEST_F(Bundles, AreVerifiedOnTheThreadsOfTheirEntries) {
  Opened opened(bundle(suite("plain@1")));
  opened.change("at", on_other_threads);
  opened.write(folder_ / "threads.zip");
  const int before = at::get_num_threads();
  const auto same_build = [&](bool threads_of_entry) {
    bundle::VerifyOptions options;
    options.threads_of_entry = threads_of_entry;
    const bundle::BundleFile file(folder_ / "threads.zip");
    return verify(file, plugins_, registry_, options).rows.at(0).same_build;
  };
  EXPECT_TRUE(same_build(true));
  EXPECT_EQ(at::get_num_threads(), before) << "of whoever asks";
  EXPECT_FALSE(same_build(false));
}

TEST_F(Bundles, WrongClassesDoNotHoldOnAnotherNumberOfThreads) {
  Opened opened(bundle(suite("plain@1")));
  opened.change("at", on_other_threads);
  EXPECT_THAT(failures(opened), IsEmpty());
  opened.change("at", [](boards::BoardEntry& entry) {
    for (results::Outcome& outcome : record_of(entry, kPgd).outcomes) {
      if (outcome.robust_right > 0) continue;
      const int64_t was = outcome.predicted;
      do outcome.predicted = (outcome.predicted + 1) % 10;
      while (outcome.predicted == outcome.label || outcome.predicted == was);
    }
  });
  EXPECT_THAT(failures(opened), HasSubstr("the model's answer is wrong (class"));
}

TEST_F(Bundles, AnswersOfMostTrialsAreTheClass) {
  Opened opened(bundle(suite("noisy@1", kVote)));
  opened.change(
      "at",
      [](boards::BoardEntry& entry) {
        results::CellRecord& record = record_of(entry, kNoise);
        for (results::Outcome& outcome : record.outcomes)
          if (outcome.robust_right == record.trials) {
            outcome.predicted = (outcome.label + 1) % 10;
            break;
          }
      },
      /*honest_sums=*/true);
  EXPECT_THAT(failures(opened, /*model=*/false), HasSubstr("which does not make"));
}

}  // namespace
}  // namespace gauntlet::testing
