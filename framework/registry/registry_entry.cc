#include "registry/registry_entry.h"

#include <algorithm>

#include "base/nearest_name.h"
#include "data/formats/read_split.h"
#include "registry/search_path.h"

namespace gauntlet::registry {
namespace {

void read_schema(toml::TableReader& entry) {
  int64_t schema = 0;
  if (entry.require("schema", schema) && schema != 1)
    entry.problem("schema", std::to_string(schema) + " is not known, expected 1");
}

void read_id(toml::TableReader& entry, const std::string& expected, std::string& id) {
  if (entry.require("id", id) && id != expected)
    entry.problem("id", "'" + id + "' does not match its file, expected '" + expected + "'");
}

void read_hash(toml::TableReader& table, std::string_view key, std::string& hash, bool required) {
  if (!(required ? table.require(key, hash) : table.read(key, hash))) return;
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (hash.size() != 64 || !std::all_of(hash.begin(), hash.end(), is_hex))
    table.problem(key, "'" + hash + "' is no SHA-256, expected 64 lower-case hex digits");
}

void read_shape(toml::TableReader& table, std::string_view key, std::vector<int64_t>& shape) {
  if (table.require(key, shape, Range{1, 65536}) && shape.size() != 3)
    table.problem(key, to_text(to_param(*table.any(key))) + " is no image shape, expected " +
                           "[channels, height, width]");
}

// Calls read(reader) for each table of a list.
template <class Read>
void for_each_table(toml::TableReader& parent, std::string_view key, toml::Problems& problems,
                    const Read& read) {
  const toml::Toml* list = parent.list(key);
  if (!list) return;
  for (const toml::Toml& item : *list->get<toml::Toml::List>()) {
    toml::TableReader reader(item, parent.what() + ": " + std::string(key), problems);
    read(reader);
    reader.finish();
  }
}

// Addresses, and the sum and size that what they give is held to.
void read_urls(toml::TableReader& table, std::vector<std::string>& urls, int64_t& bytes,
               bool has_hash) {
  table.read("bytes", bytes, Range{1, 1e15});
  if (!table.read("urls", urls)) return;
  for (const std::string& url : urls)
    if (!url.starts_with("https://") && !url.starts_with("http://"))
      table.problem("urls", "'" + url + "' is no http or https address");
  if (!has_hash) table.missing("sha256", "the sum that a download is checked with");
}

// How many files a split of this format has.
void check_file_count(toml::TableReader& reader, const DatasetEntry::Split& split) {
  const std::string listed = std::to_string(split.files.size()) + " listed, expected ";
  switch (split.format) {
    case data::DataFormat::kIdx:
      if (split.files.size() != 2) reader.problem("files", listed + "two: images, then labels");
      break;
    case data::DataFormat::kCifar10:
    case data::DataFormat::kCifar100:
      if (split.files.empty())
        reader.problem("files", "none listed, expected the batches in order");
      break;
    case data::DataFormat::kSvhn:
    case data::DataFormat::kImages:
    case data::DataFormat::kNpz:
      if (split.files.size() != 1)
        reader.problem("files", listed + (split.format == data::DataFormat::kImages
                                              ? "one: the folder of the classes' folders"
                                              : "one"));
      break;
  }
}

bool leaves_its_folder(const std::filesystem::path& path) {
  return path.is_absolute() || std::count(path.begin(), path.end(), "..") > 0;
}

DatasetEntry::Split read_split(const toml::Toml& table, const std::string& name,
                               const DatasetEntry& entry, toml::Problems& problems) {
  toml::TableReader reader(table, "split '" + name + "'", problems);
  DatasetEntry::Split split;
  split.name = name;
  split.format = data::DataFormat::kIdx;
  reader.choose("format", split.format, kDataFormats, true);
  reader.require("samples", split.samples, Range{1, 999'999'999});
  for_each_table(reader, "files", problems, [&](toml::TableReader& file) {
    DatasetEntry::DataFile out;
    std::string path;
    file.require("path", path);
    out.path = path;
    out.folders = entry.folders;
    read_hash(file, "sha256", out.sha256, false);
    read_hash(file, "content_sha256", out.content_sha256, false);
    read_urls(file, out.urls, out.bytes, out.has_sum());
    if (leaves_its_folder(out.path) && !(out.urls.empty() && entry.archive.urls.empty()))
      file.problem("path", "'" + path + "' leaves the folder that downloads go to");
    out.folder = split.format == data::DataFormat::kImages;
    out.dataset = entry.id;
    out.beside = entry.entry_file.parent_path();
    split.files.push_back(std::move(out));
  });
  if (!reader.has("files")) {
    reader.missing("files", "a list of { path = \"…\", sha256 = \"…\" }");
  } else {
    check_file_count(reader, split);
  }
  read_format_options(reader, split);
  reader.finish();
  return split;
}
// Values that were meant for pixels of 0 to 255 fit no image here.
void check_pixels(toml::TableReader& table, std::string_view key, const std::vector<double>& values,
                  Range range) {
  for (const double value : values) {
    if (value >= range.min && value <= range.max) continue;
    if (value <= 0 && range.min >= 0) continue;  // said already
    const std::string text = to_text(ParamValue(value));
    table.problem(
        key, text + " is not in [" + to_text(ParamValue(range.min)) + ", " +
                 to_text(ParamValue(range.max)) + "]" +
                 (value > range.max ? "; pixels are in [0, 1], write \"" + text + "/255\"" : ""));
    return;
  }
}
}  // namespace

void read_format_options(toml::TableReader& table, DatasetEntry::Split& split) {
  if (split.format == data::DataFormat::kImages)
    table.read("resize", split.resize, Range{1, 65536});
  if (split.format != data::DataFormat::kNpz) return;
  table.choose("layout", split.channels_last, kLayouts);
  table.read("images_array", split.images_array);
  table.read("labels_array", split.labels_array);
}

models::NetworkSpec read_network(toml::TableReader& table) {
  models::NetworkSpec spec;
  table.require("architecture", spec.architecture);
  read_shape(table, "input", spec.input);
  table.require("classes", spec.classes, Range{2, 999'999});
  if (table.read("mean", spec.mean)) check_pixels(table, "mean", spec.mean, kMeans);
  if (table.read("std", spec.std)) {
    for (const double value : spec.std)
      if (!(value > 0)) table.problem("std", "every value must be above 0");
    check_pixels(table, "std", spec.std, kDeviations);
  }
  const auto check_length = [&](std::string_view key, const std::vector<double>& values) {
    if (table.has(key) && spec.input.size() == 3 && int64_t(values.size()) != spec.input[0])
      table.problem(key, std::to_string(values.size()) + " values for " +
                             std::to_string(spec.input[0]) + " channels, expected one for each");
  };
  check_length("mean", spec.mean);
  check_length("std", spec.std);
  if (table.has("mean") != table.has("std"))
    table.missing(table.has("mean") ? "std" : "mean", "a list of numbers, one for each channel");
  spec.options = table.rest();
  // What is taken for an option of the architecture may be a key that is missing.
  std::vector<std::string> missing;
  for (const char* key : {"architecture", "classes", "input", "weights"})
    if (!table.has(key)) missing.emplace_back(key);
  for (const auto& [name, value] : spec.options) {
    if (const std::string near = nearest_name(name, missing); !near.empty())
      table.problem(name, "is no option, did you mean '" + near + "'?");
  }
  return spec;
}

std::vector<Use> read_uses(const toml::Toml& list, const std::string& what,
                           toml::Problems& problems) {
  std::vector<Use> out;
  for (const toml::Toml& item : *list.get<toml::Toml::List>()) {
    toml::TableReader reader(item, what, problems);
    Use use;
    reader.require("use", use.plugin);
    use.with = reader.rest();
    out.push_back(std::move(use));
  }
  return out;
}

DatasetEntry read_dataset_entry(const std::filesystem::path& file, const std::string& id) {
  const toml::Toml toml = toml::read_toml(file);
  toml::Problems problems;
  toml::TableReader reader(toml, "data set '" + id + "'", problems);
  DatasetEntry entry;
  entry.entry_file = file;
  read_schema(reader);
  read_id(reader, id, entry.id);
  reader.read("title", entry.title);
  reader.read("licence", entry.licence);
  reader.read("citation", entry.citation);
  reader.read("homepage", entry.homepage);
  reader.read("obtain", entry.obtain);
  reader.read("folders", entry.folders);
  reader.read("subset_of", entry.embedded_of);
  if (reader.require("classes", entry.class_names) && entry.class_names.size() < 2)
    reader.problem("classes", "expected the names of at least two classes, in label order");
  entry.classes = int64_t(entry.class_names.size());
  read_shape(reader, "shape", entry.shape);
  if (const toml::Toml* archive = reader.table("archive")) {
    toml::TableReader table(*archive, "archive", problems);
    read_hash(table, "sha256", entry.archive.sha256, true);
    read_urls(table, entry.archive.urls, entry.archive.bytes, true);
    table.read("strip", entry.archive.strip, Range{0, 16});
    if (entry.archive.urls.empty()) table.missing("urls", "the addresses of the archive");
    table.finish();
  }
  if (const toml::Toml* splits = reader.table("split"))
    for (const auto& member : *splits->get<toml::Toml::Table>())
      entry.splits.push_back(read_split(member.value, member.key, entry, problems));
  if (entry.splits.empty()) reader.missing("split", "a table such as [split.test]");
  reader.finish();
  problems.throw_if_any();
  return entry;
}

LearnedEntry read_learned(const toml::Toml& written, const std::filesystem::path& folder,
                          const std::string& what, toml::Problems& problems) {
  toml::TableReader table(written, what, problems);
  LearnedEntry out;
  std::string weights;
  if (table.require("weights", weights)) out.weights = find_weights(weights, folder);
  read_hash(table, "sha256", out.sha256, true);
  if (const toml::Toml* plugins = table.list("plugins"))
    out.plugins = read_uses(*plugins, what + ": plugins", problems);
  table.read("method", out.method);
  table.finish();
  return out;
}

ModelEntry read_model_entry(const std::filesystem::path& file, const std::string& id) {
  const toml::Toml toml = toml::read_toml(file);
  toml::Problems problems;
  toml::TableReader reader(toml, "model '" + id + "'", problems);
  ModelEntry entry;
  entry.entry_file = file;
  read_schema(reader);
  read_id(reader, id, entry.id);
  reader.read("summary", entry.summary);
  reader.require("dataset", entry.dataset);
  reader.read("licence", entry.licence);
  reader.read("citation", entry.citation);
  std::string weights;
  if (reader.require("weights", weights)) entry.weights = find_weights(weights, file.parent_path());
  read_hash(reader, "sha256", entry.sha256, true);
  std::string log;
  if (reader.read("log", log)) entry.log = file.parent_path() / log;
  if (const toml::Toml* network = reader.table("network")) {
    toml::TableReader table(*network, "network", problems);
    entry.network = read_network(table);
  } else if (!reader.has("network")) {
    reader.missing("network", "a table with architecture, input and classes");
  }
  if (const toml::Toml* plugins = reader.list("layer_plugins"))
    entry.layer_plugins = read_uses(*plugins, "layer_plugins", problems);
  if (const toml::Toml* learned = reader.table("learned"))
    entry.learned = read_learned(*learned, file.parent_path(), "learned", problems);
  for_each_table(reader, "accuracy", problems, [&](toml::TableReader& table) {
    DeclaredAccuracy declared;
    table.require("dataset", declared.dataset);
    table.read("split", declared.split);
    table.require("samples", declared.samples, Range{1, 999'999'999});
    if (table.require("correct", declared.correct, Range{0, 999'999'999}) &&
        declared.correct > declared.samples)
      table.problem("correct", std::to_string(declared.correct) + " of " +
                                   std::to_string(declared.samples) + " cannot be");
    entry.accuracy.push_back(std::move(declared));
  });
  if (const toml::Toml* training = reader.table("training"))
    entry.training = *to_param(*training).get<ParamMap>();
  reader.finish();
  problems.throw_if_any();
  return entry;
}

}  // namespace gauntlet::registry
