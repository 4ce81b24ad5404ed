// What wrappers were fitted to, in files beside the store, so that the next run need not fit again.
#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "gauntlet/types.h"

namespace gauntlet::results {

/// A wrapper's Fits::state.
using FittedState = std::map<std::string, Tensor>;

/// Processes may share the folder: files appear whole, and equal names hold equal values.
class FittedStates {
 public:
  /// `remark` is told a sentence for each file that is of no use, or cannot be written.
  FittedStates(std::filesystem::path folder, std::function<void(const std::string&)> remark)
      : folder_(std::move(folder)), remark_(std::move(remark)) {}

  /// What keep() was given under this identity, which is of all that it was fitted on; bit for bit.
  /// What did not lie on the CPU is put on `device`. nullopt: nothing, or not what was written.
  std::optional<FittedState> find(const std::string& identity, at::Device device) const;
  /// Nothing is kept of tensors that a file would not give back as they are: sparse or half ones,
  /// views that are not contiguous.
  void keep(const std::string& identity, const FittedState& state) const;

 private:
  std::filesystem::path file_of(const std::string& identity) const;

  std::filesystem::path folder_;
  std::function<void(const std::string&)> remark_;
};

}  // namespace gauntlet::results
