#include "reports/files/export.h"

#include <fmt/format.h>

#include <fstream>
#include <unordered_map>

#include "base/bad_input.h"
#include "gauntlet/types.h"
#include "reports/files/csv_row.h"
#include "reports/files/npz_writer.h"
#include "reports/summary.h"
#include "reports/text/free_text.h"
#include "reports/text/latex.h"
#include "reports/text/text.h"
#include "results/artifacts.h"
#include "results/settings.h"

namespace gauntlet::reports::files {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kIndexSchema = 1;
constexpr double kRoundingError = 1e-4;  // of a level: some last bits of a float32
constexpr size_t kMostNamed = 10;        // cells of one sentence

std::string name_of(const results::CellRecord& cell) {
  return cell.defense + " under " + cell.attack + " (" + cell.threat.name + ", seed " +
         std::to_string(cell.seed) + ")";
}

Tensor numbers(const std::vector<results::Outcome>& outcomes, int64_t results::Outcome::*value) {
  Tensor out = torch::empty({int64_t(outcomes.size())}, torch::kLong);
  for (size_t i = 0; i < outcomes.size(); ++i) out.data_ptr<int64_t>()[i] = outcomes[i].*value;
  return out;
}
Tensor numbers(const std::vector<results::Outcome>& outcomes, double results::Outcome::*value) {
  Tensor out = torch::empty({int64_t(outcomes.size())}, torch::kDouble);
  for (size_t i = 0; i < outcomes.size(); ++i) out.data_ptr<double>()[i] = outcomes[i].*value;
  return out;
}

/// The nearest multiples of 1/255, and where they are the values themselves.
struct Grid {
  Tensor levels;  // float32, whole numbers
  Tensor is_on;
  explicit Grid(const Tensor& x)
      : levels((x * 255).round().clamp(0, 255)), is_on(levels / 255 == x) {}
  bool all_on() const { return is_on.all().item<bool>(); }
};

class Exporter {
 public:
  Exporter(const results::RunRecords& records, const fs::path& folder, const ExportOptions& options)
      : records_(records), run_(records.run), folder_(folder), options_(options) {
    shorten_texts(run_);
    for (size_t i = 0; i < run_.cells.size(); ++i)
      if (options.keeps(records.run.cells[i])) cells_.push_back(&run_.cells[i]);
  }

  ExportSummary run() {
    check_folder();
    check_inputs();
    fs::create_directories(folder_ / "cells");
    Json index = head();
    std::ofstream table(folder_ / "outcomes.csv", std::ios::binary);
    table << "file,defense,attack,threat,norm,epsilon,seed,index,label,predicted,clean_right,"
             "robust_right,trials,margin,distance,queries\n";
    for (const results::CellRecord* cell : cells_) index["cells"].push_back(add(*cell, table));
    table.close();
    std::ofstream text(folder_ / "index.json", std::ios::binary);
    text << escape_hidden(index.dump(2, ' ', false, Json::error_handler_t::replace)) << '\n';
    text.close();
    if (!table || !text)
      throw BadInput(folder_.string() + ": cannot be written; is the disk not full?");
    return {int64_t(cells_.size()), files_};
  }

 private:
  void check_folder() const {
    if (fs::exists(folder_) && (!fs::is_directory(folder_) || !fs::is_empty(folder_)))
      throw BadInput(folder_.string() + " is not empty, expected a new folder: --output FOLDER");
  }

  /// Everything that can be wrong is found before a file is written.
  void check_inputs() const {
    if (options_.inputs == ExportedInputs::kNone) return;
    std::vector<std::string> off;
    for (const results::CellRecord* cell : cells_) {
      if (!has_result(*cell)) continue;
      const Tensor x = inputs_of(*cell, records_.outcomes(*cell));
      if (options_.inputs != ExportedInputs::kUint8) continue;
      if (options_.quantise)
        rounded(*cell, x);
      else if (!Grid(x).all_on())
        off.push_back(name_of(*cell));
    }
    if (off.empty()) return;
    std::string names;
    for (size_t i = 0; i < off.size() && i < kMostNamed; ++i) names += (i ? ", " : "") + off[i];
    if (off.size() > kMostNamed) names += fmt::format(" and {} more", off.size() - kMostNamed);
    throw BadInput("--x-adv uint8: inputs of " + counted(int64_t(off.size()), "cell") +
                   " are no multiples of 1/255: " + names +
                   "; --quantise rounds them towards the clean images, --x-adv float32 keeps them");
  }

  fs::path artifact(const std::string& name) const {
    const fs::path file = records_.artifacts / name;
    if (records_.artifacts.empty() || name.empty() || !fs::exists(file))
      throw BadInput((records_.artifacts / (name.empty() ? "clean images" : name)).string() +
                     " is not there; --x-adv none exports the outcomes alone");
    return file;
  }

  /// [N, C, H, W] float32, in the order of the outcomes.
  static Tensor in_order(const results::KeptImages& images,
                         const std::vector<results::Outcome>& outcomes, const fs::path& file) {
    std::unordered_map<int64_t, int64_t> places;
    for (int64_t i = 0; i < images.index.size(0); ++i)
      places[images.index.const_data_ptr<int64_t>()[i]] = i;
    std::vector<int64_t> rows;
    for (const results::Outcome& outcome : outcomes) {
      const auto place = places.find(outcome.index);
      if (place == places.end())
        throw BadInput(file.string() + ": holds no image " + std::to_string(outcome.index));
      rows.push_back(place->second);
    }
    return results::KeptImages{images.x.index_select(0, torch::tensor(rows, torch::kLong)), {}}
        .pixels();
  }

  Tensor inputs_of(const results::CellRecord& cell,
                   const std::vector<results::Outcome>& outcomes) const {
    const fs::path file = artifact(cell.x_adv);
    return in_order(results::read_images(file, results::Kept::kAdversarial, cell.x_adv_sha256),
                    outcomes, file);
  }

  /// The clean images, float32 in [0, 1].
  Tensor clean_of(const std::vector<results::Outcome>& outcomes) const {
    const fs::path file = artifact(data_.images);
    if (!clean_) clean_ = results::read_images(file, results::Kept::kClean, data_.images_sha256);
    return in_order(*clean_, outcomes, file);
  }

  /// In 8 bits, no value further from the clean image than it was, but for rounding errors.
  Tensor rounded(const results::CellRecord& cell, const Tensor& x) const {
    const Grid grid(x);
    if (grid.all_on()) return grid.levels.to(torch::kByte);
    const Tensor clean = clean_of(records_.outcomes(cell));
    if (clean.sizes() != x.sizes() || !Grid(clean).all_on())
      throw BadInput("--quantise: the clean images of " + name_of(cell) +
                     " are no multiples of 1/255 themselves, so that rounding may leave the ball");
    const Tensor wide = x.to(torch::kDouble) * 255;
    const Tensor towards = torch::where(x > clean, wide.floor(), wide.ceil());
    // 0.2 + 8/255 is a multiple but for its last bits: that is no reason to lose a whole level.
    const Tensor levels = grid.levels.to(torch::kDouble);
    return torch::where((wide - levels).abs() < kRoundingError, levels, towards).to(torch::kByte);
  }

  Json head() const {
    Json out = {{"schema_version", kIndexSchema},
                {"suite", run_.suite},
                {"started", run_.started},
                {"complete", run_.complete},
                {"x_adv", word_for(kExportedInputs, options_.inputs)}};
    if (options_.inputs == ExportedInputs::kUint8)
      out["scale"] = "x_adv.astype('float32') / 255 are the inputs in [0, 1]";
    out["cells"] = Json::array();
    return out;
  }

  Json add(const results::CellRecord& cell, std::ofstream& table) {
    Json entry = {{"file", nullptr},
                  {"defense", cell.defense},
                  {"attack", cell.attack},
                  {"threat",
                   {{"name", cell.threat.name},
                    {"norm", cell.threat.norm},
                    {"epsilon", cell.threat.epsilon}}},
                  {"seed", cell.seed},
                  {"status", to_string(cell.status)},
                  {"reason", cell.reason},
                  {"flags", sentences(cell.flags)},
                  {"dataset", cell.dataset},
                  {"split", cell.split},
                  {"samples", cell.samples},
                  {"trials", cell.trials},
                  {"identity", cell.identity},
                  {"fingerprint", cell.fingerprint}};
    if (!has_result(cell)) return entry;
    const std::string file =
        fmt::format("cells/{:04}-{}.npz", ++files_,
                    slug_of(cell.defense.substr(0, 24) + " " + cell.attack.substr(0, 24) + " " +
                            cell.threat.name));
    entry["file"] = file;
    write_cell(cell, file, entry, table);
    return entry;
  }

  void write_cell(const results::CellRecord& cell, const std::string& file, Json& entry,
                  std::ofstream& table) const {
    const std::vector<results::Outcome> outcomes = records_.outcomes(cell);
    std::map<std::string, Tensor> arrays = {
        {"index", numbers(outcomes, &results::Outcome::index)},
        {"label", numbers(outcomes, &results::Outcome::label)},
        {"predicted", numbers(outcomes, &results::Outcome::predicted)},
        {"clean_right", numbers(outcomes, &results::Outcome::clean_right)},
        {"robust_right", numbers(outcomes, &results::Outcome::robust_right)},
        {"trials", torch::tensor(cell.trials)},
        {"margin", numbers(outcomes, &results::Outcome::margin)},
        {"distance", numbers(outcomes, &results::Outcome::distance)},
        {"queries", numbers(outcomes, &results::Outcome::queries)}};
    if (options_.inputs != ExportedInputs::kNone) {
      const Tensor x = inputs_of(cell, outcomes);
      const bool float32 = options_.inputs == ExportedInputs::kFloat32;
      arrays["x_adv"] = float32 ? x : rounded(cell, x);
      if (!float32) {
        const int64_t moved = (~Grid(x).is_on).sum().item<int64_t>();
        entry["rounded_values"] = moved;
        if (moved > 0)
          entry["note"] =
              "x_adv was rounded towards the clean images; outcomes, margin and "
              "distance are those of the float32 inputs before";
      }
    }
    write_npz(folder_ / file, arrays);
    for (const results::Outcome& o : outcomes) {
      CsvRow row;
      row << file << cell.defense << cell.attack << cell.threat.name << cell.threat.norm
          << cell.threat.epsilon << cell.seed << o.index << o.label << o.predicted << o.clean_right
          << o.robust_right << cell.trials << o.margin << o.distance << o.queries;
      table << row.line();
    }
  }

  const results::RunRecords& records_;
  results::Store::Run run_;  ///< its texts as long as reports keep them
  const results::Settings::Data data_ = results::settings_of(records_.run.settings).data;
  const fs::path& folder_;
  const ExportOptions& options_;
  std::vector<const results::CellRecord*> cells_;
  mutable std::optional<results::KeptImages> clean_;
  int64_t files_ = 0;
};

}  // namespace

ExportSummary export_run(const results::RunRecords& records, const fs::path& folder,
                         const ExportOptions& options) {
  return Exporter(records, folder, options).run();
}

}  // namespace gauntlet::reports::files
