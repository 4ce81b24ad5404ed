#pragma once
#include <functional>

namespace gauntlet {

/// Whether `action` would end this process (a segmentation fault, a stack overflow): tried in a
/// child, which computes in one thread. What `action` throws or changes is lost.
bool crashes(const std::function<void()>& action);

}  // namespace gauntlet
