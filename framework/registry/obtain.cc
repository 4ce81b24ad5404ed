#include "registry/obtain.h"

#include <set>

#include "base/bad_input.h"
#include "base/file_errors.h"
#include "base/sha256.h"
#include "data/files/archive.h"
#include "data/files/locked_file.h"
#include "registry/manifest.h"

namespace gauntlet::registry {
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
  using Files = std::vector<const DatasetEntry::DataFile*>;

 public:
  Obtaining(const Registry& registry, const DatasetEntry& entry, const ObtainOptions& options)
      : registry_(registry), entry_(entry), options_(options), home_(options.to / entry.id) {}

  void run() {
    if (!options_.from.empty() && !fs::is_directory(options_.from))
      throw BadInput("--from: there is no folder " + options_.from.string());
    if (absent().empty()) return;
    fs::create_directories(home_);
    const data::FolderLock lock(home_, "another process is getting this data set");
    const Files files = absent();  // of which another process may have brought some
    if (!options_.from.empty()) {
      take(files);
    } else {
      fetch(files);
    }
  }

 private:
  void say(const std::string& name, const std::string& what) {
    if (options_.begins) options_.begins(name, what);
  }

  std::string problem(const DatasetEntry::DataFile& file, const fs::path& found) const {
    try {
      Registry::verify(entry_, file, found);
      return "";
    } catch (const BadInput& error) {
      return error.what();
    }
  }

  Files absent() {
    Files out;
    std::set<fs::path> seen;
    for (const DatasetEntry::Split& split : entry_.splits)
      for (const DatasetEntry::DataFile& file : split.files)
        if (seen.insert(file.path).second && !is_there(file)) out.push_back(&file);
    return out;
  }

  // A wrong file elsewhere is no reason not to get the right one, nor is one that may be right
  // where the archive is proof; one in the way is.
  bool is_there(const DatasetEntry::DataFile& file) {
    auto found = find_below(options_.to, file);
    if (!found) found = registry_.find(file);
    if (!found) return false;
    try {
      const bool proven = Registry::verify(entry_, file, *found);
      if (!proven && !entry_.archive.urls.empty()) return false;
    } catch (const BadInput&) {
      return false;
    }
    if (told_.insert(file.path).second) say(file.path.string(), "is there: " + found->string());
    return true;
  }

  void fetch(const Files& files) {
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
    // One that an earlier call could not unpack may lie there.
    if (!fs::exists(archive) || !archive_problem(archive).empty()) {
      say(archive.filename(), "downloading");
      download({entry_.archive.urls, entry_.archive.bytes,
                [&](const fs::path& part) { return archive_problem(part); }},
               archive, options_.download);
    }
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
    data::unpack_archive(archive, staging.folder(), int(entry_.archive.strip));
    for (const DatasetEntry::Split& split : entry_.splits)
      for (const DatasetEntry::DataFile& file : split.files) {
        const fs::path unpacked = staging.folder() / file.path;
        if (!fs::exists(unpacked))
          throw BadInput(archive.string() + ": holds no " + file.path.string());
        if (file.has_sum()) Registry::verify(entry_, file, unpacked);
      }
    write_manifest(staging.folder(), entry_.archive.sha256);
    for (const auto& item : fs::directory_iterator(staging.folder())) {
      const fs::path to = home_ / item.path().filename();
      if (fs::is_directory(to) || (item.is_directory() && fs::exists(to))) set_aside(to);
      fs::rename(item.path(), to);
    }
  }

  // A folder that is in the way may hold what somebody put there.
  void set_aside(const fs::path& folder) {
    const fs::path aside = folder.string() + ".replaced";
    fs::remove_all(aside);
    fs::rename(folder, aside);
    say(folder.filename(), "was another; it is now " + aside.string());
  }

  // From files on disk: all of them in the archive, or each that has a sum by its name.
  void take(const Files& files) {
    const bool has_archive = !entry_.archive.urls.empty();
    const std::string archive = has_archive ? name_in(entry_.archive.urls.front()) : "";
    if (has_archive && fs::exists(options_.from / archive)) {
      if (const std::string why = archive_problem(options_.from / archive); !why.empty())
        throw BadInput((options_.from / archive).string() + ": " + why);
      return unpack(options_.from / archive);
    }
    for (const DatasetEntry::DataFile* file : files) {
      const std::string none =
          "data set '" + entry_.id + "': " + options_.from.string() + " holds no ";
      if (has_archive && !file->has_sum())
        throw BadInput(none + archive + ", by which alone " + file->path.string() +
                       " can be verified");
      const auto found = find_below(options_.from, *file);
      if (!found)
        throw BadInput(none + file->path.string() + (has_archive ? " and no " + archive : ""));
      copy(*file, *found);
    }
  }

  void copy(const DatasetEntry::DataFile& file, const fs::path& from) {
    say(file.path.string(), "copying");
    const fs::path to = home_ / file.path.parent_path() / from.filename();
    const Staging staging(to.string() + ".copying");
    fs::create_directories(to.parent_path());
    fs::copy(from, staging.folder(), fs::copy_options::recursive);
    if (file.has_sum())
      if (const std::string why = problem(file, staging.folder()); !why.empty())
        throw BadInput(from.string() + ": " + why);
    fs::rename(staging.folder(), to);
    // One of the usual name, packed, would be found first, and is wrong: else none was looked for.
    if (const fs::path usual = home_ / file.path; usual != to) fs::remove(usual);
  }

  const Registry& registry_;
  const DatasetEntry& entry_;
  const ObtainOptions& options_;
  const fs::path home_;
  std::set<fs::path> told_;
};
}  // namespace

void obtain(const Registry& registry, const DatasetEntry& entry, const ObtainOptions& options) {
  naming_files([&] { Obtaining(registry, entry, options).run(); });
}

}  // namespace gauntlet::registry
