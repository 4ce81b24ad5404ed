// How often noise was asked for: whether a plugin that says it draws does so.
#pragma once
#include "gauntlet/noise.h"

namespace gauntlet {

/// Calls of normal(), uniform() and shared_normal() on this thread, of whatever source.
GAUNTLET_API int64_t noise_calls();

}  // namespace gauntlet
