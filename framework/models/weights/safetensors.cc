// https://github.com/huggingface/safetensors: 8 bytes length of the header (little-endian), the
// header in JSON, then the tensors' bytes, which cover the rest of the file without gap or overlap.
#include "models/weights/safetensors.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <stdexcept>

#include "base/bad_input.h"
#include "base/draft.h"
#include "base/shown.h"
#include "pickle/file_limits.h"

namespace gauntlet::models {
namespace {
using Json = nlohmann::json;
constexpr size_t kLengthBytes = 8;
constexpr size_t kLargestHeader = 100'000'000;  // as the reference implementation
constexpr size_t kMostParts = 64;  // keys, values, brackets of an entry; 16 dimensions make 28

struct Dtype {
  const char* name;
  at::ScalarType type;
  int bits;
  bool plain = false;
};
// The first are plain. Bits8: read over.
constexpr Dtype kDtypes[] = {{"F32", at::kFloat, 32, true},
                             {"F64", at::kDouble, 64, true},
                             {"F16", at::kHalf, 16, true},
                             {"BF16", at::kBFloat16, 16, true},
                             {"I64", at::kLong, 64, true},
                             {"I32", at::kInt, 32, true},
                             {"U8", at::kByte, 8, true},
                             {"BOOL", at::kBool, 8, true},
                             {"I8", at::kChar, 8},
                             {"I16", at::kShort, 16},
                             {"U16", at::kUInt16, 16},
                             {"U32", at::kUInt32, 32},
                             {"U64", at::kUInt64, 64},
                             {"C64", at::kComplexFloat, 64},
                             {"F8_E4M3", at::kFloat8_e4m3fn, 8},
                             {"F8_E5M2", at::kFloat8_e5m2, 8},
                             {"F8_E4M3FNUZ", at::kFloat8_e4m3fnuz, 8},
                             {"F8_E5M2FNUZ", at::kFloat8_e5m2fnuz, 8},
                             {"F8_E8M0", at::kBits8, 8},
                             {"F6_E2M3", at::kBits8, 6},
                             {"F6_E3M2", at::kBits8, 6},
                             {"F4", at::kBits8, 4}};

struct Entry {
  std::string name;
  Dtype dtype;
  std::vector<int64_t> shape;
  size_t begin = 0, end = 0;  // in the data after the header
};

// What is wrong, said about one file.
class Reader {
 public:
  Reader(std::string name, std::istream& in, size_t size, Dtypes dtypes)
      : name_(std::move(name)), in_(in), size_(size), dtypes_(dtypes) {}

  std::map<std::string, Tensor> read() {
    const size_t header = header_length();
    std::string text(header, '\0');
    take(text.data(), header);
    data_ = size_ - kLengthBytes - header;
    std::vector<Entry> entries = parse_header(text);
    check_coverage(entries);
    std::map<std::string, Tensor> tensors;
    for (const Entry& entry : entries) tensors[entry.name] = read_tensor(entry);
    return tensors;
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw BadInput(name_ + ": " + problem);
  }
  [[noreturn]] void fail(const std::string& tensor, const std::string& problem) const {
    fail("tensor " + shown(tensor) + ": " + problem);
  }
  void take(char* to, size_t bytes) {
    if (!in_.read(to, std::streamsize(bytes))) fail("the file cannot be read");
  }

  size_t header_length() {
    if (size_ < kLengthBytes)
      fail(std::to_string(size_) + " bytes are too few for a safetensors file");
    unsigned char bytes[kLengthBytes];
    take(reinterpret_cast<char*>(bytes), kLengthBytes);
    uint64_t length = 0;
    for (int i = kLengthBytes - 1; i >= 0; --i) length = length << 8 | bytes[i];
    if (length > size_ - kLengthBytes || length > kLargestHeader)
      fail("the safetensors header is said to have " + std::to_string(length) +
           " bytes, but only " + std::to_string(size_ - kLengthBytes) + " follow");
    return length;
  }

  // Entry by entry, and no more of one than it needs: the header as JSON values would take many
  // times its size.
  std::vector<Entry> parse_header(const std::string& text) const {
    if (text.empty() || text[0] != '{') fail("the safetensors header is not a JSON object");
    using Event = Json::parse_event_t;
    std::vector<Entry> entries;
    std::string name;
    size_t parts = 0;  // of its entry
    const auto see = [&](int depth, Event event, Json& value) {
      if (event == Event::key && depth == 1) name = value.get_ref<const std::string&>(), parts = 0;
      if (depth > 3) fail(name, "its entry is nested");  // lists are at 2, their items at 3
      if (name == "__metadata__") return depth == 0 || event == Event::key;
      if (name.size() > pickle::kLongestTensorName) fail(name, "its name is too long");
      if (++parts > kMostParts) fail(name, "its entry is too long");
      if (depth != 1 || event == Event::key || event == Event::object_start) return true;
      entries.push_back(parse_entry(name, value));
      if (entries.size() > pickle::kMostTensors)
        fail("it has more than " + std::to_string(pickle::kMostTensors) + " tensors");
      return false;  // nothing more of it is needed
    };
    const Json header = Json::parse(text, see, /*allow_exceptions=*/false);
    if (header.is_discarded()) fail("the safetensors header is not valid JSON");
    std::set<std::string_view> names;
    for (const Entry& entry : entries)
      if (!names.insert(entry.name).second) fail(entry.name, "it is there twice");
    return entries;
  }

  Entry parse_entry(const std::string& name, const Json& value) const {
    if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") ||
        !value.contains("data_offsets"))
      fail(name, "expected dtype, shape and data_offsets");
    const Json &dtype = value["dtype"], &shape = value["shape"], &offsets = value["data_offsets"];
    Entry entry{name, parse_dtype(name, dtype), {}};
    const auto counts = [&](const Json& list) {
      return list.is_array() && list.size() <= pickle::kMostDimensions &&
             std::all_of(list.begin(), list.end(), [](const Json& item) {
               return item.is_number_unsigned() && item.get<uint64_t>() <= INT64_MAX;
             });
    };
    if (!counts(shape))
      fail(name, "its shape is not a list of at most " + std::to_string(pickle::kMostDimensions) +
                     " sizes");
    if (!counts(offsets) || offsets.size() != 2)
      fail(name, "its data_offsets are not two positions");
    entry.shape = shape.get<std::vector<int64_t>>();
    entry.begin = offsets[0].get<size_t>(), entry.end = offsets[1].get<size_t>();
    if (entry.begin > entry.end || entry.end > data_)
      fail(name, "its data_offsets [" + std::to_string(entry.begin) + ", " +
                     std::to_string(entry.end) + "] are outside the " + std::to_string(data_) +
                     " bytes of data");
    constexpr int kByte = 8;
    if (pickle::element_count(entry.shape) * entry.dtype.bits !=
        double(entry.end - entry.begin) * kByte)
      fail(name, "dtype and shape do not fit its " + std::to_string(entry.end - entry.begin) +
                     " bytes of data");
    return entry;
  }

  Dtype parse_dtype(const std::string& tensor, const Json& dtype) const {
    if (!dtype.is_string()) fail(tensor, "its dtype is not a name");
    std::string names;
    for (const Dtype& known : kDtypes) {
      if (!known.plain && dtypes_ == Dtypes::kPlain) continue;
      if (dtype == known.name) return known;
      names += (names.empty() ? "" : ", ") + std::string(known.name);
    }
    fail(tensor,
         "unknown dtype " + shown(dtype.get_ref<const std::string&>()) + "; known: " + names);
  }

  void check_coverage(std::vector<Entry>& entries) const {
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
    });
    size_t covered = 0;
    for (const Entry& entry : entries) {
      if (entry.begin < covered) fail(entry.name, "its data overlap those of another tensor");
      if (entry.begin > covered) fail(entry.name, "there is a gap before its data");
      covered = entry.end;
    }
    if (covered != data_)
      fail(std::to_string(data_ - covered) + " bytes after the last tensor belong to none");
  }

  Tensor read_tensor(const Entry& entry) {
    const size_t size = entry.end - entry.begin;
    if (entry.dtype.type == at::kBits8) {
      if (!in_.ignore(std::streamsize(size))) fail("the file cannot be read");
      return torch::empty({}, at::kBits8).expand(entry.shape);
    }
    Tensor tensor = torch::empty(entry.shape, entry.dtype.type);
    char* bytes = static_cast<char*>(tensor.mutable_data_ptr());
    if (size) take(bytes, size);
    if (!pickle::holds_bools(tensor)) fail(entry.name, "a BOOL is neither 0 nor 1");
    return tensor;
  }

  std::string name_;
  std::istream& in_;
  size_t size_, data_ = 0;
  Dtypes dtypes_;
};

std::string dtype_name(const std::string& tensor, at::ScalarType type) {
  if (type == at::kFloat) return "F32";
  if (type == at::kLong) return "I64";
  if (type == at::kByte) return "U8";
  if (type == at::kDouble) return "F64";
  if (type == at::kInt) return "I32";
  if (type == at::kBool) return "BOOL";
  throw std::invalid_argument("tensor '" + tensor +
                              "': only float32, float64, int64, int32, uint8 and bool are written");
}

std::string header_of(const std::map<std::string, Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  size_t at = 0;
  for (const auto& [name, tensor] : tensors) {
    const size_t end = at + tensor.nbytes();
    header[name] = {{"dtype", dtype_name(name, tensor.scalar_type())},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // tensors begin at a multiple of 8
  return text;
}

// Reaches the disk before the name does: a crash leaves the old file or the new one.
void replace_file(const std::filesystem::path& file, const std::filesystem::path& temporary) {
  const int descriptor = ::open(temporary.c_str(), O_RDONLY);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  if (descriptor >= 0) ::close(descriptor);
  if (!synced) throw std::runtime_error(temporary.string() + ": the file cannot be written");
  std::filesystem::rename(temporary, file);
}
}  // namespace

std::map<std::string, Tensor> read_safetensors(const std::filesystem::path& file, Dtypes dtypes) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error))
    throw BadInput(file.string() + ": no such file");
  std::ifstream in(file, std::ios::binary);
  const size_t size = std::filesystem::file_size(file, error);
  if (!in || error) throw BadInput(file.string() + ": the file cannot be read");
  return Reader(file.string(), in, size, dtypes).read();
}

std::map<std::string, Tensor> parse_safetensors(const std::string& bytes, const std::string& name) {
  std::istringstream in(bytes);
  return Reader(name, in, bytes.size(), Dtypes::kPlain).read();
}

void write_safetensors(const std::filesystem::path& file,
                       const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string header = header_of(tensors, metadata);
  const std::filesystem::path temporary = draft_of(file);
  try {
    std::ofstream out(temporary, std::ios::binary);
    for (size_t i = 0; i < kLengthBytes; ++i) out.put(char(uint64_t(header.size()) >> 8 * i));
    out << header;
    for (const auto& [name, tensor] : tensors) {
      const Tensor plain = tensor.detach().to(torch::kCPU).contiguous();
      out.write(static_cast<const char*>(plain.const_data_ptr()), std::streamsize(plain.nbytes()));
    }
    out.close();
    if (!out) throw std::runtime_error(file.string() + ": the file cannot be written");
    replace_file(file, temporary);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw;
  }
}

}  // namespace gauntlet::models
