// Files of images beside the store, which records name: one reader and one writer.
#pragma once
#include <filesystem>
#include <string>

#include "gauntlet/types.h"

namespace gauntlet::results {

/// Images and which samples of the data set's split they are.
struct KeptImages {
  Tensor x;           ///< [N, C, H, W] float32 in [0, 1], or uint8
  Tensor index;       ///< [N] int64
  Tensor label = {};  ///< [N] int64, of clean images, where it is kept

  /// float32 in [0, 1].
  Tensor pixels() const;
};

/// What a file holds: "x_adv" and "index", or "x", "index" and mostly "label".
enum class Kept { kAdversarial, kClean };

/// Writes atomically, and makes the folder where it was removed. Returns the file's SHA-256.
std::string write_images(const std::filesystem::path& file, Kept kept, const KeptImages& images);

/// `expected`: SHA-256 of the file when the record that names it was written; "" in records of
/// older stores, which believe the file. Throws BadInput, one sentence: the file, what was
/// expected, what stands there instead.
KeptImages read_images(const std::filesystem::path& file, Kept kept, const std::string& expected);
/// The same of the content of such a file; `name` is what messages call it.
KeptImages parse_images(const std::string& bytes, Kept kept, const std::string& name);

/// Why read_images() would refuse the file, without its folder, or "" where it is as it was
/// written.
std::string artifact_problem(const std::filesystem::path& file, const std::string& expected);

}  // namespace gauntlet::results
