// The TOML of registry entries, parts of which suites may write inline.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "registry/entries.h"
#include "toml/toml_reader.h"

namespace gauntlet::registry {

/// The words of `format`.
inline constexpr Name<data::DataFormat> kDataFormats[] = {
    {"idx", data::DataFormat::kIdx},           {"cifar10", data::DataFormat::kCifar10},
    {"cifar100", data::DataFormat::kCifar100}, {"svhn", data::DataFormat::kSvhn},
    {"images", data::DataFormat::kImages},     {"npz", data::DataFormat::kNpz}};
/// Of npz: [N, C, H, W] or [N, H, W, C].
inline constexpr Name<bool> kLayouts[] = {{"nchw", false}, {"nhwc", true}};

/// What a network's mean and std may be: pixels are in [0, 1].
inline constexpr Range kMeans{-1, 1}, kDeviations{1e-6, 10};

/// Reads architecture, input, classes, mean and std; every key not asked for before or here is an
/// option of the architecture.
models::NetworkSpec read_network(toml::TableReader& table);
/// Keys of single formats: resize of images; layout, images_array and labels_array of npz.
void read_format_options(toml::TableReader& table, DatasetEntry::Split& split);
/// Plugins with parameters: [{ use = "pni", … }, …]. Only the form is checked.
std::vector<Use> read_uses(const toml::Toml& list, const std::string& what,
                           toml::Problems& problems);

/// What was trained beside a network; its file is looked for from `folder`. Whether the file is
/// there and has its sum is asked where a wrapper needs it (learned_tensors.h).
LearnedEntry read_learned(const toml::Toml& written, const std::filesystem::path& folder,
                          const std::string& what, toml::Problems& problems);

/// `id` is what the file's place says; the entry must say the same. Throw BadInput.
DatasetEntry read_dataset_entry(const std::filesystem::path& file, const std::string& id);
ModelEntry read_model_entry(const std::filesystem::path& file, const std::string& id);

}  // namespace gauntlet::registry
