#include "reports/files/npz_writer.h"

#include <stdexcept>

#include "base/zip_writer.h"

namespace gauntlet::reports::files {
namespace {

constexpr size_t kAlignment = 64;  // of the values, as NumPy writes them
constexpr size_t kMagic = 10;      // bytes before the header: magic, version, length

const char* descr_of(const std::string& name, at::ScalarType type) {
  switch (type) {
    case at::kBool:
      return "|b1";
    case at::kByte:
      return "|u1";
    case at::kInt:
      return "<i4";
    case at::kLong:
      return "<i8";
    case at::kFloat:
      return "<f4";
    case at::kDouble:
      return "<f8";
    default:
      throw std::invalid_argument("array '" + name + "' is of no type that is written");
  }
}

// The array as a .npy file, format 1.0.
std::string npy_of(const std::string& name, const Tensor& tensor) {
  const Tensor values = tensor.detach().to(torch::kCPU).contiguous();
  std::string shape;
  for (const int64_t size : values.sizes()) shape += std::to_string(size) + ", ";
  if (values.dim() > 1) shape.resize(shape.size() - 2);
  if (values.dim() == 1) shape.pop_back();  // (5,)
  std::string header = "{'descr': '";
  header += descr_of(name, values.scalar_type());
  header += "', 'fortran_order': False, 'shape': (";
  header += shape;
  header += "), }";
  const size_t length = (kMagic + header.size() + kAlignment) / kAlignment * kAlignment - kMagic;
  header.resize(length - 1, ' ');
  header += '\n';
  std::string out("\x93NUMPY\x01\0", 8);
  out += char(header.size() & 0xff);
  out += char(header.size() >> 8);
  out += header;
  out.append(static_cast<const char*>(values.const_data_ptr()), values.nbytes());
  return out;
}

}  // namespace

void write_npz(const std::filesystem::path& file, const std::map<std::string, Tensor>& arrays) {
  ZipWriter archive(file);
  for (const auto& [name, tensor] : arrays) archive.add(name + ".npy", npy_of(name, tensor));
  archive.close();
}

}  // namespace gauntlet::reports::files
