#include "library/stamp_reader.h"

#include <elf.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "gauntlet/abi.h"

namespace gauntlet::library {
namespace fs = std::filesystem;
namespace {

#if defined(__x86_64__)
constexpr Elf64_Half kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
#else
#error "unknown machine: add its ELF number"
#endif

/// A file whose reads cannot leave it.
class Bytes {
 public:
  explicit Bytes(const fs::path& file) : in_(file, std::ios::binary) {
    std::error_code failed;
    size_ = fs::file_size(file, failed);
    if (failed) in_.close();
  }
  bool is_open() const { return in_.is_open(); }
  uint64_t size() const { return size_; }
  bool contains(uint64_t offset, uint64_t length) const {
    return offset <= size_ && length <= size_ - offset;
  }
  bool read(void* to, uint64_t offset, uint64_t length) {
    if (!contains(offset, length)) return false;
    in_.clear();
    in_.seekg(std::streamoff(offset));
    in_.read(static_cast<char*>(to), std::streamsize(length));
    return in_.gcount() == std::streamsize(length);
  }

 private:
  std::ifstream in_;
  uint64_t size_ = 0;
};

/// A field of the stamp; it need not end in a zero in a damaged file.
template <size_t N>
std::string text(const char (&field)[N]) {
  return std::string(field, strnlen(field, N));
}

Stamp stamp_of(const gauntlet_stamp& raw) {
  Stamp stamp;
  stamp.abi = text(raw.abi);
  // Another ABI may have moved the fields behind it; with another size it surely has.
  if (raw.stamp_size != sizeof raw) return stamp;
  stamp.kind = text(raw.kind);
  stamp.name = text(raw.name);
  stamp.version = text(raw.version);
  stamp.torch = text(raw.torch);
  stamp.stdlib = text(raw.stdlib);
  stamp.compiler = text(raw.compiler);
  stamp.summary = text(raw.summary);
  return stamp;
}

bool all_printable(const std::string& s) {
  return std::none_of(s.begin(), s.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}
bool well_formed(const Stamp& s) {
  const auto in_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  const bool fields = (s.kind == "attack" || s.kind == "defense") && !s.name.empty() &&
                      std::all_of(s.name.begin(), s.name.end(), in_name);
  return fields && all_printable(s.version + s.torch + s.stdlib + s.compiler + s.summary);
}

/// The stamp in a section, if it is the one named ".gauntlet".
StampReading in_section(Bytes& bytes, const Elf64_Shdr& names, const Elf64_Shdr& section) {
  constexpr char kName[] = ".gauntlet";
  char name[sizeof kName];
  if (names.sh_offset > bytes.size() ||
      !bytes.read(name, names.sh_offset + section.sh_name, sizeof name))
    return {};
  if (std::memcmp(name, kName, sizeof kName) != 0) return {};
  gauntlet_stamp raw;
  const uint64_t head = offsetof(gauntlet_stamp, kind);  // magic, size and ABI: enough to refuse
  const uint64_t length = std::min<uint64_t>(section.sh_size, sizeof raw);
  std::memset(&raw, 0, sizeof raw);
  if (section.sh_type != SHT_PROGBITS || length < head ||
      !bytes.read(&raw, section.sh_offset, length) ||
      std::memcmp(raw.magic, GAUNTLET_MAGIC, sizeof raw.magic) != 0)
    return {std::nullopt, "its Gauntlet stamp is damaged"};
  return {stamp_of(raw), ""};
}

StampReading in_sections(Bytes& bytes, const Elf64_Ehdr& elf) {
  const StampReading none{std::nullopt,
                          "it is a shared library without a Gauntlet stamp, so no plugin made by "
                          "gauntlet_plugin() with GAUNTLET_ATTACK or GAUNTLET_DEFENSE"};
  if (elf.e_shoff == 0 || elf.e_shnum == 0) return none;
  const uint64_t table = uint64_t{elf.e_shnum} * sizeof(Elf64_Shdr);
  if (!bytes.contains(elf.e_shoff, table))
    return {std::nullopt, "it is cut short: its section table ends at byte " +
                              std::to_string(elf.e_shoff + table) + ", the file at byte " +
                              std::to_string(bytes.size())};
  const auto header = [&](uint64_t i, Elf64_Shdr& to) {
    return bytes.read(&to, elf.e_shoff + i * sizeof to, sizeof to);
  };
  Elf64_Shdr names, section;
  if (elf.e_shstrndx >= elf.e_shnum || !header(elf.e_shstrndx, names)) return none;
  for (uint64_t i = 0; i < elf.e_shnum && header(i, section); ++i) {
    StampReading found = in_section(bytes, names, section);
    if (found.stamp || !found.problem.empty()) return found;
  }
  return none;
}

}  // namespace

StampReading read_stamp(const fs::path& file) {
  std::error_code failed;
  const fs::file_status status = fs::status(file, failed);
  if (failed) return {std::nullopt, "it cannot be read (" + failed.message() + ")"};
  if (!fs::is_regular_file(status))
    return {std::nullopt, "it is no regular file, expected a plugin's .so"};
  errno = 0;
  Bytes bytes(file);
  if (!bytes.is_open())
    return {std::nullopt, "it cannot be read (" + std::generic_category().message(errno) + ")"};
  if (bytes.size() == 0) return {std::nullopt, "it is empty"};

  Elf64_Ehdr elf;
  unsigned char magic[SELFMAG];
  if (!bytes.read(magic, 0, sizeof magic) || std::memcmp(magic, ELFMAG, SELFMAG) != 0)
    return {std::nullopt, "it is no shared library (it does not begin as an ELF file does)"};
  if (!bytes.read(&elf, 0, sizeof elf))
    return {std::nullopt, "it is cut short: an ELF header has " + std::to_string(sizeof elf) +
                              " bytes, the file " + std::to_string(bytes.size())};
  if (elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_ident[EI_DATA] != ELFDATA2LSB ||
      elf.e_machine != kMachine)
    return {std::nullopt, "it is built for another kind of machine"};
  if (elf.e_type != ET_DYN || elf.e_shentsize != sizeof(Elf64_Shdr))
    return {std::nullopt, "it is an ELF file, but no shared library"};
  StampReading reading = in_sections(bytes, elf);
  if (reading.stamp && !reading.stamp->kind.empty() && !well_formed(*reading.stamp))
    return {std::nullopt, "its Gauntlet stamp is damaged"};
  return reading;
}

}  // namespace gauntlet::library
