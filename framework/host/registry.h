// What ships beside the program: data sets and models, each a TOML file with hashes.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "models/network.h"

namespace gauntlet {

struct DatasetEntry {
  std::string id, title, licence, citation, homepage;
  int64_t classes = 0;
  std::vector<int64_t> shape;  ///< [C, H, W]
  std::vector<std::string> class_names;
  struct DataFile {
    std::filesystem::path path;        ///< relative to the entry or a data root, or absolute
    std::string sha256;                ///< of the file as it lies there; empty: not checked
    std::string content_sha256;        ///< of what a .gz unpacks to; empty: not checked
    std::string dataset;               ///< id: a folder below the data roots
    std::vector<std::string> folders;  ///< others below the data roots, as archives name them
    std::filesystem::path beside;      ///< the entry's folder, looked in first
    bool folder = false;               ///< of images, in folders of classes
    int64_t bytes = 0;                 ///< of the file at the urls, or as it lies there; 0: unknown
    std::vector<std::string> urls;     ///< official address, then mirrors

    bool has_sum() const { return !sha256.empty() || !content_sha256.empty(); }
  };
  struct Split {
    std::string name;  ///< "test", "train"
    DataFormat format;
    std::vector<DataFile> files;  ///< IDX: images, labels. CIFAR: batches in order. Others: one
    int64_t samples = 0;
    int64_t resize = 0;          ///< images: length of the shorter side before the crop
    bool channels_last = false;  ///< npz
    std::string images_array = "x", labels_array = "y";  ///< npz
  };
  std::vector<Split> splits;
  /// A .tar.gz that holds the files.
  struct Archive {
    std::vector<std::string> urls;  ///< official address, then mirrors; empty: there is none
    std::string sha256;
    int64_t bytes = 0;
    int64_t strip = 0;  ///< leading folders of its names that are left out
  } archive;
  std::string embedded_of;  ///< id of the data set this is a subset of; labels and classes agree
  std::string obtain;       ///< how to get absent files, one sentence
  std::vector<std::string> folders;  ///< its names below data roots besides its id
  std::filesystem::path entry_file;

  const Split* find_split(std::string_view name) const;
  std::vector<std::string> split_names() const;
};

/// Accuracy a model entry declares for its bare weights.
struct DeclaredAccuracy {
  std::string dataset, split = "test";
  int64_t samples = 0;  ///< the first N of the split
  int64_t correct = 0;
};

struct ModelEntry {
  std::string id;  ///< "fashion-mnist/at"; a suite's inline model: "inline:<file name>"
  std::string summary;
  std::string dataset;  ///< what it was trained for
  NetworkSpec network;
  std::vector<Use> layer_plugins;  ///< pni, cni, in order
  std::filesystem::path weights;   ///< of any kind that load_weights reads
  std::string sha256;              ///< of the weights file; empty only for inline models
  std::string licence, citation;
  std::vector<DeclaredAccuracy> accuracy;
  ParamMap training;          ///< provenance, shown in reports
  std::filesystem::path log;  ///< CSV of its training (host/training_log.h); empty: none
  std::filesystem::path entry_file;
};

/// What a reader of data needs of an entry; the paths are still to be added.
SplitFiles files_of(const DatasetEntry& entry, const DatasetEntry::Split& split);
/// A file of a data set below a folder of data, or nullopt.
std::optional<std::filesystem::path> find_below(const std::filesystem::path& root,
                                                const DatasetEntry::DataFile& file);

/// All entries below a registry folder, parsed when asked for.
class Registry {
 public:
  /// Missing folders are an empty registry. `data_roots`: where data files are looked for, in
  /// order.
  Registry(std::filesystem::path folder, std::vector<std::filesystem::path> data_roots);

  std::vector<std::string> dataset_ids() const;
  std::vector<std::string> model_ids() const;
  /// Throws BadInput: unknown id (with the nearest one), or a malformed entry (file, line, column).
  DatasetEntry dataset(const std::string& id) const;
  ModelEntry model(const std::string& id) const;
  /// Throws BadInput where the file that was found is not the one the entry declares. False: no sum
  /// is known that would tell, neither the entry's nor that of a verified archive's manifest.
  bool verify(const DatasetEntry& entry, const DatasetEntry::DataFile& file,
              const std::filesystem::path& found) const;
  /// Where a file of a data set lies, or nullopt if none of the roots has it.
  std::optional<std::filesystem::path> find(const DatasetEntry::DataFile& file) const;
  /// Reads and verifies. BadInput says which file is absent, where it was looked for, and how to
  /// get it.
  Dataset load(const std::string& id, const std::string& split) const;
  /// The same for an entry that need not be of this registry (a suite's `path`).
  Dataset load(const DatasetEntry& entry, const std::string& split) const;
  /// Why a file cannot be read: the places it was looked for in, one a line, and how to get it.
  std::string absent_data(const DatasetEntry& entry, const DatasetEntry::DataFile& file) const;
  /// Every folder find() looks in, in order.
  std::vector<std::filesystem::path> places(const DatasetEntry::DataFile& file) const;

 private:
  std::filesystem::path folder_;
  std::vector<std::filesystem::path> data_roots_;
};

/// Where data is looked for: --data, GAUNTLET_DATA, ../shared/data of the source tree if present,
/// the XDG cache, Debian's data set packages. Flag and variable may hold several, colon-separated.
std::vector<std::filesystem::path> data_search_path(const std::string& flag);
/// The first of --data, GAUNTLET_DATA and the XDG cache that can be written to, made if need be.
/// Throws BadInput if none can.
std::filesystem::path writable_data_root(const std::string& flag);
/// Where weights that do not lie beside the entry or suite are looked for: GAUNTLET_WEIGHTS
/// (colon-separated); where it is not set, ../shared/weights of the source tree if present.
std::vector<std::filesystem::path> weights_search_path();
/// `name` in `beside`, else below weights_search_path(); where it is nowhere, in `beside`.
std::filesystem::path find_weights(const std::filesystem::path& name,
                                   const std::filesystem::path& beside);
/// Why these weights cannot be read, one sentence: where they were looked for and what to do.
std::string absent_weights(const ModelEntry& model);
/// The registry folder: GAUNTLET_REGISTRY, that of the source tree, or the installed one.
std::filesystem::path default_registry();

}  // namespace gauntlet
