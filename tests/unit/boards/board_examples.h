// Boards as they might be: entries of random outcomes that hold together, all from one seed.
#pragma once
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

#include "analysis/certification.h"
#include "board_fixture.h"
#include "boards/scores.h"
#include "results/outcomes.h"

namespace gauntlet {

/// Images have a difficulty that all entries share, so that pairing them matters.
class BoardExamples {
 public:
  explicit BoardExamples(size_t images, uint64_t seed = 1) : random_(seed), difficulty_(images) {
    std::uniform_real_distribution<double> uniform;
    for (double& one : difficulty_) one = uniform(random_);
  }

  /// `clean` and `robust`: about what is left; `trials` above 1: a random defense.
  boards::BoardEntry entry(const std::string& name, double clean, double robust,
                           int64_t trials = 1) {
    static const std::pair<const char*, double> attacks[] = {
        {"random_noise", 0.85}, {"pgd", 0.12},   {"pgd-margin", 0.06}, {"cw", 0.1},
        {"transfer", 0.5},      {"nattack", 0.3}};
    std::vector<boards::BoardAttack> list;
    for (const auto& [attack, weakness] : attacks) {
      const double strength = robust + (clean - robust) * weakness;
      const size_t images =
          std::string(attack) == "nattack" ? difficulty_.size() / 5 : difficulty_.size();
      list.push_back(planted_attack(attack, {cell(clean, strength, trials, images)}));
    }
    boards::BoardEntry out = planted_entry(name, list);
    out.division = trials > 1 ? Division::kRandomized : Division::kDeterministic;
    if (trials > 1)
      out.parameters =
          R"({"model":"fashion-mnist/at","stack":[{"use":"smoothing","params":{)"
          R"("sigma":{"value":0.1,"default":0.25},"vote":{"value":"soft","default":"prediction"},)"
          R"("mc_samples":{"value":8,"default":8}}}]})";
    out.class_names = {"T-shirt", "trousers", "pullover", "dress", "coat",
                       "sandal",  "shirt",    "sneaker",  "bag",   "ankle boot"};
    claim(out);
    return out;
  }

  /// Adversarial inputs from outside that leave about `robust`.
  void overturn(boards::BoardEntry& entry, const std::string& by, double robust) {
    boards::BoardThreat& threat = entry.threats[0];
    const int64_t trials = threat.attacks[0].cells[0].record.trials;
    boards::BoardAttack attack =
        planted_attack(by, {cell(threat.clean_accuracy, robust, trials, difficulty_.size())});
    attack.plugin = "external", attack.additional = true, attack.source = "J. Doe, 2026";
    threat.attacks.push_back(std::move(attack));
    claim(entry);
  }

  void certify(boards::BoardEntry& entry, double scale) {
    results::Certification record;
    record.identity = record.fingerprint = "certified";
    record.status = results::Status::kOk, record.alpha = 0.001;
    for (size_t i = 0; i < difficulty_.size(); ++i) {
      const double radius = std::max(0.0, scale * (0.9 - difficulty_[i]));
      record.certificates.push_back(
          {int64_t(i), int64_t(i % 10), radius > 0 ? int64_t(i % 10) : -1, radius});
    }
    analysis::summarise(record);
    record.finished = entry.finished;
    entry.certifications = {record};
    entry.division = Division::kCertified;
    entry.threats[0].threat.norm = "l2", entry.threats[0].threat.epsilon = 0.25;
    claim(entry);
  }

 private:
  boards::BoardAttack::Cell cell(double clean, double robust, int64_t trials, size_t images) {
    std::normal_distribution<double> noise(0, 0.08);
    boards::BoardAttack::Cell out = planted_cell(std::vector<double>(images, 1), trials);
    results::CellRecord& record = out.record;
    for (size_t i = 0; i < images; ++i) {
      results::Outcome& outcome = record.outcomes[i];
      const auto right = [&](double accuracy, double shake) {
        const double slack = accuracy - difficulty_[i] + shake;
        if (trials == 1) return int64_t(slack > 0);
        return std::clamp<int64_t>(std::llround((0.5 + 4 * slack) * double(trials)), 0, trials);
      };
      outcome.clean_right = right(clean, 0);
      outcome.robust_right = std::min(outcome.clean_right, right(robust, noise(random_)));
      outcome.margin = robust - difficulty_[i];
    }
    record.ledger.scoring_forwards = int64_t(images) * trials * (trials > 1 ? 8 : 1);
    summarise(record);
    return out;
  }

  std::mt19937_64 random_;
  std::vector<double> difficulty_;
};

/// The file of a board, "fashion-linf@1", whose attacks the entries have.
inline std::string example_definition(const std::string& title) {
  return R"(schema = 1
version = 1
title = ")" +
         title + R"("
division = "deterministic"
seeds = [0]
data = { dataset = "fashion-mnist-1k", samples = 100 }
threat.linf8 = { norm = "linf", epsilon = "8/255" }
attack.random_noise = { use = "random_noise" }
attack.pgd = { use = "pgd", steps = 20 }
attack.pgd-margin = { use = "pgd", steps = 20, loss = "margin" }
attack.cw = { use = "cw" }
attack.transfer = { use = "transfer", source = "fashion-mnist/at", attack = { use = "pgd" } }
attack.nattack = { use = "nattack", samples = 20 }
audit = { control = ["random_noise"], white_box = ["pgd"], black_box = ["nattack"] }
)";
}

/// Writes an entry below `results`, where `gauntlet board build` reads it.
inline void put_entry(const std::filesystem::path& results, const boards::BoardEntry& entry) {
  const std::filesystem::path file = results / entry_path(entry);
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << to_json(entry);
}

}  // namespace gauntlet
