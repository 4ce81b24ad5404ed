#pragma once
#include <functional>
#include <string>

namespace gauntlet::models {

/// How `action` would end this process: "crashes" (a segmentation fault, a stack overflow), "takes
/// more memory than there is", "does not end in … seconds"; empty where it would not. Tried in a
/// child, which computes in one thread. What `action` throws or changes is lost.
std::string fatal_end(const std::function<void()>& action, unsigned seconds);

}  // namespace gauntlet::models
