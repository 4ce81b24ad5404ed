// What a plugin threw, as a sentence.
#pragma once
#include <string>

namespace gauntlet {

/// Of the exception that is being handled; to be called in a catch block.
std::string current_failure();

/// What an exception says, without LibTorch's stack frames, as valid UTF-8 and of bounded length.
std::string sentence_of_failure(const std::string& what);

}  // namespace gauntlet
