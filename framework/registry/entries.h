// What entries of the registry say: plain data.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "data/formats/read_split.h"
#include "models/network.h"

namespace gauntlet::registry {

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
    data::DataFormat format;
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

/// What was trained beside the network: tensors of wrappers and of the training method.
struct LearnedEntry {
  std::filesystem::path weights;  ///< safetensors; empty: nothing was
  std::string sha256;
  std::vector<Use> plugins;  ///< wrappers whose tensors it holds, as "<plugin>.<name>"
  std::string method;        ///< whose tensors it holds, as "method:<name>"; empty: none
};

struct ModelEntry {
  std::string id;  ///< "fashion-mnist/at"; a suite's inline model: "inline:<file name>"
  std::string summary;
  std::string dataset;  ///< what it was trained for
  models::NetworkSpec network;
  std::vector<Use> layer_plugins;  ///< pni, cni, in order
  std::filesystem::path weights;   ///< of any kind that load_weights reads
  std::string sha256;              ///< of the weights file; empty only for inline models
  LearnedEntry learned;
  std::string licence, citation;
  std::vector<DeclaredAccuracy> accuracy;
  ParamMap training;          ///< provenance, shown in reports
  std::filesystem::path log;  ///< CSV of its training (registry/training_log.h); empty: none
  std::filesystem::path entry_file;
};

}  // namespace gauntlet::registry
