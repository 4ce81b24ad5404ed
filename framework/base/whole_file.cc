#include "base/whole_file.h"

#include <fstream>
#include <iterator>

#include "base/bad_input.h"

namespace gauntlet {

std::string whole_file(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error))
    throw BadInput(file.string() + ": there is no such file");
  if (std::filesystem::is_directory(file, error))
    throw BadInput(file.string() + ": is a folder, expected a file");
  std::ifstream in(file, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (!in) throw BadInput(file.string() + ": cannot be read");
  return bytes;
}

}  // namespace gauntlet
