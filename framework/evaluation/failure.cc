#include "evaluation/failure.h"

#include <c10/util/Exception.h>

#include <exception>

namespace gauntlet {

std::string current_failure() {
  try {
    throw;
  } catch (const c10::Error& e) {
    return e.what_without_backtrace();
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "the plugin threw something that is no std::exception";
  }
}

}  // namespace gauntlet
