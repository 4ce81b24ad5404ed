#pragma once

namespace gauntlet::evaluation {

/// Thrown when the user stops the run; results of this task are dropped.
struct Interrupted {};

}  // namespace gauntlet::evaluation
