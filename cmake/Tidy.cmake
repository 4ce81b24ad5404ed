# tidy: clang-tidy over framework/, reports/ and plugins/ with the checks of .clang-tidy. Only in the preset "tidy", which
# has a build folder of its own: clang cannot read GCC's precompiled headers. Nothing is compiled there. Since LibTorch's
# headers cost a minute each time, the sources of a folder are one unit; a finding keeps the file and line that it is in.
option(GAUNTLET_TIDY "make the target tidy" OFF)
if(NOT GAUNTLET_TIDY)
  return()
endif()
# Each version finds other things: that of Debian 12 first.
find_program(GAUNTLET_CLANG_TIDY NAMES clang-tidy-14 clang-tidy)
if(NOT GAUNTLET_CLANG_TIDY)
  add_custom_target(tidy COMMAND "${CMAKE_COMMAND}" -E echo "clang-tidy is missing: install the package clang-tidy."
    COMMAND "${CMAKE_COMMAND}" -E false VERBATIM)
  return()
endif()
add_custom_target(tidy COMMAND "${PROJECT_SOURCE_DIR}/cmake/tidy.sh" "${GAUNTLET_CLANG_TIDY}" "${PROJECT_SOURCE_DIR}"
  "${PROJECT_BINARY_DIR}" USES_TERMINAL VERBATIM)
