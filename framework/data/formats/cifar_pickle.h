#pragma once
#include <string>
#include <string_view>

#include "gauntlet/types.h"

namespace gauntlet::data {

/// Values of an image: 3 planes of 32 x 32.
constexpr int64_t kCifarValues = int64_t{3} * 32 * 32;

/// A batch of the Python version of CIFAR, as the bytes of a pickle begin and end.
bool is_cifar_pickle(std::string_view bytes);

struct CifarBatch {
  Tensor images;  ///< [N, 3, 32, 32] uint8
  Tensor labels;  ///< [N] int64
};

/// The pickled dict's 'data' and its labels under `key` ("labels", "fine_labels"). Nothing that a
/// pickle names is run. Throws BadInput, naming the file, for anything else.
CifarBatch read_cifar_pickle(std::string_view bytes, const std::string& key,
                             const std::string& file);

}  // namespace gauntlet::data
