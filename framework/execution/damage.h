#pragma once
#include "execution/run_suite.h"

namespace gauntlet {

/// Says of records that the store lost, and that a run asked for, that they are computed again.
inline void tell_damage(const Store& store, RunEvents& events) {
  for (const std::string& sentence : store.take_damage())
    events.remark(sentence + "; it is computed again");
}

}  // namespace gauntlet
