#include <algorithm>
#include <map>
#include <tuple>

#include "base/bad_input.h"
#include "base/sha256.h"
#include "data/dataset.h"
#include "data/decode_image.h"
#include "data/gzip.h"
#include "data/image_structure.h"
#include "data/resize_image.h"

namespace gauntlet {
namespace {
namespace fs = std::filesystem;

bool is_image(const fs::path& file) {
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return char(std::tolower(c)); });
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

std::vector<fs::path> sorted(const fs::path& folder, bool (*wanted)(const fs::directory_entry&)) {
  std::vector<fs::path> out;
  for (const auto& item : fs::directory_iterator(folder))
    if (item.path().filename().string()[0] != '.' && wanted(item)) out.push_back(item.path());
  std::sort(out.begin(), out.end());
  return out;
}

// The images of a class, whole as far as their structure tells; their names and bytes go into the
// digest.
std::vector<fs::path> images_of(const fs::path& of_class, const fs::path& folder, Sha256& digest) {
  std::vector<fs::path> files = sorted(of_class, [](const fs::directory_entry& item) {
    return item.is_regular_file() && is_image(item.path());
  });
  if (files.empty())
    throw BadInput(of_class.string() + ": the class is empty, expected .png, .jpg or .jpeg files");
  std::map<std::pair<std::string, std::string>, fs::path> known;  // name and sum -> file
  for (const fs::path& file : files) {
    const std::string bytes = read_bytes(file);
    check_image_structure(file.string(), bytes);
    const auto [same, fresh] = known.emplace(std::pair(file.stem().string(), sha256(bytes)), file);
    if (!fresh)
      throw BadInput(file.string() + ": is there twice, also as " +
                     same->second.filename().string());
    digest.add(file.lexically_relative(folder).generic_string() + '\n');
    digest.add(bytes);
  }
  return files;
}

class ImageFolder final : public ImageSource {
 public:
  ImageFolder(std::vector<fs::path> files, std::vector<int64_t> shape, int64_t resize)
      : files_(std::move(files)), shape_(std::move(shape)), resize_(resize) {}
  std::vector<int64_t> shape() const override { return shape_; }
  Tensor read(const Tensor& index) const override {
    const Tensor wanted = index.cpu().contiguous();
    Tensor out = torch::empty({wanted.size(0), shape_[0], shape_[1], shape_[2]}, torch::kByte);
    for (int64_t i = 0; i < wanted.size(0); ++i) {
      const fs::path& file = files_.at(size_t(wanted.const_data_ptr<int64_t>()[i]));
      const Tensor image = decode_image(file, shape_[0]);
      out[i].copy_(resize_and_crop(image, shape_[1], shape_[2], resize_));
    }
    return out;
  }

 private:
  std::vector<fs::path> files_;
  std::vector<int64_t> shape_;
  int64_t resize_;
};

// The folders of the classes in the order of their labels: that of the declared names where these
// are the folders' names, else that of the folders' names.
std::vector<fs::path> classes_of(const SplitFiles& split) {
  const fs::path& folder = split.paths.at(0);
  const std::vector<fs::path> classes =
      sorted(folder, [](const fs::directory_entry& item) { return item.is_directory(); });
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
  Sha256 digest;
  digest.add("all classes in turn\n");  // the order of the samples is a part of what they are
  for (const fs::path& of_class : classes_of(split)) {
    by_class.push_back(images_of(of_class, folder, digest));
    data.class_names.push_back(of_class.filename().string());
  }
  std::vector<fs::path> files;
  std::vector<int64_t> labels;
  for (const auto& [label, place] : in_turn(by_class)) {
    files.push_back(by_class[size_t(label)][place]);
    labels.push_back(label);
  }
  data.labels = torch::tensor(labels, torch::kLong);
  data.sha256 = digest.hex();
  decode_on_demand(data,
                   std::make_unique<ImageFolder>(std::move(files), split.shape, split.resize));
  return data;
}

}  // namespace gauntlet
