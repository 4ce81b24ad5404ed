// What a plugin threw, as a sentence.
#pragma once
#include <string>

namespace gauntlet {

/// Of the exception that is being handled; to be called in a catch block.
std::string current_failure();

}  // namespace gauntlet
