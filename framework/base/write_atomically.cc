#include "base/write_atomically.h"

#include <fstream>

#include "base/bad_input.h"
#include "base/draft.h"

namespace gauntlet {

void write_atomically(const std::filesystem::path& file, const std::string& text) {
  const std::filesystem::path draft = draft_of(file);
  std::ofstream stream(draft, std::ios::binary);
  stream << text;
  stream.close();
  std::error_code error;
  if (stream) std::filesystem::rename(draft, file, error);
  if (stream && !error) return;
  std::filesystem::remove(draft, error);
  throw BadInput(file.string() +
                 ": cannot be written; is the folder there, and the disk not full?");
}

}  // namespace gauntlet
