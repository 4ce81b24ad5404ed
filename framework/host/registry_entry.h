// The TOML of registry entries, parts of which suites may write inline.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "host/registry.h"
#include "host/toml_reader.h"

namespace gauntlet {

/// The words of `format`.
inline const std::initializer_list<std::pair<std::string_view, DataFormat>> kDataFormats = {
    {"idx", DataFormat::kIdx},           {"cifar10", DataFormat::kCifar10},
    {"cifar100", DataFormat::kCifar100}, {"svhn", DataFormat::kSvhn},
    {"images", DataFormat::kImages},     {"npz", DataFormat::kNpz}};
/// Of npz: [N, C, H, W] or [N, H, W, C].
inline const std::initializer_list<std::pair<std::string_view, bool>> kLayouts = {{"nchw", false},
                                                                                  {"nhwc", true}};

/// What a network's mean and std may be: pixels are in [0, 1].
inline constexpr Range kMeans{-1, 1}, kDeviations{1e-6, 10};

/// Reads architecture, input, classes, mean and std; every key not asked for before or here is an
/// option of the architecture.
NetworkSpec read_network(TableReader& table);
/// Keys of single formats: resize of images; layout, images_array and labels_array of npz.
void read_format_options(TableReader& table, DatasetEntry::Split& split);
/// Plugins with parameters: [{ use = "pni", … }, …]. Only the form is checked.
std::vector<Use> read_uses(const Toml& list, const std::string& what, Problems& problems);

/// `id` is what the file's place says; the entry must say the same. Throw BadInput.
DatasetEntry read_dataset_entry(const std::filesystem::path& file, const std::string& id);
ModelEntry read_model_entry(const std::filesystem::path& file, const std::string& id);

}  // namespace gauntlet
