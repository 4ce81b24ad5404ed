// Precompiled for every translation unit of ours: LibTorch's headers cost 7 s, this way 2. Sources
// include what they use all the same.
#pragma once
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>
#include <torch/version.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>
