#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace gauntlet {

/// SHA-256 of bytes that come piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void add(std::string_view bytes);
  /// Of a file's content. Throws BadInput if it cannot be read.
  void add_file(const std::filesystem::path& file);
  /// 64 hex digits; ends the digest.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// 64 hex digits.
std::string sha256(std::string_view bytes);
/// Of a file's content. Throws BadInput if it cannot be read.
std::string sha256_of_file(const std::filesystem::path& file);

}  // namespace gauntlet
