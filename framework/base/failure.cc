#include "base/failure.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <exception>

namespace gauntlet {
namespace {

constexpr size_t kLongest = 600;  // bytes: a sentence that names shapes and names, and no more

// Length of the character that begins at text[at]; 0: it is none of UTF-8.
size_t character_at(const std::string& text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  const size_t length = first < 0x80                    ? 1
                        : first >= 0xc2 && first < 0xe0 ? 2
                        : first >= 0xe0 && first < 0xf0 ? 3
                        : first >= 0xf0 && first < 0xf5 ? 4
                                                        : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  const bool overlong =
                 (first == 0xe0 && byte(at + 1) < 0xa0) || (first == 0xf0 && byte(at + 1) < 0x90),
             surrogate = first == 0xed && byte(at + 1) >= 0xa0,
             beyond = first == 0xf4 && byte(at + 1) >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}
}  // namespace

std::string sentence_of_failure(const std::string& what) {
  size_t end = what.size();
  for (const char* frames : {"\nException raised from ", "\nframe #", "\nC++ CapturedTraceback:"})
    end = std::min(end, what.find(frames));
  std::string out;
  size_t at = 0;
  while (at < end && out.size() < kLongest) {
    const size_t length = character_at(what, at);
    out += length == 0 ? "?" : what.substr(at, length);
    at += std::max<size_t>(length, 1);
  }
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  if (at < end) out += "… (" + std::to_string(end) + " bytes)";
  return out;
}

std::string current_failure() {
  try {
    throw;
  } catch (const c10::Error& e) {
    return sentence_of_failure(e.what_without_backtrace());
  } catch (const std::exception& e) {
    return sentence_of_failure(e.what());
  } catch (...) {
    return "the plugin threw something that is no std::exception";
  }
}

}  // namespace gauntlet
