#include "results/fitted_states.h"

#include <algorithm>
#include <cstring>

#include "base/bad_input.h"
#include "base/sha256.h"
#include "base/whole_file.h"
#include "models/weights/safetensors.h"

namespace gauntlet::results {
namespace {
namespace fs = std::filesystem;

// Names in the file. A state's tensor says where it lay: there it is put again.
constexpr const char *kIdentity = "identity", *kSum = "sum", *kOnCpu = "cpu.",
                     *kOnDevice = "device.";

Tensor tensor_of(const std::string& text) {
  Tensor out = torch::empty({int64_t(text.size())}, torch::kByte);
  std::memcpy(out.mutable_data_ptr(), text.data(), text.size());
  return out;
}

std::string raw_bytes(const Tensor& tensor) {
  return {static_cast<const char*>(tensor.const_data_ptr()), size_t(tensor.nbytes())};
}

// Over all that a file says, beside the sum itself.
std::string digest_of(const std::map<std::string, Tensor>& tensors) {
  Sha256 digest;
  const auto add = [&](const std::string& text) {
    digest.add(std::to_string(text.size()) + ":");
    digest.add(text);
  };
  for (const auto& [name, tensor] : tensors) {
    if (name == kSum) continue;
    add(name), add(c10::toString(tensor.scalar_type()));
    for (const int64_t size : tensor.sizes()) add(std::to_string(size));
    add(raw_bytes(tensor));
  }
  return digest.hex();
}

bool can_be_kept(const Tensor& t) {
  constexpr at::ScalarType kWritten[] = {at::kFloat, at::kDouble, at::kLong,
                                         at::kInt,   at::kByte,   at::kBool};
  return t.defined() && t.layout() == torch::kStrided && t.is_contiguous() && !t.requires_grad() &&
         std::find(std::begin(kWritten), std::end(kWritten), t.scalar_type()) != std::end(kWritten);
}

// The state of a file, on the CPU; none where it is not what was written under this identity.
std::optional<std::map<std::string, Tensor>> sound(const std::string& bytes,
                                                   const std::string& identity) {
  std::map<std::string, Tensor> tensors;
  try {
    tensors = models::parse_safetensors(bytes, "");
  } catch (const BadInput&) {
    return std::nullopt;
  }
  const auto says = [&](const char* name, const std::string& expected) {
    const auto found = tensors.find(name);
    return found != tensors.end() && found->second.scalar_type() == at::kByte &&
           raw_bytes(found->second) == expected;
  };
  if (!says(kIdentity, identity) || !says(kSum, digest_of(tensors))) return std::nullopt;
  tensors.erase(kIdentity), tensors.erase(kSum);
  return tensors;
}
}  // namespace

fs::path FittedStates::file_of(const std::string& identity) const {
  return folder_ / ("fitted-" + identity.substr(0, 32) + ".safetensors");
}

std::optional<FittedState> FittedStates::find(const std::string& identity,
                                              at::Device device) const {
  const fs::path file = file_of(identity);
  std::error_code error;
  if (!fs::exists(file, error)) return std::nullopt;
  std::optional<std::map<std::string, Tensor>> tensors;
  try {
    tensors = sound(whole_file(file), identity);
  } catch (const BadInput&) {  // it cannot be read
  }
  if (!tensors) {
    remark_(file.string() + " is not as a run wrote it; its wrapper is fitted again");
    return std::nullopt;
  }
  FittedState out;
  for (const auto& [name, tensor] : *tensors) {
    const bool on_cpu = name.starts_with(kOnCpu);
    out[name.substr(std::strlen(on_cpu ? kOnCpu : kOnDevice))] =
        on_cpu ? tensor : tensor.to(device);
  }
  return out;
}

void FittedStates::keep(const std::string& identity, const FittedState& state) const {
  std::map<std::string, Tensor> tensors = {{kIdentity, tensor_of(identity)}};
  for (const auto& [name, tensor] : state) {
    if (!can_be_kept(tensor)) return;
    tensors[(tensor.is_cpu() ? kOnCpu : kOnDevice) + name] = tensor.cpu();
  }
  tensors[kSum] = tensor_of(digest_of(tensors));
  const fs::path file = file_of(identity);
  try {
    std::error_code ignored;  // where the folder cannot be made, writing says so
    fs::create_directories(folder_, ignored);
    models::write_safetensors(file, tensors);
  } catch (const std::exception& error) {
    remark_(file.string() + " cannot be written, so the next run fits again: " + error.what());
  }
}

}  // namespace gauntlet::results
