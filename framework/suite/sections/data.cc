// Sections data, threat and scoring.
#include <algorithm>
#include <numeric>
#include <set>

#include "data/formats/read_split.h"
#include "registry/registry_entry.h"
#include "suite/names.h"
#include "suite/radius.h"
#include "suite/sections/sections.h"

namespace gauntlet::suite {
namespace {
namespace fs = std::filesystem;

class DataReader {
 public:
  DataReader(const toml::Toml& table, SuiteContext& context)
      : reader_(table, "data", context.problems), context_(context) {}

  std::optional<DataSpec> read() {
    if (reader_.has("path") && reader_.has("dataset"))
      reader_.problem("path", "'path' and 'dataset' cannot both be given");
    if (reader_.has("path")) {
      read_path();
    } else {
      read_dataset();
    }
    read_selection();
    reader_.finish();
    if (spec_.indices.empty() || spec_.entry.shape.empty()) return {};
    return spec_;
  }

 private:
  void read_dataset() {
    reader_.read("split", spec_.split);
    if (!reader_.require("dataset", spec_.dataset)) return;
    const std::vector<std::string> ids = context_.registry.dataset_ids();
    if (!std::binary_search(ids.begin(), ids.end(), spec_.dataset)) {
      reader_.problem("dataset",
                      "the registry has no data set '" + spec_.dataset + "'" +
                          (ids.empty() ? "; it is empty" : suggestion(spec_.dataset, ids)));
      return;
    }
    try {
      spec_.entry = context_.registry.dataset(spec_.dataset);
    } catch (const BadInput& error) {
      context_.problems.add(error);
      return;
    }
    const registry::DatasetEntry::Split* split = spec_.entry.find_split(spec_.split);
    if (!split) {
      reader_.problem(reader_.has("split") ? "split" : "dataset",
                      "data set '" + spec_.dataset + "' has no split '" + spec_.split + "'" +
                          suggestion(spec_.split, spec_.entry.split_names()));
      return;
    }
    available_ = split->samples;
    if (!context_.needs_data) return;
    for (const registry::DatasetEntry::DataFile& file : split->files)
      if (!context_.registry.find(file)) {
        reader_.problem("dataset", context_.registry.absent_data(spec_.entry, file));
        return;
      }
  }

  // Files of the person's own, as an entry of their own.
  void read_path() {
    registry::DatasetEntry::Split split;
    split.name = spec_.split = "test";
    split.format = data::DataFormat::kIdx;
    const bool formatted = reader_.choose("format", split.format, registry::kDataFormats, true);
    const bool idx = split.format == data::DataFormat::kIdx;
    std::vector<std::string> names;
    reader_.any("labels");
    if (const toml::Toml* path = reader_.any("path"); path->get<std::string>()) {
      names = {*path->get<std::string>()};
    } else {
      reader_.read("path", names);
    }
    if (formatted && idx) {
      if (std::string labels; reader_.require("labels", labels)) names.push_back(labels);
      if (names.size() > 2)
        reader_.problem("path", "expected one file of images; their labels go to 'labels'");
    }
    if (takes_one_file(split.format) && names.size() > 1)
      reader_.problem("path", "expected one file or folder");
    bool all_there = names.size() > (idx ? 1 : 0);
    for (const std::string& name : names) all_there &= add_file(split, name, formatted);
    read_classes(split.format);
    read_format_options(reader_, split);
    reader_.any("shape");  // known, whether or not there is something to hold it against
    const bool counted = spec_.entry.classes > 0 || split.format == data::DataFormat::kImages;
    if (!formatted || !all_there || !counted || split.files.size() > (idx ? 2u : 2000u)) return;
    spec_.dataset = spec_.entry.id = "inline:" + fs::path(names.front()).filename().string();
    for (auto& file : split.files) file.dataset = spec_.entry.id;
    spec_.entry.title = names.front();
    measure(split);
    available_ = split.samples;
    spec_.entry.splits = {split};
  }

  static bool takes_one_file(data::DataFormat format) {
    return format == data::DataFormat::kSvhn || format == data::DataFormat::kImages ||
           format == data::DataFormat::kNpz;
  }

  bool add_file(registry::DatasetEntry::Split& split, const std::string& name, bool formatted) {
    const bool is_label = split.format == data::DataFormat::kIdx && !split.files.empty();
    const std::string key = is_label ? "labels" : "path";
    registry::DatasetEntry::DataFile file;
    file.path = name;
    file.folder = split.format == data::DataFormat::kImages;
    file.beside = context_.plugins.folder_of(reader_.at(key));
    // Without a format it may be a file or a folder.
    if (!formatted && fs::is_directory(file.beside / name)) return true;
    if (const auto found = context_.registry.find(file)) {
      file.path = *found, file.beside.clear();  // found once: this very file is read
      split.files.push_back(file);
      return true;
    }
    reader_.problem(key, std::string("there is no ") + (file.folder ? "folder " : "file ") +
                             (file.beside / name).lexically_normal().string());
    return false;
  }

  // `classes`: how many, or their names.
  void read_classes(data::DataFormat format) {
    registry::DatasetEntry& entry = spec_.entry;
    const toml::Toml* classes = reader_.any("classes");
    if (classes && classes->get<toml::Toml::List>()) {
      if (reader_.read("classes", entry.class_names))
        entry.classes = int64_t(entry.class_names.size());
      return;
    }
    const Range range{2, 999'999};
    if (format == data::DataFormat::kIdx || format == data::DataFormat::kNpz) {
      reader_.require("classes", entry.classes, range);
    } else {
      entry.classes = format == data::DataFormat::kImages     ? 0  // one for each folder
                      : format == data::DataFormat::kCifar100 ? 100
                                                              : 10;
      reader_.read("classes", entry.classes, range);
    }
    if (format == data::DataFormat::kImages) return;  // whose folders have names
    for (int64_t i = 0; i < entry.classes; ++i) entry.class_names.push_back(std::to_string(i));
  }

  // Counts and shape come from reading: what the heads of files say may be anything.
  void measure(registry::DatasetEntry::Split& split) {
    registry::DatasetEntry& entry = spec_.entry;
    const bool folder = split.format == data::DataFormat::kImages;
    if (folder &&
        (!reader_.require("shape", entry.shape, Range{1, 65536}) || entry.shape.size() != 3)) {
      entry.shape.clear();
      return;
    }
    data::SplitFiles files = files_of(entry, split);
    for (const auto& file : split.files) files.paths.push_back(file.path);
    try {
      const data::Dataset data = read_split(files);
      split.samples = data.size();
      if (folder) check_names(data.class_names);
      check_shape(data.image_shape());
    } catch (const BadInput& error) {
      entry.shape.clear();
      reader_.any("shape");  // known, but there is nothing to hold it against
      reader_.problem("path", error.what());
    }
  }

  // Names give the order of a folder's classes, so each must be one of them.
  void check_names(const std::vector<std::string>& folders) {
    registry::DatasetEntry& entry = spec_.entry;
    std::string names;
    for (const std::string& name : folders) names += (names.empty() ? "" : ", ") + name;
    if (!entry.class_names.empty() && entry.class_names != folders)
      reader_.problem("classes", "these are not the names of the folders, which are " + names);
    entry.class_names = folders;
    entry.classes = int64_t(folders.size());
  }

  void check_shape(const std::vector<int64_t>& shape) {
    std::vector<int64_t> declared = shape;
    if (reader_.read("shape", declared, Range{1, 65536}) && declared != shape)
      reader_.problem("shape", to_text(to_param(*reader_.any("shape"))) +
                                   " is not the shape of the images in the file");
    spec_.entry.shape = shape;
  }

  void read_selection() {
    int64_t samples = 0, offset = 0;
    reader_.read("offset", offset, Range{0, 999'999'999});
    const bool counted = reader_.read("samples", samples, Range{1, 999'999'999});
    const bool listed = reader_.read("indices", spec_.indices, Range{0, 999'999'999});
    if (reader_.has("samples") && reader_.has("indices"))
      reader_.problem("indices", "'samples' and 'indices' cannot both be given");
    if (offset > 0 && reader_.has("indices"))
      reader_.problem("indices", "'offset' and 'indices' cannot both be given");
    if (listed) {
      check_indices();
      return;
    }
    if (reader_.has("indices") || available_ == 0) return;
    const std::string size = std::to_string(available_) + " samples of split '" + spec_.split + "'";
    if (offset >= available_) {
      reader_.problem("offset", std::to_string(offset) + " leaves none of the " + size);
      offset = 0;
    } else if (counted && samples > available_ - offset) {
      reader_.problem(
          "samples",
          std::to_string(samples) + " is more than the " +
              (offset ? std::to_string(available_ - offset) + " behind 'offset' of the " : "") +
              size);
    }
    const int64_t left = available_ - offset;
    spec_.indices.resize(size_t(counted ? std::min(samples, left) : left));
    std::iota(spec_.indices.begin(), spec_.indices.end(), offset);
  }

  void check_indices() {
    if (spec_.indices.empty()) reader_.problem("indices", "is empty, expected at least one");
    std::set<int64_t> seen;
    for (const int64_t index : spec_.indices) {
      if (available_ > 0 && index >= available_) {
        reader_.problem("indices", std::to_string(index) + " is not in split '" + spec_.split +
                                       "', which has " + std::to_string(available_) + " samples");
        return;
      }
      if (!seen.insert(index).second) {
        reader_.problem("indices", std::to_string(index) + " is listed twice");
        return;
      }
    }
  }

  toml::TableReader reader_;
  SuiteContext& context_;
  DataSpec spec_;
  int64_t available_ = 0;  // samples in the split; 0: unknown
};
}  // namespace

std::optional<DataSpec> read_data(const toml::Toml& table, SuiteContext& context) {
  return DataReader(table, context).read();
}

std::vector<ThreatSpec> read_threats(const toml::Toml& table, SuiteContext& context) {
  std::vector<ThreatSpec> out;
  for (const auto& member : *table.get<toml::Toml::Table>()) {
    toml::TableReader reader(member.value, "threat '" + member.key + "'", context.problems);
    if (!member.value.get<toml::Toml::Table>()) continue;
    out.push_back(read_threat(reader, member.key, context.shape));
  }
  if (table.get<toml::Toml::Table>()->empty())
    context.problems.add(table.position, "threat: is empty, expected at least one");
  return out;
}

int64_t Scoring::trials_of(int64_t mc_samples, bool shares_draws) const {
  constexpr int64_t kDraws = 512, kLeast = 3;
  if (trials > 0) return trials;
  const int64_t wanted = draws > 0 ? draws : kDraws;
  const int64_t least = draws > 0 ? 1 : shares_draws ? kLeastShared : kLeast;
  return std::max(least, (wanted + mc_samples - 1) / mc_samples);
}

Scoring read_scoring(const toml::Toml& table, SuiteContext& context) {
  toml::TableReader reader(table, "scoring", context.problems);
  Scoring scoring;
  reader.read("trials", scoring.trials, Range{1, 999'999});
  reader.read("draws", scoring.draws, Range{1, 999'999});
  if (scoring.trials > 0 && scoring.draws > 0)
    reader.problem("draws", "`draws` and `trials` are both given; keep one");
  reader.choose("success", scoring.success, kSuccesses);
  reader.finish();
  return scoring;
}

}  // namespace gauntlet::suite
