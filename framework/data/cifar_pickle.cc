#include "data/cifar_pickle.h"

#include "base/bad_input.h"
#include "base/pickle.h"

namespace gauntlet {
namespace {
using Kind = PickleValue::Kind;

constexpr size_t kPixels = 3 * 32 * 32;
// Of an image: labels, a file name and what stores each for later; then of the batch.
constexpr uint64_t kValuesAnImage = 16, kValuesABatch = 1000;

class Batch {
 public:
  Batch(std::string_view bytes, const std::string& file)
      : file_(file), in_(file, bytes, kValuesAnImage * (bytes.size() / kPixels) + kValuesABatch) {}

  CifarBatch read(const std::string& key) {
    const PickleValue& dict = in_.value(read_pickle());
    const std::string_view pixels = pixels_of(member(dict, "data"));
    const PickleValue& labels = member(dict, key);
    if (labels.kind != Kind::kList || labels.items.size() != pixels.size() / kPixels)
      refuse("'" + key + "' is not one label for each image");
    CifarBatch batch;
    batch.labels = torch::empty({int64_t(labels.items.size())}, torch::kLong);
    int64_t* to = batch.labels.mutable_data_ptr<int64_t>();
    for (const uint32_t item : labels.items) {
      if (in_.value(item).kind != Kind::kInt) refuse("a label is no whole number");
      *to++ = in_.value(item).integer;
    }
    batch.images = torch::from_blob(const_cast<char*>(pixels.data()),
                                    {batch.labels.size(0), 3, 32, 32}, torch::kByte)
                       .clone();
    return batch;
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw BadInput(file_ + ": is no batch of CIFAR's Python version (" + why + ")");
  }

  // What the reader of pickles refuses it explains by weights, which these are not.
  uint32_t read_pickle() {
    try {
      return in_.read();
    } catch (const CutShort&) {
      throw;
    } catch (const BadInput&) {
      refuse("its pickle has what no batch needs; nothing of it was run");
    }
  }
  const PickleValue& member(const PickleValue& dict, std::string_view key) const {
    if (dict.kind != Kind::kDict) refuse("it is no dict");
    for (size_t i = 0; i + 1 < dict.items.size(); i += 2)
      if (in_.value(dict.items[i]).text == key) return in_.value(dict.items[i + 1]);
    refuse("it has no '" + std::string(key) + "'");
  }
  const PickleValue& item(const PickleValue& value, size_t i) const {
    if (i >= value.items.size()) refuse("'data' is no array");
    return in_.value(value.items[i]);
  }

  // Of a NumPy array [N, 3072] of uint8; its state is (version, shape, dtype, column-major, bytes).
  std::string_view pixels_of(const PickleValue& array) const {
    const PickleValue& state = item(array, array.items.size() - 1);
    const PickleValue &shape = item(state, 1), &type = item(state, 2), &order = item(state, 3),
                      &bytes = item(state, 4);
    if (array.kind != Kind::kOpaque || state.kind != Kind::kTuple || bytes.kind != Kind::kString ||
        item(type, 0).text != "u1" || order.kind != Kind::kBool || order.integer != 0 ||
        item(shape, 1).integer != int64_t(kPixels) || bytes.text.empty() ||
        bytes.text.size() % kPixels != 0 ||
        item(shape, 0).integer != int64_t(bytes.text.size() / kPixels))
      refuse("'data' is no array of N x 3072 bytes");
    return bytes.text;
  }

  const std::string& file_;
  Unpickler in_;
};
}  // namespace

bool is_cifar_pickle(std::string_view bytes) {
  return bytes.size() > 3 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5 &&
         bytes.back() == '.';
}

CifarBatch read_cifar_pickle(std::string_view bytes, const std::string& key,
                             const std::string& file) {
  return Batch(bytes, file).read(key);
}

}  // namespace gauntlet
