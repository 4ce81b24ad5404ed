// NumPy's .npy arrays inside a zip archive: a magic of 6 bytes, a version of 2, the length of the
// header, the header (a Python dict as text), the values.
#include "gauntlet/arrays.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <numeric>
#include <optional>

#include "base/bad_input.h"
#include "base/plausible_size.h"
#include "base/shown.h"
#include "base/zip.h"
#include "gauntlet/params.h"
#include "sdk/numpy_values.h"

namespace gauntlet {
namespace {

constexpr size_t kMostDimensions = 16;
constexpr int64_t kLargestDimension = int64_t{1} << 40;

struct Header {
  NumpyType type;
  std::vector<int64_t> shape;
  bool column_major = false;
  uint64_t bytes = 0;  // of the values
};

// The text after 'key': in the dict; empty if it has no such key.
std::string_view after_key(std::string_view dict, const std::string& key) {
  for (const char quote : {'\'', '"'}) {
    const size_t at = dict.find(quote + key + quote);
    if (at == std::string_view::npos) continue;
    dict.remove_prefix(at + key.size() + 2);
    const size_t value = dict.find_first_not_of(": ");
    return value == std::string_view::npos ? std::string_view() : dict.substr(value);
  }
  return {};
}

// The value's text: to the closing quote of a name, else (a structure) to the end of the line.
std::string_view whole_value(std::string_view value) {
  const bool quoted = value.starts_with('\'') || value.starts_with('"');
  const size_t end = quoted ? value.find(value[0], 1) : value.find(", 'fortran_order'");
  if (end == std::string_view::npos) return value;
  return quoted ? value.substr(1, end - 1) : value.substr(0, end);
}

std::optional<std::vector<int64_t>> shape_of(std::string_view text) {
  if (text.empty() || text[0] != '(') return {};
  text.remove_prefix(1);
  const size_t end = text.find(')');
  if (end == std::string_view::npos) return {};
  std::vector<int64_t> shape;
  for (text = text.substr(0, end); !text.empty();) {
    if (text[0] == ' ' || text[0] == ',') {
      text.remove_prefix(1);
      continue;
    }
    int64_t size = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (error != std::errc{} || size < 0 || size > kLargestDimension ||
        shape.size() == kMostDimensions)
      return {};
    text.remove_prefix(size_t(rest - text.data()));
    shape.push_back(size);
  }
  return shape;
}

Header parse_header(std::string_view dict, const std::string& what) {
  const std::string_view descr = after_key(dict, "descr"), order = after_key(dict, "fortran_order");
  const std::string_view name = whole_value(descr);
  const auto type = numpy_type(name);
  if (!type)
    throw BadInput(what + "has dtype " + shown(name) +
                   ", expected bool, int8 to int64, uint8 to uint64 or float16 to float64");
  const auto shape = shape_of(after_key(dict, "shape"));
  if (!shape || (!order.starts_with("True") && !order.starts_with("False")))
    throw BadInput(what + "has a header that is none of NumPy's");
  Header header{*type, *shape, order.starts_with("True"), 0};
  double bytes = double(c10::elementSize(type->stored));
  for (const int64_t size : *shape) bytes *= double(size);
  if (bytes > 9e18) throw BadInput(what + "says it is larger than any file");
  header.bytes = c10::elementSize(type->stored);
  for (const int64_t size : *shape) header.bytes *= uint64_t(size);
  return header;
}

// The array in these bytes, which it keeps as its values.
Tensor array_of(std::string bytes, const std::string& what) {
  const auto kept = std::make_shared<std::string>(std::move(bytes));
  const std::string_view all(*kept);
  const auto byte = [&](size_t at) { return uint64_t(uint8_t(all[at])); };
  if (all.size() < 12 || !all.starts_with("\x93NUMPY"))
    throw BadInput(what + "is no NumPy array: its magic is wrong");
  uint64_t length = byte(8) | byte(9) << 8, begin = 10;
  if (byte(6) > 1) {  // versions 2 and 3 have a length of 4 bytes
    length |= byte(10) << 16 | byte(11) << 24;
    begin = 12;
  }
  if (length > all.size() - begin) throw BadInput(what + "is cut short in its header");
  const Header header = parse_header(all.substr(begin, length), what);
  begin += length;
  if (header.bytes != all.size() - begin)
    throw BadInput(what + "declares " + std::to_string(header.bytes) + " bytes of values, but " +
                   std::to_string(all.size() - begin) + " follow");
  std::vector<int64_t> shape = header.shape;
  if (header.column_major) std::reverse(shape.begin(), shape.end());
  to_native_order(kept->data() + begin, header.bytes, header.type);
  Tensor values = torch::from_blob(
      kept->data() + begin, shape, [kept](void*) {}, header.type.stored);
  if (begin % sizeof(double) != 0) values = values.clone();  // NumPy aligns to 64
  values = computable(values, what);
  if (!header.column_major) return values;
  std::vector<int64_t> order(shape.size());
  std::iota(order.rbegin(), order.rend(), 0);
  return values.permute(order).contiguous();
}

std::map<std::string, Tensor> read_arrays(const std::string& file,
                                          const std::vector<std::string>& wanted,
                                          int64_t most_bytes) {
  const ZipFile zip(file);
  if (most_bytes == 0) most_bytes = plausible_bytes(std::filesystem::file_size(file));
  std::map<std::string, Tensor> out;
  for (const ZipFile::Entry& entry : zip.entries()) {
    std::string name = entry.name;
    if (name.ends_with(".npy")) name.resize(name.size() - 4);
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
    out[name] =
        array_of(zip.read(entry, uint64_t(most_bytes)), file + ": the array " + shown(name) + " ");
  }
  return out;
}
}  // namespace

std::map<std::string, Tensor> read_npz(const std::string& file,
                                       const std::vector<std::string>& wanted, int64_t most_bytes) {
  try {
    return read_arrays(file, wanted, most_bytes);
  } catch (const BadInput& error) {
    throw ParamError(error.what());
  }
}

}  // namespace gauntlet
