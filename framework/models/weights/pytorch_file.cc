#include "models/weights/pytorch_file.h"

#include <algorithm>
#include <fstream>

#include "base/bad_input.h"
#include "base/shown.h"
#include "base/zip.h"
#include "pickle/file_limits.h"

namespace gauntlet::models {
namespace {
// The pickled integer 0x1950a86a20f9469cfc6c; before it the protocol and, from 4 on, a frame.
constexpr std::string_view kMagic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
constexpr std::string_view kMagicOfProtocol1 = "L119547037146038801333356L\n.";
constexpr size_t kProtocolBytes = 2, kFrameBytes = 9;
// A value takes some hundred bytes: this many are a small constant, the rest grows with the file.
constexpr uint64_t kFewValues = 100'000, kBytesAValue = 256;
constexpr uint64_t kLongestText = 1 << 10;
// Pickles at the front of the older format are read whole before the storages are.
constexpr uint64_t kLongestPickles = uint64_t{1} << 28;

uint64_t budget_for(uint64_t file_size) { return kFewValues + file_size / kBytesAValue; }

uint64_t bytes_of(const pickle::PickledStorage& storage, const pickle::Unpickler& pickle) {
  const double bytes = double(storage.numel) * double(at::elementSize(storage.type));
  if (bytes > 0x1p52) pickle.fail("storage " + shown(storage.key) + " has an absurd size");
  return uint64_t(bytes);
}

// The numbers of one storage as tensors take them: of their type, and with what is yet to be done
// to them done. Where a stride is 0 this is less than what the tensor has.
Tensor numbers_of(const Tensor& stored, const pickle::PickledTensor& described) {
  Tensor numbers = stored;
  if (described.type != stored.scalar_type()) {
    const int64_t size = int64_t(at::elementSize(described.type));
    numbers = stored.narrow(0, 0, stored.numel() / size * size).view(described.type);
  }
  if (described.conjugated) numbers = numbers.conj_physical();
  return described.negated ? numbers.neg() : numbers;
}

// The wanted tensors as views of their storages, each of which `load` is asked for once.
std::map<std::string, Tensor> views(
    const pickle::Unpickler& pickle, const StateDict& state,
    const std::function<Tensor(const pickle::PickledStorage&)>& load) {
  std::map<size_t, Tensor> storages;
  std::map<std::tuple<size_t, at::ScalarType, bool, bool>, Tensor> changed;
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, index] : state.tensors) {
    const pickle::PickledTensor& described = pickle.tensors()[index];
    const auto [it, fresh] = storages.try_emplace(described.storage);
    const pickle::PickledStorage& storage = pickle.storages()[described.storage];
    if (fresh) {
      it->second = load(storage);
      if (!pickle::holds_bools(it->second))
        pickle.fail("storage " + shown(storage.key) +
                    " of type bool has a byte that is neither 0 nor 1");
    }
    const auto [numbers, first] = changed.try_emplace(
        {described.storage, described.type, described.negated, described.conjugated});
    if (first) numbers->second = numbers_of(it->second, described);
    tensors[name] =
        numbers->second.as_strided(described.sizes, described.strides, described.offset);
  }
  return tensors;
}

// The folder that all entries lie in: what stands before "data.pkl".
std::string folder_of(const ZipFile& zip, const std::string& file) {
  const ZipFile::Entry* found = nullptr;
  for (const ZipFile::Entry& entry : zip.entries()) {
    if (entry.name != "data.pkl" && !entry.name.ends_with("/data.pkl")) continue;
    if (found) throw BadInput(file + ": there are several data.pkl in the zip file");
    found = &entry;
  }
  if (!found)
    throw BadInput(file +
                   ": the zip file has no data.pkl, so it is not one of PyTorch's; expected "
                   "a file written by torch.save or safetensors");
  return found->name.substr(0, found->name.size() - std::string_view("data.pkl").size());
}

const ZipFile::Entry& stored(const ZipFile& zip, const std::string& name, const std::string& file) {
  const ZipFile::Entry* entry = zip.find(name);
  if (!entry) throw BadInput(file + ": the zip file has no entry " + shown(name));
  if (entry->deflated)
    throw BadInput(file + ": entry " + shown(name) +
                   " is compressed, which PyTorch's files are not");
  return *entry;
}

// Whether the record says that bytes stand in the order of big-endian machines.
bool is_big_endian(const std::string& order, const std::string& file) {
  if (order != "little" && order != "big")
    throw BadInput(file + ": its byte order is " + shown(order) + ", expected 'little' or 'big'");
  return order == "big";
}

void swap_bytes(Tensor& numbers) {
  const size_t size = at::elementSize(at::toRealValueType(numbers.scalar_type()));
  char* at = static_cast<char*>(numbers.mutable_data_ptr());
  for (char* const end = at + numbers.nbytes(); at < end; at += size) std::reverse(at, at + size);
}

// Whose size a number has is not known of a storage of bytes, so they cannot be swapped.
void refuse_bytes(const pickle::Unpickler& pickle) {
  for (const pickle::PickledTensor& tensor : pickle.tensors())
    if (tensor.type != pickle.storages()[tensor.storage].type)
      pickle.fail("its byte order is 'big' and a tensor's storage is one of bytes; save it on " +
                  std::string("another machine"));
}

class LegacyReader {
 public:
  LegacyReader(const std::filesystem::path& file, std::string wanted)
      : name_(file.string()),
        wanted_(std::move(wanted)),
        in_(file, std::ios::binary),
        size_(std::filesystem::file_size(file)) {
    if (!in_) throw BadInput(name_ + ": the file cannot be read");
  }

  std::map<std::string, Tensor> read(std::string& taken) {
    // The pickles' end is known only when they are read: more of the file is taken until it is.
    for (uint64_t length = 1 << 16;; length *= 4) {
      const uint64_t taken_bytes = std::min({length, size_, kLongestPickles});
      text_.resize(taken_bytes);
      in_.clear(), in_.seekg(0);
      if (!in_.read(text_.data(), std::streamsize(taken_bytes)))
        throw BadInput(name_ + ": the file cannot be read");
      try {
        return parse(taken);
      } catch (const pickle::CutShort&) {
        if (taken_bytes == std::min(size_, kLongestPickles)) throw;
      }
    }
  }

 private:
  using Kind = pickle::PickleValue::Kind;

  std::map<std::string, Tensor> parse(std::string& taken) {
    pickle::Unpickler pickle(name_, text_, budget_for(size_));
    pickle.read();  // the magic number, seen already
    if (const pickle::PickleValue& version = pickle.value(pickle.read());
        version.kind != Kind::kInt || version.integer != 1001)
      pickle.fail("its version of PyTorch's older format is not 1001");
    pickle.read();  // of the machine; the numbers are little-endian whatever it was
    const uint32_t root = pickle.read();
    const StateDict state = find_state_dict(pickle, root, wanted_);
    const pickle::PickleValue& keys = pickle.value(pickle.read());
    if (keys.kind != Kind::kList) pickle.fail("the list of storages is no list");
    locate(pickle, keys);
    taken = state.taken;
    return views(pickle, state, [&](const pickle::PickledStorage& s) { return load(pickle, s); });
  }

  // Walks over the storages, which follow in the order of the keys, without reading them.
  void locate(const pickle::Unpickler& pickle, const pickle::PickleValue& keys) {
    std::map<std::string_view, const pickle::PickledStorage*> known;
    for (const pickle::PickledStorage& storage : pickle.storages()) known[storage.key] = &storage;
    begin_.clear();
    uint64_t at = pickle.position();
    for (const uint32_t item : keys.items) {
      const pickle::PickleValue& key = pickle.value(item);
      const auto it = key.kind == Kind::kString ? known.find(key.text) : known.end();
      if (it == known.end()) pickle.fail("a storage in it belongs to no tensor");
      const uint64_t bytes = bytes_of(*it->second, pickle);
      if (size_ - at < sizeof(int64_t) || bytes > size_ - at - sizeof(int64_t))
        pickle.fail("the file is cut short: storage " + shown(it->second->key) + " of " +
                    std::to_string(bytes) + " bytes begins at byte " + std::to_string(at) + " of " +
                    std::to_string(size_));
      if (uint64_t(declared(at)) != uint64_t(it->second->numel))
        pickle.fail("storage " + shown(it->second->key) + " does not have the " +
                    std::to_string(it->second->numel) + " elements that the pickle declares");
      if (!begin_.emplace(it->second->key, at + sizeof(int64_t)).second)
        pickle.fail("storage " + shown(it->second->key) + " is there twice");
      at += sizeof(int64_t) + bytes;
    }
    if (at != size_)
      pickle.fail(std::to_string(size_ - at) + " bytes after the last storage belong to none");
  }

  int64_t declared(uint64_t at) {
    unsigned char bytes[8];
    in_.clear(), in_.seekg(std::streamoff(at));
    if (!in_.read(reinterpret_cast<char*>(bytes), sizeof bytes))
      throw BadInput(name_ + ": the file cannot be read");
    uint64_t value = 0;
    for (int i = 7; i >= 0; --i) value = value << 8 | bytes[i];
    return int64_t(value);
  }

  Tensor load(const pickle::Unpickler& pickle, const pickle::PickledStorage& storage) {
    const auto it = begin_.find(storage.key);
    if (it == begin_.end()) pickle.fail("storage " + shown(storage.key) + " is not in the file");
    Tensor out = torch::empty({storage.numel}, storage.type);
    in_.clear(), in_.seekg(std::streamoff(it->second));
    if (!in_.read(static_cast<char*>(out.mutable_data_ptr()), std::streamsize(out.nbytes())))
      throw BadInput(name_ + ": the file cannot be read");
    return out;
  }

  const std::string name_, wanted_;
  std::ifstream in_;
  const uint64_t size_;
  std::string text_;
  std::map<std::string, uint64_t> begin_;
};
}  // namespace

std::map<std::string, Tensor> read_pytorch_zip(const std::filesystem::path& path,
                                               const std::string& wanted, std::string& taken,
                                               bool& checked) {
  const std::string file = path.string();
  const ZipFile zip(path, ZipFile::Checksums::kMayBeAbsent);
  checked = zip.has_checksums();
  const uint64_t size = std::filesystem::file_size(path);
  const std::string folder = folder_of(zip, file);
  const ZipFile::Entry* order = zip.find(folder + "byteorder");
  const bool swapped = order && is_big_endian(zip.read(*order, kLongestText), file);
  const std::string text = zip.read(stored(zip, folder + "data.pkl", file), size);
  pickle::Unpickler pickle(file, text, budget_for(size));
  const StateDict state = find_state_dict(pickle, pickle.read(), wanted);
  taken = state.taken;
  if (swapped) refuse_bytes(pickle);
  uint64_t left = size;  // entries may overlap in a malicious file, and be counted often
  return views(pickle, state, [&](const pickle::PickledStorage& storage) {
    const ZipFile::Entry& entry = stored(zip, folder + "data/" + storage.key, file);
    if (entry.size != bytes_of(storage, pickle))
      pickle.fail("entry " + shown(entry.name) + " has " + std::to_string(entry.size) +
                  " bytes instead of " + std::to_string(bytes_of(storage, pickle)));
    if (entry.size > left) pickle.fail("its storages are larger than the file");
    left -= entry.size;
    Tensor out = torch::empty({storage.numel}, storage.type);
    zip.read(entry, static_cast<char*>(out.mutable_data_ptr()));
    if (swapped) swap_bytes(out);
    return out;
  });
}

std::map<std::string, Tensor> read_pytorch_legacy(const std::filesystem::path& file,
                                                  const std::string& wanted, std::string& taken) {
  return LegacyReader(file, wanted).read(taken);
}

bool looks_like_legacy(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string begin(
      std::max(kProtocolBytes + kFrameBytes + kMagic.size(), kMagicOfProtocol1.size()), '\0');
  in.read(begin.data(), std::streamsize(begin.size()));
  if (begin.starts_with(kMagicOfProtocol1)) return true;
  const size_t at = begin.find(kMagic);
  return begin[0] == '\x80' && (at == kProtocolBytes || at == kProtocolBytes + kFrameBytes);
}

}  // namespace gauntlet::models
