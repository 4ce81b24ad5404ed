// Where in a checkpoint the weights are.
#include <algorithm>
#include <set>

#include "base/bad_input.h"
#include "base/shown.h"
#include "models/weights/pytorch_file.h"
#include "pickle/file_limits.h"

namespace gauntlet::models {
namespace {
using Kind = pickle::PickleValue::Kind;
constexpr int kDeepest = 4;
// Where the weights usually are; an average of them, which may be larger, has other names.
constexpr std::string_view kUsual[] = {"state_dict", "model_state_dict", "model", "net",
                                       "network",    "weights",          "params"};

class Search {
 public:
  explicit Search(const pickle::Unpickler& pickle) : pickle_(pickle) {}

  void look_at(uint32_t index, const std::string& path, std::string_view key, int depth) {
    const pickle::PickleValue& value = pickle_.value(index);
    if (value.kind != Kind::kDict || depth > kDeepest || !seen_.insert(index).second) return;
    size_t count = 0;
    for (size_t i = 0; i + 1 < value.items.size(); i += 2) {
      const pickle::PickleValue& name = pickle_.value(value.items[i]);
      if (name.kind != Kind::kString) continue;
      count += pickle_.value(value.items[i + 1]).kind == Kind::kTensor;
    }
    const int64_t rank = std::find(std::begin(kUsual), std::end(kUsual), key) - kUsual;
    if (count > 0) found_.push_back({count, rank, index, path});
    for (size_t i = 0; i + 1 < value.items.size(); i += 2) {
      const pickle::PickleValue& name = pickle_.value(value.items[i]);
      if (name.kind != Kind::kString || name.text.size() > 100) continue;
      const std::string own(name.text);
      look_at(value.items[i + 1], path.empty() ? own : path + "." + own, name.text, depth + 1);
    }
  }

  StateDict found(const std::string& wanted) {
    if (found_.empty()) pickle_.fail("there is no dict of named tensors in it");
    return state_of(wanted.empty() ? best() : named(wanted));
  }

 private:
  struct Found {
    size_t count;
    int64_t rank;
    uint32_t index;
    std::string path;
  };

  const Found& best() {
    const auto order = [](const Found& found) {
      const bool unusual = found.rank == std::ssize(kUsual);
      return std::tuple(unusual, -int64_t(found.count), found.rank);
    };
    std::stable_sort(found_.begin(), found_.end(),
                     [&](const Found& a, const Found& b) { return order(a) < order(b); });
    if (found_.size() > 1 && order(found_[0]) == order(found_[1]))
      pickle_.fail(shown(found_[0].path) + " and " + shown(found_[1].path) +
                   " are equally large dicts of tensors; say with --from which one is meant");
    return found_.front();
  }

  const Found& named(const std::string& wanted) {
    constexpr size_t kMostNames = 12;
    std::string others;
    for (size_t i = 0; i < found_.size(); ++i) {
      if (found_[i].path == wanted) return found_[i];
      if (i < kMostNames) others += (i ? ", " : "") + shown(found_[i].path);
    }
    pickle_.fail("there is no dict of named tensors '" + wanted + "' in it; there are " + others +
                 (found_.size() > kMostNames ? ", …" : ""));
  }

  StateDict state_of(const Found& found) const {
    StateDict state{found.path, {}};
    const std::vector<uint32_t>& items = pickle_.value(found.index).items;
    for (size_t i = 0; i + 1 < items.size(); i += 2) {
      const pickle::PickleValue &name = pickle_.value(items[i]),
                                &value = pickle_.value(items[i + 1]);
      if (value.kind != Kind::kTensor) continue;
      if (name.kind != Kind::kString) pickle_.fail("a tensor's name is no string");
      if (name.text.size() > pickle::kLongestTensorName)
        pickle_.fail("a tensor's name is too long: " + shown(name.text));
      if (!state.tensors.emplace(name.text, size_t(value.integer)).second)
        pickle_.fail("tensor " + shown(name.text) + " is there twice");
    }
    return state;
  }

  const pickle::Unpickler& pickle_;
  std::vector<Found> found_;
  std::set<uint32_t> seen_;
};
}  // namespace

StateDict find_state_dict(const pickle::Unpickler& pickle, uint32_t root,
                          const std::string& wanted) {
  Search search(pickle);
  search.look_at(root, "", "", 0);
  return search.found(wanted);
}

}  // namespace gauntlet::models
