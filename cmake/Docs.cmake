# docs-api: pages of the SDK from the comments of its headers, in <build>/docs/api/html. Only where doxygen is installed.
find_program(GAUNTLET_DOXYGEN doxygen)
if(NOT GAUNTLET_DOXYGEN)
  return()
endif()
set(GAUNTLET_DOCS_OUTPUT "${PROJECT_BINARY_DIR}/docs/api")
configure_file("${PROJECT_SOURCE_DIR}/docs/Doxyfile.in" "${PROJECT_BINARY_DIR}/docs/Doxyfile" @ONLY)
add_custom_target(docs-api
  COMMAND "${CMAKE_COMMAND}" -E make_directory "${GAUNTLET_DOCS_OUTPUT}"
  COMMAND "${GAUNTLET_DOXYGEN}" "${PROJECT_BINARY_DIR}/docs/Doxyfile"
  COMMENT "Pages of the SDK: ${GAUNTLET_DOCS_OUTPUT}/html/index.html" VERBATIM)
