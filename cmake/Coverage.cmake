# coverage: which lines of framework/, reports/ and plugins/ the tests of tests/unit/ run, as a table.
# coverage-NAME: the same by the tests of tests/unit/NAME/ alone. Only in the preset "coverage".
option(GAUNTLET_COVERAGE "count the lines that tests run" OFF)
if(NOT GAUNTLET_COVERAGE OR NOT GAUNTLET_TESTS)
  return()
endif()

# The gcov of the compiler: another version cannot read what this one writes.
get_filename_component(compiler "${CMAKE_CXX_COMPILER}" REALPATH)
if(compiler MATCHES "-([0-9]+)$")
  find_program(GAUNTLET_GCOV NAMES gcov-${CMAKE_MATCH_1} gcov)
else()
  find_program(GAUNTLET_GCOV gcov)
endif()

# gauntlet_coverage(target program...): runs the tests of these programs and prints the table.
function(gauntlet_coverage target)
  if(NOT GAUNTLET_GCOV)
    add_custom_target(${target} COMMAND "${CMAKE_COMMAND}" -E echo "gcov of this compiler is missing."
      COMMAND "${CMAKE_COMMAND}" -E false VERBATIM)
    return()
  endif()
  list(TRANSFORM ARGN REPLACE "_test$" "" OUTPUT_VARIABLE names)
  list(JOIN names "|" names)
  add_custom_target(${target}
    # Counts of earlier runs would be added to.
    COMMAND find "${PROJECT_BINARY_DIR}" -name "*.gcda" -delete
    COMMAND "${CMAKE_CTEST_COMMAND}" --output-on-failure -j 2 --no-tests=error -R "^(${names})[.]"
    COMMAND /usr/bin/python3 "${PROJECT_SOURCE_DIR}/cmake/coverage.py" "${GAUNTLET_GCOV}" "${PROJECT_SOURCE_DIR}"
      "${PROJECT_BINARY_DIR}"
    DEPENDS ${ARGN} WORKING_DIRECTORY "${PROJECT_BINARY_DIR}" USES_TERMINAL VERBATIM)
endfunction()

set(unit_tests "")
file(GLOB folders CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/unit/*/CMakeLists.txt")
foreach(file IN LISTS folders)
  get_filename_component(folder "${file}" DIRECTORY)
  get_filename_component(name "${folder}" NAME)
  get_property(programs DIRECTORY "${folder}" PROPERTY BUILDSYSTEM_TARGETS)
  list(FILTER programs INCLUDE REGEX "_test$")
  if(programs)
    gauntlet_coverage(coverage-${name} ${programs})
    list(APPEND unit_tests ${programs})
  endif()
endforeach()
gauntlet_coverage(coverage ${unit_tests})
