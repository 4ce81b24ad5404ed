#include <algorithm>
#include <atomic>
#include <map>
#include <tuple>

#include "base/bad_input.h"
#include "base/sha256.h"
#include "base/shown.h"
#include "data/files/gzip.h"
#include "data/formats/readers.h"
#include "data/images/decode_image.h"
#include "data/images/image_structure.h"
#include "data/images/resize_image.h"

namespace gauntlet::data {
namespace {
namespace fs = std::filesystem;

std::string ending_of(const fs::path& file) {
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return char(std::tolower(c)); });
  return ending;
}

bool is_image(const fs::path& file) {
  const std::string ending = ending_of(file);
  const auto known = {".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".pnm"};
  return std::find(known.begin(), known.end(), ending) != known.end();
}

bool is_hidden(const fs::path& file) { return file.filename().string()[0] == '.'; }

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> out;
  for (const auto& item : fs::directory_iterator(folder))
    if (!is_hidden(item.path()) && item.is_directory()) out.push_back(item.path());
  std::sort(out.begin(), out.end());
  return out;
}

// Some of the files and how many they are: "3 files (a/x.webp, a/x.tif, …)".
class Some {
 public:
  void add(const std::string& name) {
    constexpr size_t kMostNames = 3;
    if (++count_ <= kMostNames)
      names_ += (names_.empty() ? "" : ", ") + shown(name);
    else if (count_ == kMostNames + 1)
      names_ += ", …";
  }
  size_t count() const { return count_; }
  std::string text() const {
    return std::to_string(count_) + (count_ == 1 ? " file (" : " files (") + names_ + ")";
  }

 private:
  size_t count_ = 0;
  std::string names_;
};

// What is found while the folders are walked through.
struct Findings {
  Sha256 digest;
  Some left_out, deep;

  std::vector<std::string> remarks(const std::string& folder) const {
    std::vector<std::string> out;
    if (left_out.count() > 0)
      out.push_back(folder + ": " + left_out.text() +
                    " left out, which are no .png, .jpg, .jpeg, .bmp, .ppm, .pgm or .pnm images");
    if (deep.count() > 0)
      out.push_back(folder + ": " + deep.text() +
                    " of 16 bits a channel, of which the upper 8 are used; other programs scale or "
                    "cut them");
    return out;
  }
};

// The files below a folder of a class, in their order; links to folders are not followed, and
// nothing hidden is looked at.
std::vector<fs::path> files_below(const fs::path& of_class, const fs::path& folder,
                                  Findings& found) {
  std::vector<fs::path> files;
  for (auto it = fs::recursive_directory_iterator(of_class); it != fs::end(it); ++it) {
    const std::string name = it->path().lexically_relative(folder).generic_string();
    if (is_hidden(it->path())) {
      it.disable_recursion_pending();
    } else if (it->is_directory()) {
      if (it->is_symlink()) found.left_out.add(name);
    } else if (it->is_regular_file() && is_image(it->path())) {
      files.push_back(it->path());
    } else {
      found.left_out.add(name);
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The images of a class, whole as far as their structure tells; their names and bytes go into the
// digest.
std::vector<fs::path> images_of(const fs::path& of_class, const fs::path& folder, Findings& found) {
  std::vector<fs::path> files = files_below(of_class, folder, found);
  if (files.empty())
    throw BadInput(of_class.string() +
                   ": the class is empty, expected .png, .jpg, .jpeg, .bmp, "
                   ".ppm, .pgm or .pnm files");
  std::map<std::pair<std::string, std::string>, fs::path> known;  // name and sum -> file
  for (const fs::path& file : files) {
    const std::string bytes = read_bytes(file);
    check_image_structure(file.string(), bytes);
    const std::string name = file.lexically_relative(folder).generic_string();
    const std::string without_ending = fs::path(name).replace_extension().string();
    const auto [same, fresh] = known.emplace(std::pair(without_ending, sha256(bytes)), file);
    if (!fresh)
      throw BadInput(file.string() + ": is there twice, also as " +
                     same->second.filename().string());
    if (has_sixteen_bits(bytes)) found.deep.add(name);
    found.digest.add(name + '\n');
    found.digest.add(bytes);
  }
  return files;
}

class ImageFolder final : public ImageSource {
 public:
  ImageFolder(std::vector<fs::path> files, std::vector<int64_t> shape, int64_t resize)
      : files_(std::move(files)),
        shape_(std::move(shape)),
        resize_(resize),
        whole_(files_.size()) {}
  std::vector<int64_t> shape() const override { return shape_; }
  Tensor read(const Tensor& index) const override {
    const Tensor wanted = index.cpu().contiguous();
    Tensor out = torch::empty({wanted.size(0), shape_[0], shape_[1], shape_[2]}, torch::kByte);
    for (int64_t i = 0; i < wanted.size(0); ++i) {
      const size_t place = size_t(wanted.const_data_ptr<int64_t>()[i]);
      const bool checked = whole_.at(place);
      const Tensor image =
          decode_image(files_[place], shape_[0], checked ? ImageCheck::kFrame : ImageCheck::kWhole);
      whole_[place] = true;
      out[i].copy_(resize_and_crop(image, shape_[1], shape_[2], resize_));
    }
    return out;
  }

 private:
  std::vector<fs::path> files_;
  std::vector<int64_t> shape_;
  int64_t resize_;
  mutable std::vector<std::atomic<bool>> whole_;  // which were found to be
};

// The folders of the classes in the order of their labels: that of the declared names where these
// are the folders' names, else that of the folders' names.
std::vector<fs::path> classes_of(const SplitFiles& split) {
  const fs::path& folder = split.paths.at(0);
  const std::vector<fs::path> classes = folders_in(folder);
  if (classes.size() < 2 || (split.classes > 0 && int64_t(classes.size()) != split.classes))
    throw BadInput(folder.string() + ": holds " + std::to_string(classes.size()) +
                   " folders, expected one for each of " +
                   (split.classes > 0 ? std::to_string(split.classes) : "two or more") +
                   " classes");
  std::vector<fs::path> named;
  for (const std::string& name : split.class_names) named.push_back(folder / name);
  return std::is_permutation(named.begin(), named.end(), classes.begin(), classes.end()) ? named
                                                                                         : classes;
}
// Label and place in its class of each image: all classes in turn, each spread evenly, so that the
// first images of a set, and its last ones, are of all classes in proportion.
std::vector<std::pair<int64_t, size_t>> in_turn(const std::vector<std::vector<fs::path>>& classes) {
  std::vector<std::tuple<double, int64_t, size_t>> order;
  for (size_t label = 0; label < classes.size(); ++label)
    for (size_t i = 0; i < classes[label].size(); ++i)
      order.emplace_back((double(i) + 0.5) / double(classes[label].size()), label, i);
  std::sort(order.begin(), order.end());
  std::vector<std::pair<int64_t, size_t>> out;
  for (const auto& [when, label, i] : order) out.emplace_back(label, i);
  return out;
}
}  // namespace

Dataset read_image_folder(const SplitFiles& split) {
  const fs::path& folder = split.paths.at(0);
  if (!fs::is_directory(folder)) throw BadInput(folder.string() + ": no such folder");
  if (split.shape.size() != 3 || (split.shape[0] != 1 && split.shape[0] != 3))
    throw BadInput(folder.string() + ": the images of a folder have 1 or 3 channels");
  if (split.resize > 0 && split.resize < std::max(split.shape[1], split.shape[2]))
    throw BadInput(folder.string() + ": resized to " + std::to_string(split.resize) +
                   " the images are smaller than the crop");
  Dataset data;
  std::vector<std::vector<fs::path>> by_class;
  Findings found;
  found.digest.add("all classes in turn\n");  // the order of the samples is a part of what they are
  for (const fs::path& of_class : classes_of(split)) {
    by_class.push_back(images_of(of_class, folder, found));
    data.class_names.push_back(of_class.filename().string());
  }
  std::vector<fs::path> files;
  std::vector<int64_t> labels;
  for (const auto& [label, place] : in_turn(by_class)) {
    files.push_back(by_class[size_t(label)][place]);
    labels.push_back(label);
  }
  data.labels = torch::tensor(labels, torch::kLong);
  data.sha256 = found.digest.hex();
  data.remarks = found.remarks(folder.string());
  decode_on_demand(data,
                   std::make_unique<ImageFolder>(std::move(files), split.shape, split.resize));
  return data;
}

}  // namespace gauntlet::data
