// Pickles and files of torch.save, byte by byte, so that a test can spoil each part.
#pragma once
#include <string>
#include <vector>

#include "tests/support/zip_bytes.h"

namespace gauntlet::testing {

inline std::string p_text(const std::string& text) {
  return "X" + little_endian(text.size(), 4) + text;
}
inline std::string p_int(int64_t value) { return "\x8a\x08" + little_endian(uint64_t(value), 8); }
inline std::string p_global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string p_ints(const std::vector<int64_t>& values) {
  std::string out = "(";
  for (const int64_t value : values) out += p_int(value);
  return out + "t";
}
inline std::string pickled(const std::string& body) { return "\x80\x02" + body + "."; }

struct StorageText {
  std::string key = "0", type = "FloatStorage";
  int64_t numel = 6;
};
inline std::string p_storage(const StorageText& s, bool legacy) {
  return "(" + p_text("storage") + p_global("torch", s.type) + p_text(s.key) + p_text("cpu") +
         p_int(s.numel) + (legacy ? "N" : "") + "tQ";
}
inline std::string p_ordered_dict() { return p_global("collections", "OrderedDict") + ")R"; }
inline std::string p_tensor(const StorageText& storage, int64_t offset,
                            const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides,
                            bool legacy = false) {
  return p_global("torch._utils", "_rebuild_tensor_v2") + "(" + p_storage(storage, legacy) +
         p_int(offset) + p_ints(sizes) + p_ints(strides) + "\x89" + p_ordered_dict() + "tR";
}
/// One dict of name and already pickled value.
inline std::string p_dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string out = "}(";
  for (const auto& [name, value] : items) out += p_text(name) + value;
  return out + "u";
}

inline std::string torch_zip(const std::string& pickle,
                             const std::vector<std::pair<std::string, std::string>>& data,
                             std::vector<ZipPart> more = {}) {
  std::vector<ZipPart> parts = {{"archive/data.pkl", pickle}};
  for (const auto& [key, bytes] : data) parts.push_back({"archive/data/" + key, bytes});
  for (ZipPart& part : more) parts.push_back(std::move(part));
  return zip_bytes(parts);
}

inline const std::string kLegacyMagic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.",
                                      15);
/// `storages`: key, number of elements, bytes.
struct LegacyStorage {
  std::string key;
  int64_t numel;
  std::string bytes;
};
inline std::string torch_legacy(const std::string& pickle,
                                const std::vector<LegacyStorage>& storages, bool little = true,
                                int64_t version = 1001) {
  std::string keys = "](", data;
  for (const LegacyStorage& s : storages) {
    keys += p_text(s.key);
    data += little_endian(uint64_t(s.numel), 8) + s.bytes;
  }
  return kLegacyMagic + pickled(p_int(version)) +
         pickled(p_dict({{"little_endian", little ? "\x88" : "\x89"}})) + pickle +
         pickled(keys + "e") + data;
}

}  // namespace gauntlet::testing
