#include "results/artifacts.h"

#include <fstream>

#include "base/bad_input.h"
#include "base/sha256.h"

namespace gauntlet {
namespace {
constexpr const char* kChanged = " is not as the run wrote it; run the suite again";
constexpr const char* kMissing = " is not there";

bool is_there(const std::filesystem::path& file) {
  std::error_code error;
  return std::filesystem::is_regular_file(file, error);
}
}  // namespace

std::string read_artifact(const std::filesystem::path& file, const std::string& expected) {
  if (!is_there(file)) throw BadInput(file.string() + kMissing);
  std::ifstream stream(file, std::ios::binary);
  std::string bytes(std::filesystem::file_size(file), '\0');
  if (!stream.read(bytes.data(), std::streamsize(bytes.size())))
    throw BadInput(file.string() + ": cannot be read");
  if (!expected.empty() && sha256(bytes) != expected) throw BadInput(file.string() + kChanged);
  return bytes;
}

std::string artifact_problem(const std::filesystem::path& file, const std::string& expected) {
  const std::string name = "artifacts/" + file.filename().string();
  if (!is_there(file)) return name + kMissing;
  if (!expected.empty() && sha256_of_file(file) != expected) return name + kChanged;
  return "";
}

}  // namespace gauntlet
