#include "bundle/pack.h"

#include <unistd.h>

#include <map>

#include "analysis/latest_run.h"
#include "base/bad_input.h"
#include "base/sha256.h"
#include "base/zip_writer.h"
#include "bundle/entries.h"
#include "bundle/layout.h"
#include "results/artifacts.h"
#include "results/settings.h"
#include "suite/read_suite.h"

namespace gauntlet::bundle {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;

// Paths of this machine say nothing to others.
json portable(json settings) {
  settings.erase("training_logs");
  for (json& attack : settings.at("attacks"))
    if (attack.value("use", json()) == "external" && attack.at("params").contains("file")) {
      json& file = attack["params"]["file"];
      file = fs::path(file.get<std::string>()).filename().string();
    }
  return settings;
}

void check_writable(const fs::path& output) {
  const fs::path folder = output.has_parent_path() ? output.parent_path() : ".";
  if (!fs::is_directory(folder) || fs::is_directory(output) || access(folder.c_str(), W_OK) != 0)
    throw BadInput(output.string() + ": the file cannot be written");
}

suite::Suite columns_of(const results::Settings& settings, const fs::path& folder,
                        const library::PluginLibrary& plugins, const registry::Registry& registry) {
  if (settings.board.empty())
    throw BadInput(folder.string() +
                   ": this run is on no board; its suite needs a line such as board = "
                   "\"cifar10-linf-deterministic@1\"");
  const suite::Board board = suite::find_board(settings.board);
  if (settings.board_sha256 != board.sha256)
    throw BadInput(folder.string() + ": the run was made with another definition of board '" +
                   board.id() + "' than " + board.file.string() + "; run it again");
  return suite::board_columns(board, plugins, registry);
}

// Why the clean images that the run kept cannot be packed; "" where they can.
std::string images_problem(const results::Settings::Data& data, const fs::path& artifacts) {
  if (data.images.empty()) return "the clean images of the run are not among its artifacts";
  const std::string problem =
      results::artifact_problem(artifacts / data.images, data.images_sha256);
  return problem.empty() ? "" : "the clean images of the run are lost: " + problem;
}

class Packer {
 public:
  explicit Packer(const fs::path& output) : zip_(output) {}

  void add(const std::string& name, const std::string& text) {
    sums_[name] = sha256(text);
    zip_.add(name, text);
  }
  void add_file(const std::string& name, const fs::path& from) {
    // Columns that overlap share their adversarial inputs.
    if (!sums_.emplace(name, sha256_of_file(from)).second) return;
    zip_.add_file(name, from);
  }
  void close() {
    zip_.add(bundle::kIndex, json{{"schema", bundle::kSchema}, {"files", sums_}}.dump(2) + "\n");
    zip_.close();
  }

 private:
  ZipWriter zip_;
  std::map<std::string, std::string> sums_;
};
}  // namespace

Packed pack(const results::Store& store, const boards::BoardAuthors& about,
            const library::PluginLibrary& plugins, const registry::Registry& registry,
            const fs::path& output) {
  check_writable(output);
  const results::Store::Run run = analysis::latest_run(store);
  const results::Settings settings = results::settings_of(run.settings);
  const suite::Suite columns = columns_of(settings, store.folder(), plugins, registry);
  std::vector<std::string> missing = missing_of(run, columns, store.artifacts());
  if (const std::string why = images_problem(settings.data, store.artifacts()); !why.empty())
    missing.push_back(why);
  if (!missing.empty()) {
    std::string text = store.folder().string() + ": the run is no complete entry of board '" +
                       columns.board->id() + "':";
    for (const std::string& each : missing) text += "\n  " + each;
    throw BadInput(text);
  }
  Packed packed;
  packed.entries = entries_of({run, outcomes_in(store)}, columns, about, store.artifacts());
  Packer packer(output);
  packer.add(bundle::kSettings, portable(json::parse(run.settings)).dump(2) + "\n");
  packer.add_file(bundle::kImages, store.artifacts() / settings.data.images);
  for (const boards::BoardEntry& entry : packed.entries)
    packer.add(bundle::entry_file(entry.id), to_json(entry));
  for (const results::CellRecord& cell : run.cells) {
    const fs::path from = store.artifacts() / cell.x_adv;
    packer.add_file(bundle::x_adv_file(sha256_of_file(from)), from);
  }
  packer.close();
  packed.sha256 = sha256_of_file(output);
  return packed;
}

}  // namespace gauntlet::bundle
