// A reader for each format of data sets; read_split() chooses.
#pragma once
#include "data/dataset.h"
#include "data/formats/split_files.h"

namespace gauntlet::data {

/// IDX images and labels, plain or .gz.
Dataset read_idx(const std::filesystem::path& images, const std::filesystem::path& labels,
                 int64_t classes, int64_t most_bytes = kNoLimit);
/// CIFAR batches of the binary or the Python version, read in the given order. label_bytes: 1 for
/// CIFAR-10; 2 for CIFAR-100, of which the second (fine) is the label.
Dataset read_cifar(const std::vector<std::filesystem::path>& batches, int64_t label_bytes,
                   int64_t classes, int64_t most_bytes = kNoLimit);
/// SVHN's cropped digits: a MATLAB 5 file of X [H, W, 3, N] uint8 and y [N, 1], where 10 is the
/// digit 0.
Dataset read_svhn(const std::filesystem::path& file, int64_t classes,
                  int64_t most_bytes = kNoLimit);
/// Arrays of images (uint8, or floats in [0, 1]) and labels in a .npz file.
Dataset read_npz_split(const SplitFiles& files);
/// PNG, JPEG, BMP and PNM files in a folder for each class, and in the folders in it; classes are
/// the folders in the order of `class_names` or else of their own, samples the files in the order
/// of theirs. Listed, hashed and held to their structure here, decoded on demand. Files that are
/// left out are counted in the remarks.
Dataset read_image_folder(const SplitFiles& split);

/// Writes images and labels as .gz IDX files (how the embedded subset was made).
void write_idx(const Dataset& data, const std::filesystem::path& images,
               const std::filesystem::path& labels);
}  // namespace gauntlet::data
