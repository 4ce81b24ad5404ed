#include "results/artifacts.h"

#include "base/bad_input.h"
#include "base/sha256.h"
#include "base/whole_file.h"
#include "models/weights/safetensors.h"

namespace gauntlet::results {
namespace {
namespace fs = std::filesystem;
constexpr const char* kChanged = " is not as the run wrote it; run the suite again";
constexpr const char* kMissing = " is not there";

bool is_there(const fs::path& file) {
  std::error_code error;
  return fs::is_regular_file(file, error);
}

std::string bytes_of(const fs::path& file, const std::string& expected) {
  if (!is_there(file)) throw BadInput(file.string() + kMissing);
  const std::string bytes = whole_file(file);
  if (!expected.empty() && sha256(bytes) != expected) throw BadInput(file.string() + kChanged);
  return bytes;
}

const char* images_name(Kept kept) { return kept == Kept::kAdversarial ? "x_adv" : "x"; }

std::string described(const std::map<std::string, Tensor>& tensors) {
  std::string out;
  for (const auto& [name, tensor] : tensors) {
    out += (out.empty() ? "" : ", ") + ("'" + name + "' [");
    for (int64_t d = 0; d < tensor.dim(); ++d)
      out += (d ? ", " : "") + std::to_string(tensor.size(d));
    out += std::string("] ") + c10::toString(tensor.scalar_type());
  }
  return out.empty() ? "no tensor" : out;
}

bool are_numbers(const Tensor& tensor, int64_t count) {
  return tensor.dim() == 1 && tensor.size(0) == count && tensor.scalar_type() == at::kLong;
}
}  // namespace

Tensor KeptImages::pixels() const {
  return x.scalar_type() == at::kByte ? x.to(at::kFloat).div_(255) : x;
}

std::string write_images(const fs::path& file, Kept kept, const KeptImages& images) {
  std::map<std::string, Tensor> tensors = {{images_name(kept), images.x}, {"index", images.index}};
  if (kept == Kept::kClean) tensors["label"] = images.label;
  std::error_code error;  // where the folder cannot be made, writing says so
  fs::create_directories(file.parent_path(), error);
  models::write_safetensors(file, tensors);
  return sha256_of_file(file);
}

KeptImages parse_images(const std::string& bytes, Kept kept, const std::string& name) {
  const std::map<std::string, Tensor> tensors = models::parse_safetensors(bytes, name);
  const auto find = [&](const char* wanted) {
    const auto found = tensors.find(wanted);
    return found == tensors.end() ? Tensor() : found->second;
  };
  const KeptImages out{find(images_name(kept)), find("index"),
                       kept == Kept::kClean ? find("label") : Tensor()};
  const auto are_images = [](const Tensor& t) {
    return t.defined() && t.dim() == 4 &&
           (t.scalar_type() == at::kFloat || t.scalar_type() == at::kByte);
  };
  if (!are_images(out.x) || !out.index.defined() || !are_numbers(out.index, out.x.size(0)) ||
      (out.label.defined() && !are_numbers(out.label, out.x.size(0))))
    throw BadInput(name + ": expected '" + images_name(kept) + "' [N, C, H, W] Float or Byte" +
                   (kept == Kept::kClean ? ", 'label' [N] Long" : "") +
                   " and 'index' [N] Long, found " + described(tensors));
  return out;
}

KeptImages read_images(const fs::path& file, Kept kept, const std::string& expected) {
  return parse_images(bytes_of(file, expected), kept, file.string());
}

std::string artifact_problem(const fs::path& file, const std::string& expected) {
  const std::string name = "artifacts/" + file.filename().string();
  if (!is_there(file)) return name + kMissing;
  if (!expected.empty() && sha256_of_file(file) != expected) return name + kChanged;
  return "";
}

}  // namespace gauntlet::results
