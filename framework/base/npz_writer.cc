#include "base/npz_writer.h"

#include <zip.h>

#include <memory>
#include <stdexcept>
#include <vector>

#include "base/bad_input.h"

namespace gauntlet {
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

// libzip's own words.
[[noreturn]] void fail(const std::filesystem::path& file, const char* why) {
  std::string sentence = file.string();
  sentence += ": cannot be written (";
  sentence += why;
  throw BadInput(sentence + ")");
}

}  // namespace

void write_npz(const std::filesystem::path& file, const std::map<std::string, Tensor>& arrays) {
  std::vector<std::string>
      contents;  // must outlive the archive, which packs them when it is closed
  contents.reserve(arrays.size());
  int code = 0;
  zip_t* opened = zip_open(file.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  if (!opened) {
    zip_error_t problem;
    zip_error_init_with_code(&problem, code);
    fail(file, zip_error_strerror(&problem));
  }
  std::unique_ptr<zip_t, void (*)(zip_t*)> archive(opened, zip_discard);
  for (const auto& [name, tensor] : arrays) {
    const std::string& bytes = contents.emplace_back(npy_of(name, tensor));
    zip_source_t* source = zip_source_buffer(opened, bytes.data(), bytes.size(), 0);
    const zip_int64_t place =
        source ? zip_file_add(opened, (name + ".npy").c_str(), source, ZIP_FL_ENC_UTF_8) : -1;
    if (place < 0 && source) zip_source_free(source);
    if (place < 0) fail(file, zip_error_strerror(zip_get_error(opened)));
    const auto index = zip_uint64_t(place);
    zip_set_file_compression(opened, index, ZIP_CM_DEFLATE, 0);
    zip_file_set_dostime(opened, index, 0, 0x21, 0);  // 1980-01-01: no clock in the file
  }
  if (zip_close(opened) != 0) fail(file, zip_error_strerror(zip_get_error(opened)));
  archive.release();
}

}  // namespace gauntlet
