#include "models/weights/weights.h"

#include <fstream>

#include "base/bad_input.h"
#include "base/zip.h"
#include "models/weights/pytorch_file.h"
#include "models/weights/safetensors.h"

namespace gauntlet::models {
namespace {
std::string first_bytes(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error))
    throw BadInput(file.string() +
                   (std::filesystem::exists(file, error) ? ": is not a file" : ": no such file"));
  std::ifstream in(file, std::ios::binary);
  std::string bytes(512, '\0');
  in.read(bytes.data(), std::streamsize(bytes.size()));
  bytes.resize(size_t(in.gcount()));
  return bytes;
}

// Eight bytes of a length, then JSON. The low byte may be any, those of pickles and archives too.
bool looks_like_safetensors(const std::string& begin) {
  return begin.size() > 8 && begin[8] == '{' && begin.compare(4, 4, std::string(4, '\0')) == 0;
}

bool has_code(const ZipFile& zip) {
  for (const ZipFile::Entry& entry : zip.entries())
    if (entry.name == "constants.pkl" || entry.name.ends_with("/constants.pkl")) return true;
  return false;
}
}  // namespace

bool is_torchscript(const std::filesystem::path& file) {
  return looks_like_zip(file) && has_code(ZipFile(file));
}

void refuse_pointer(const std::filesystem::path& file) {
  if (first_bytes(file).starts_with("version https://git-lfs"))
    throw BadInput(file.string() +
                   ": is a pointer of Git LFS, not the weights: fetch them with 'git lfs pull'");
}

WeightsFile read_weights(const std::filesystem::path& file, const std::string& wanted) {
  const std::string begin = first_bytes(file);
  WeightsFile out;
  if (looks_like_safetensors(begin)) {
    out.format = "safetensors";
    out.tensors = read_safetensors(file, Dtypes::kAll);
  } else if (begin.starts_with("PK")) {
    if (is_torchscript(file))
      throw BadInput(file.string() +
                     ": is a TorchScript program, not a state dict; use it whole with architecture "
                     "= \"torchscript\"");
    bool checked = true;
    out.tensors = read_pytorch_zip(file, wanted, out.taken, checked);
    out.format = checked ? "PyTorch zip" : "PyTorch zip without checksums";
  } else if (looks_like_legacy(file)) {
    out.format = "PyTorch legacy";
    out.tensors = read_pytorch_legacy(file, wanted, out.taken);
  } else if (begin.starts_with("\x80")) {
    throw BadInput(file.string() +
                   ": is a pickle, but not one of torch.save; save the weights with "
                   "torch.save(model.state_dict(), 'weights.pth')");
  } else if (begin.size() > 262 && begin.compare(257, 5, "ustar") == 0) {
    throw BadInput(
        file.string() +
        ": is a tar archive, the format of PyTorch before 0.2; load it there and save it "
        "again with torch.save(model.state_dict(), 'weights.pth')");
  } else {
    refuse_pointer(file);
    throw BadInput(file.string() + ": is neither safetensors nor a file of torch.save");
  }
  if (out.taken != wanted && !wanted.empty())
    throw BadInput(file.string() + ": is no checkpoint with '" + wanted + "' in it, but " +
                   out.format);
  return out;
}

}  // namespace gauntlet::models
