// What bad input is told.
#pragma once
#include <functional>
#include <string>

#include "base/bad_input.h"

namespace gauntlet {

/// The sentence of the BadInput that `action` throws; "" where it throws none.
inline std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const BadInput& error) {
    return error.what();
  }
  return "";
}

}  // namespace gauntlet
