#include "host/obtain.h"

#include <set>

#include "base/bad_input.h"
#include "base/sha256.h"
#include "data/archive.h"

namespace gauntlet {
namespace {
namespace fs = std::filesystem;

// What was half done is gone afterwards, whatever happens.
class Staging {
 public:
  explicit Staging(fs::path folder) : folder_(std::move(folder)) { fs::remove_all(folder_); }
  ~Staging() {
    std::error_code error;
    fs::remove_all(folder_, error);
  }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  const fs::path& folder() const { return folder_; }

 private:
  fs::path folder_;
};

std::string name_in(const std::string& url) { return url.substr(url.rfind('/') + 1); }

class Obtaining {
 public:
  Obtaining(const Registry& registry, const DatasetEntry& entry, const ObtainOptions& options)
      : registry_(registry), entry_(entry), options_(options), home_(options.to / entry.id) {}

  void run() {
    if (!options_.from.empty() && !fs::is_directory(options_.from))
      throw BadInput("--from: there is no folder " + options_.from.string());
    std::vector<const DatasetEntry::DataFile*> absent;
    std::set<fs::path> seen;
    for (const DatasetEntry::Split& split : entry_.splits)
      for (const DatasetEntry::DataFile& file : split.files)
        if (seen.insert(file.path).second && !is_there(file)) absent.push_back(&file);
    if (absent.empty()) return;
    if (!options_.from.empty()) {
      take(absent);
    } else {
      fetch(absent);
    }
  }

 private:
  void say(const std::string& name, const std::string& what) {
    if (options_.begins) options_.begins(name, what);
  }

  std::string problem(const DatasetEntry::DataFile& file, const fs::path& found) const {
    try {
      registry_.verify(entry_, file, found);
      return "";
    } catch (const BadInput& error) {
      return error.what();
    }
  }

  // A wrong file elsewhere is no reason not to get the right one; one in the way is.
  bool is_there(const DatasetEntry::DataFile& file) {
    const auto found = file.folder && fs::is_directory(home_ / file.path)
                           ? std::optional(home_ / file.path)
                           : registry_.find(file);
    if (!found || !problem(file, *found).empty()) return false;
    say(file.path.string(), "is there: " + found->string());
    return true;
  }

  void fetch(const std::vector<const DatasetEntry::DataFile*>& files) {
    bool archived = false;
    for (const DatasetEntry::DataFile* file : files) {
      if (!file->urls.empty()) {
        fetch_one(*file);
      } else if (!entry_.archive.urls.empty()) {
        archived = true;
      } else {
        throw BadInput(registry_.absent_data(entry_, *file));
      }
    }
    if (!archived) return;
    const fs::path archive = home_ / name_in(entry_.archive.urls.front());
    say(archive.filename(), "downloading");
    download({entry_.archive.urls, entry_.archive.bytes,
              [&](const fs::path& part) { return archive_problem(part); }},
             archive, options_.download);
    unpack(archive);
    fs::remove(archive);
  }

  void fetch_one(const DatasetEntry::DataFile& file) {
    say(file.path.string(), "downloading");
    download({file.urls, file.bytes, [&](const fs::path& part) { return problem(file, part); }},
             home_ / file.path, options_.download);
  }

  std::string archive_problem(const fs::path& archive) const {
    const std::string found = sha256_of_file(archive);
    if (found == entry_.archive.sha256) return "";
    return "is not the archive of data set '" + entry_.id + "': its SHA-256 is " + found +
           ", expected " + entry_.archive.sha256;
  }

  // Every file of the split is verified before any is moved to its name.
  void unpack(const fs::path& archive) {
    say(archive.filename(), "unpacking");
    const Staging staging(home_ / ".unpacking");
    unpack_archive(archive, staging.folder(), int(entry_.archive.strip));
    for (const DatasetEntry::Split& split : entry_.splits)
      for (const DatasetEntry::DataFile& file : split.files) {
        const fs::path unpacked = staging.folder() / file.path;
        if (!fs::exists(unpacked))
          throw BadInput(archive.string() + ": holds no " + file.path.string());
        if (!file.folder) registry_.verify(entry_, file, unpacked);
      }
    for (const auto& item : fs::directory_iterator(staging.folder())) {
      const fs::path to = home_ / item.path().filename();
      if (item.is_directory()) fs::remove_all(to);
      fs::rename(item.path(), to);
    }
  }

  // From files on disk: each by its name, or all of them in the archive.
  void take(const std::vector<const DatasetEntry::DataFile*>& files) {
    bool archived = false;
    for (const DatasetEntry::DataFile* file : files) {
      const fs::path beside = options_.from / file->path,
                     below = options_.from / entry_.id / file->path;
      if (fs::exists(beside) || fs::exists(below)) {
        copy(*file, fs::exists(beside) ? beside : below);
      } else if (!entry_.archive.urls.empty() &&
                 fs::exists(options_.from / name_in(entry_.archive.urls.front()))) {
        archived = true;
      } else {
        throw BadInput(
            "data set '" + entry_.id + "': " + options_.from.string() + " holds no " +
            file->path.string() +
            (entry_.archive.urls.empty() ? "" : " and no " + name_in(entry_.archive.urls.front())));
      }
    }
    if (!archived) return;
    const fs::path archive = options_.from / name_in(entry_.archive.urls.front());
    if (const std::string why = archive_problem(archive); !why.empty())
      throw BadInput(archive.string() + ": " + why);
    unpack(archive);
  }

  void copy(const DatasetEntry::DataFile& file, const fs::path& from) {
    say(file.path.string(), "copying");
    const fs::path to = home_ / file.path;
    const Staging staging(to.string() + ".copying");
    fs::create_directories(to.parent_path());
    fs::copy(from, staging.folder(), fs::copy_options::recursive);
    if (!file.folder)
      if (const std::string why = problem(file, staging.folder()); !why.empty())
        throw BadInput(from.string() + ": " + why);
    fs::rename(staging.folder(), to);
  }

  const Registry& registry_;
  const DatasetEntry& entry_;
  const ObtainOptions& options_;
  const fs::path home_;
};
}  // namespace

void obtain(const Registry& registry, const DatasetEntry& entry, const ObtainOptions& options) {
  Obtaining(registry, entry, options).run();
}

}  // namespace gauntlet
