// Lines as sha256sum writes them, after one of the archive's sum.
#include "registry/manifest.h"

#include <fstream>
#include <map>

#include "base/bad_input.h"
#include "base/sha256.h"

namespace gauntlet::registry {
namespace {
namespace fs = std::filesystem;
constexpr const char* kName = ".sha256sums";
constexpr size_t kSum = 64;

using Sums = std::map<std::string, std::string>;  // name -> sum

// What file managers leave behind; readers pass such files over too.
bool hidden(const fs::path& file) { return file.filename().string().starts_with('.'); }

// Of a file, or of all files below a folder; names are relative to `root`.
Sums sums_of(const fs::path& root, const fs::path& name) {
  Sums out;
  const auto add = [&](const fs::path& file) {
    out[file.lexically_relative(root).generic_string()] = sha256_of_file(file);
  };
  const fs::path whole = name.empty() ? root : root / name;
  if (fs::is_regular_file(whole)) add(whole);
  if (fs::is_directory(whole))
    for (const auto& item : fs::recursive_directory_iterator(whole))
      if (item.is_regular_file() && !hidden(item.path())) add(item.path());
  return out;
}

// Of `name` and what lies below it.
Sums declared(std::istream& in, const std::string& name) {
  Sums out;
  for (std::string line; std::getline(in, line);) {
    if (line.size() <= kSum + 2) continue;
    const std::string file = line.substr(kSum + 2);
    if (file == name || file.starts_with(name + "/")) out[file] = line.substr(0, kSum);
  }
  return out;
}
}  // namespace

void write_manifest(const fs::path& folder, const std::string& archive_sha256) {
  const Sums sums = sums_of(folder, "");
  std::ofstream out(folder / kName);
  out << "# " << archive_sha256 << "\n";
  for (const auto& [name, sum] : sums) out << sum << "  " << name << "\n";
  if (!out.flush()) throw BadInput((folder / kName).string() + ": cannot be written");
}

bool matches_manifest(const fs::path& root, const fs::path& name,
                      const std::string& archive_sha256) {
  std::ifstream in(root / kName);
  std::string first;
  if (archive_sha256.empty() || !std::getline(in, first) || first != "# " + archive_sha256)
    return false;
  const Sums expected = declared(in, name.generic_string()), found = sums_of(root, name);
  for (const auto& [file, sum] : expected) {
    const auto it = found.find(file);
    if (it == found.end())
      throw BadInput((root / file).string() + ": is absent, but was in the data set's archive");
    if (it->second != sum)
      throw BadInput((root / file).string() + ": is not the file of the data set's archive: its " +
                     "SHA-256 is " + it->second + ", expected " + sum);
  }
  for (const auto& [file, sum] : found)
    if (!expected.contains(file))
      throw BadInput((root / file).string() + ": was not in the data set's archive");
  return true;
}

}  // namespace gauntlet::registry
