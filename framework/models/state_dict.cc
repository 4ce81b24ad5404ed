// Where in a checkpoint the weights are.
#include <algorithm>
#include <set>

#include "base/bad_input.h"
#include "models/pytorch_file.h"

namespace gauntlet {
namespace {
using Kind = PickleValue::Kind;
constexpr int kDeepest = 4;
// Which of several dicts as large is meant; an average of the weights beside them has other names.
constexpr std::string_view kUsual[] = {"state_dict", "model_state_dict", "model", "net",
                                       "network",    "weights",          "params"};

class Search {
 public:
  explicit Search(const Unpickler& pickle) : pickle_(pickle) {}

  void look_at(uint32_t index, const std::string& path, std::string_view key, int depth) {
    const PickleValue& value = pickle_.value(index);
    if (value.kind != Kind::kDict || depth > kDeepest || !seen_.insert(index).second) return;
    size_t count = 0;
    for (size_t i = 0; i + 1 < value.items.size(); i += 2) {
      const PickleValue& name = pickle_.value(value.items[i]);
      if (name.kind != Kind::kString) continue;
      count += pickle_.value(value.items[i + 1]).kind == Kind::kTensor;
    }
    const int64_t rank = std::find(std::begin(kUsual), std::end(kUsual), key) - kUsual;
    if (count > 0) found_.push_back({count, rank, index, path});
    for (size_t i = 0; i + 1 < value.items.size(); i += 2) {
      const PickleValue& name = pickle_.value(value.items[i]);
      if (name.kind != Kind::kString || name.text.size() > 100) continue;
      const std::string own(name.text);
      look_at(value.items[i + 1], path.empty() ? own : path + "." + own, name.text, depth + 1);
    }
  }

  StateDict best() {
    if (found_.empty()) pickle_.fail("there is no dict of named tensors in it");
    std::sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) {
      return std::tie(b.count, a.rank, a.path) < std::tie(a.count, b.rank, b.path);
    });
    const Found& best = found_.front();
    if (found_.size() > 1 && found_[1].count == best.count && found_[1].rank == best.rank)
      pickle_.fail("'" + best.path + "' and '" + found_[1].path +
                   "' are equally large dicts of tensors; save the one that is meant");
    StateDict state{best.path, {}};
    const std::vector<uint32_t>& items = pickle_.value(best.index).items;
    for (size_t i = 0; i + 1 < items.size(); i += 2) {
      const PickleValue &name = pickle_.value(items[i]), &value = pickle_.value(items[i + 1]);
      if (value.kind != Kind::kTensor) continue;
      if (name.kind != Kind::kString) pickle_.fail("a tensor's name is no string");
      if (!state.tensors.emplace(name.text, size_t(value.integer)).second)
        pickle_.fail("tensor '" + std::string(name.text) + "' is there twice");
    }
    return state;
  }

 private:
  struct Found {
    size_t count;
    int64_t rank;
    uint32_t index;
    std::string path;
  };
  const Unpickler& pickle_;
  std::vector<Found> found_;
  std::set<uint32_t> seen_;
};
}  // namespace

StateDict find_state_dict(const Unpickler& pickle, uint32_t root) {
  Search search(pickle);
  search.look_at(root, "", "", 0);
  return search.best();
}

}  // namespace gauntlet
