// The two formats of torch.save: a zip file with data.pkl and one entry a storage, and the older
// row of pickles with the storages behind them.
#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "gauntlet/types.h"
#include "pickle/pickle.h"

namespace gauntlet::models {

/// The named tensors of a checkpoint and where they were found ("state_dict"; "": the root).
struct StateDict {
  std::string taken;
  std::map<std::string, size_t> tensors;  ///< an index into Unpickler::tensors()
};

/// The dict of named tensors below `root` that lies at `wanted`; where that is empty the largest,
/// those under the usual names first. Throws BadInput: none, or several as large.
StateDict find_state_dict(const pickle::Unpickler& pickle, uint32_t root,
                          const std::string& wanted);

/// Fills `taken` and returns the tensors. Views of one storage share its memory; a stride may be 0,
/// so that a tensor has more elements than the file. `checked`: whether the entries had checksums.
std::map<std::string, Tensor> read_pytorch_zip(const std::filesystem::path& path,
                                               const std::string& wanted, std::string& taken,
                                               bool& checked);
std::map<std::string, Tensor> read_pytorch_legacy(const std::filesystem::path& file,
                                                  const std::string& wanted, std::string& taken);
/// Whether a file begins with the pickled magic number of the older format.
bool looks_like_legacy(const std::filesystem::path& file);

}  // namespace gauntlet::models
