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

suite::Suite columns_of(const json& settings, const fs::path& folder,
                        const library::PluginLibrary& plugins, const registry::Registry& registry) {
  if (!settings.contains("board"))
    throw BadInput(folder.string() +
                   ": this run is on no board; its suite needs a line such as board = "
                   "\"cifar10-linf-deterministic@1\"");
  const suite::Board board = suite::find_board(settings.at("board").at("id"));
  if (settings.at("board").at("sha256") != board.sha256)
    throw BadInput(folder.string() + ": the run was made with another definition of board '" +
                   board.id() + "' than " + board.file.string() + "; run it again");
  return suite::board_columns(board, plugins, registry);
}

// The clean images that the run kept; "" where it has none.
std::string images_of(const json& settings) {
  return settings.at("data").value("images", std::string());
}

// Why they cannot be packed; "" where they can.
std::string images_problem(const json& settings, const fs::path& artifacts) {
  const std::string images = images_of(settings);
  if (images.empty()) return "the clean images of the run are not among its artifacts";
  const std::string sum = settings.at("data").value("images_sha256", std::string()),
                    problem = results::artifact_problem(artifacts / images, sum);
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
  const json settings = json::parse(run.settings);
  const suite::Suite columns = columns_of(settings, store.folder(), plugins, registry);
  std::vector<std::string> missing = missing_of(run, columns, store.artifacts());
  const std::string images = images_of(settings);
  if (const std::string why = images_problem(settings, store.artifacts()); !why.empty())
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
  packer.add(bundle::kSettings, portable(settings).dump(2) + "\n");
  packer.add_file(bundle::kImages, store.artifacts() / images);
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
