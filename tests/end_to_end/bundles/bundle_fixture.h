// Bundles of small boards over the embedded Fashion-MNIST, and what a cheat would make of them.
#pragma once
#include <gmock/gmock.h>

#include <fstream>
#include <functional>

#include "analysis/certification.h"
#include "base/bad_input.h"
#include "base/zip.h"
#include "base/zip_writer.h"
#include "boards/audit.h"
#include "boards/scores.h"
#include "bundle/layout.h"
#include "bundle/pack.h"
#include "bundle/verify.h"
#include "results/outcomes.h"
#include "suite/read_suite.h"
#include "tests/support/laboratory_fixture.h"
#include "tests/support/process_state.h"

namespace gauntlet::testing {

constexpr size_t kNoise = 0, kFgsm = 1, kPgd = 2;  // columns

const std::string kVote = "[{ use = \"smoothing\", vote = \"soft\", sigma = 0.1, mc_samples = 4 }]";

// As if the model had answered right.
inline void make_right(results::Outcome& outcome, int64_t trials) {
  outcome.robust_right = trials, outcome.predicted = outcome.label;
  if (outcome.robust_first) outcome.robust_first = trials / 2;
  outcome.margin = std::abs(outcome.margin) + 0.5;
}

/// As if another build had made the entry.
inline void made_elsewhere(boards::BoardEntry& entry) {
  for (boards::BoardThreat& threat : entry.threats)
    for (boards::BoardAttack& attack : threat.attacks)
      for (boards::BoardAttack::Cell& cell : attack.cells)
        cell.record.fingerprint = std::string(64, '0');
  for (results::Certification& record : entry.certifications)
    record.fingerprint = std::string(64, '0');
}

/// The files of a bundle, taken apart, changed and put together again with sums that are right.
class Opened {
 public:
  explicit Opened(const std::filesystem::path& file) {
    const ZipFile zip(file);
    for (const ZipFile::Entry& entry : zip.entries())
      files[entry.name] = zip.read(entry, uint64_t{1} << 30);
  }

  boards::BoardEntry entry(const std::string& id) const {
    return boards::board_entry_from_json(files.at(bundle::entry_file(id)), id);
  }
  void set(const boards::BoardEntry& entry) {
    files[bundle::entry_file(entry.id)] = to_json(entry);
  }
  /// Changes an entry; with `honest_sums`, so that its tables and claims agree again.
  void change(const std::string& id, const std::function<void(boards::BoardEntry&)>& edit,
              bool honest_sums = false) {
    boards::BoardEntry changed = entry(id);
    edit(changed);
    if (honest_sums) sum_up(changed);
    set(changed);
  }
  void sum_up(boards::BoardEntry& entry) const {
    for (boards::BoardThreat& threat : entry.threats)
      for (boards::BoardAttack& attack : threat.attacks)
        for (boards::BoardAttack::Cell& cell : attack.cells) {
          if (!cell.record.stochastic && !attack.additional)
            ask_as_told(attack.plugin, cell.record);
          summarise(cell.record);
        }
    claim(entry);
    entry.findings = audit(entry, suite::find_board(to_string(entry.board)).audit);
  }
  /// Queries as the board's attacks ask them where the answers are those of the table.
  static void ask_as_told(const std::string& plugin, results::CellRecord& record) {
    const int64_t run = plugin == "pgd" ? 5 : plugin == "fgsm" ? 1 : 0;
    record.ledger.queries = 0;
    for (results::Outcome& outcome : record.outcomes) {
      if (outcome.clean_right == 0)
        outcome.queries = 0;
      else if (outcome.robust_right > 0)
        outcome.queries = run;
      record.ledger.queries += outcome.queries;
    }
    record.ledger.forwards = record.ledger.queries;
  }
  /// Changes the adversarial inputs of a cell, which get another sum and name.
  void change_x_adv(const std::string& id, size_t attack,
                    const std::function<void(Tensor&)>& edit) {
    change(id, [&](boards::BoardEntry& entry) {
      std::string& sum = entry.threats[0].attacks[attack].cells[0].x_adv_sha256;
      auto tensors = models::parse_safetensors(files.at(bundle::x_adv_file(sum)), "x_adv");
      edit(tensors.at("x_adv"));
      const TemporaryFolder folder;
      models::write_safetensors(folder / "x_adv", tensors);
      sum = sha256_of_file(folder / "x_adv");
      std::ifstream in(folder / "x_adv", std::ios::binary);
      files[bundle::x_adv_file(sum)] = {std::istreambuf_iterator<char>(in), {}};
    });
  }

  void write(const std::filesystem::path& file) {
    nlohmann::json sums;
    for (const auto& [name, content] : files)
      if (name != bundle::kIndex) sums[name] = sha256(content);
    files[bundle::kIndex] = nlohmann::json{{"schema", bundle::kSchema}, {"files", sums}}.dump(2);
    ZipWriter zip(file);
    for (const auto& [name, content] : files) zip.add(name, content);
    zip.close();
  }

  std::map<std::string, std::string> files;
};

class Bundles : public ::testing::Test {
 protected:
  static constexpr int64_t kSamples = 24;

  Bundles() {
    std::filesystem::create_directories(folder_ / "boards");
    write_board("plain", "deterministic", "");
    write_board("noisy", "randomized", "scoring = { draws = 16 }\n");
  }

  void write_board(const std::string& name, const std::string& division, const std::string& more,
                   int version = 1) const {
    std::ofstream(folder_ / ("boards/" + name + ".toml"))
        << "schema = 1\nversion = " << version << "\ntitle = \"small\"\ndivision = \"" << division
        << "\"\nseeds = [0]\ndata = { dataset = \"fashion-mnist-1k\", samples = " << kSamples
        << " }\nthreat.linf = { norm = \"linf\", epsilon = 0.1 }\n"
        << more << R"([attack]
random_noise = { use = "random_noise" }
fgsm = { use = "fgsm" }
pgd = { use = "pgd", steps = 5, step_size = 0.03, draws = 2 }
[audit]
control = ["random_noise"]
white_box = ["fgsm", "pgd"]
black_box = []
)";
  }

  suite::Suite suite(const std::string& board, const std::string& stack = "[]",
                     const std::string& more = "", const suite::SuiteOptions& options = {}) const {
    std::ofstream(folder_ / "suite.toml")
        << "schema = 1\nname = \"mine\"\nboard = \"" << board << "\"\n"
        << more
        << "[[defense]]\nname = \"at\"\nmodel = "
           "\"fashion-mnist/at\"\nstack = "
        << stack << "\n";
    return suite::read_suite(folder_ / "suite.toml", options, plugins_, registry_);
  }
  std::filesystem::path bundle(const suite::Suite& suite, const std::string& name = "run") const {
    run(suite, plugins_, registry_, folder_ / name, {});
    const std::filesystem::path file = folder_ / (name + ".zip");
    bundle::pack(results::Store(folder_ / name), {}, plugins_, registry_, file);
    return file;
  }
  bundle::Verification verified(const std::filesystem::path& file, bool model = true) const {
    bundle::VerifyOptions options;
    options.model = model;
    return verify(bundle::BundleFile(file), plugins_, registry_, options);
  }
  /// What verification says of a changed bundle.
  std::string failures(Opened& opened, bool model = true) const {
    opened.write(folder_ / "changed.zip");
    std::string text;
    for (const std::string& failure : verified(folder_ / "changed.zip", model).failures)
      text += failure + "\n";
    return text;
  }
  std::string refusal(const std::filesystem::path& file) const {
    try {
      bundle::BundleFile{file};
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  }

  TemporaryFolder folder_;
  const Variable boards_{"GAUNTLET_BOARDS", (folder_ / "boards").string()};
  const library::PluginLibrary plugins_ = shipped_plugins();
  const registry::Registry registry_{from_environment("GAUNTLET_SOURCE_DIR") / "registry", {}};
};

}  // namespace gauntlet::testing
