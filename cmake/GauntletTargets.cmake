# Flags, ccache, the precompiled header, the SDK's digest, and gauntlet_component().
set(our_flags -fPIC -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Werror)
if(NOT GAUNTLET_COVERAGE)  # gcov has to find the files
  # No path of this machine in a binary; of several prefixes that match, the last one counts.
  list(APPEND our_flags "-ffile-prefix-map=${PROJECT_SOURCE_DIR}=." "-ffile-prefix-map=${PROJECT_BINARY_DIR}=build"
    "-ffile-prefix-map=${GAUNTLET_TORCH}=libtorch")
endif()
# GCC collects its garbage later: a tenth less time for a tenth more memory (1.6 GB at most). clang-tidy asks what it is.
list(APPEND our_flags
  "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<NOT:$<BOOL:${GAUNTLET_TIDY}>>>:--param=ggc-min-heapsize=2000000>")
add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:${our_flags}>" "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-fPIC>")
# The same bytes in every build folder: programs find libgauntlet relative to themselves.
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)

find_program(GAUNTLET_CCACHE ccache)
if(GAUNTLET_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Without these ccache passes every file by that uses a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
    CCACHE_DEPEND=1 CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime "${GAUNTLET_CCACHE}")
  add_compile_options("$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>")
endif()

# The ABI number in a plugin's stamp is a digest of the SDK's headers: nobody can forget to bump it.
include(AbiDigest)
gauntlet_abi_digest("${PROJECT_SOURCE_DIR}/framework/include/gauntlet" GAUNTLET_ABI_DIGEST sdk_headers)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${sdk_headers})
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/include/gauntlet/abi_digest.h" @ONLY CONTENT
"// Digest of the SDK's headers. Generated.
#pragma once
#define GAUNTLET_ABI_DIGEST \"@GAUNTLET_ABI_DIGEST@\"
")

file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/include/gauntlet/version.h" @ONLY CONTENT
"// Generated.
#pragma once
#define GAUNTLET_VERSION \"@PROJECT_VERSION@\"
")

# One for all that is not a test. Types keep the visibility that they were precompiled with: the default one, since
# libraries export some. What a plugin exports is said by its version script.
add_library(gauntlet_pch OBJECT "${PROJECT_SOURCE_DIR}/cmake/pch.cc")
set_target_properties(gauntlet_pch PROPERTIES CXX_VISIBILITY_PRESET default VISIBILITY_INLINES_HIDDEN OFF)
target_compile_options(gauntlet_pch PRIVATE -fno-semantic-interposition)
target_link_libraries(gauntlet_pch PRIVATE gauntlet::torch)
target_precompile_headers(gauntlet_pch PRIVATE "${PROJECT_SOURCE_DIR}/cmake/pch.h")

# What ./gauntlet builds before it starts the host: all that is installed, no test.
add_custom_target(shipped)
add_custom_target(plugins)
add_dependencies(shipped plugins)
function(gauntlet_ship_plugin target kind)
  set(folder lib/gauntlet/plugins/${kind}s)
  get_target_property(name ${target} OUTPUT_NAME)
  add_dependencies(plugins ${target})
  install(TARGETS ${target} LIBRARY DESTINATION ${folder})
  install(FILES preset.toml DESTINATION ${folder} RENAME ${name}.toml)
  install(FILES citation.bib DESTINATION ${folder} RENAME ${name}.bib OPTIONAL)
  install(FILES ${ARGN} DESTINATION ${folder})
endfunction()

# Sources of a target are compiled some at a time; names in their unnamed namespaces must differ within a folder.
# 0: all of them in one unit.
set(GAUNTLET_UNITY_BATCH 7 CACHE STRING "how many sources GAUNTLET_UNITY compiles together; 0: those of a folder")
function(gauntlet_compile_together target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${GAUNTLET_UNITY} UNITY_BUILD_BATCH_SIZE ${GAUNTLET_UNITY_BATCH})
endfunction()

# A library of the .cc files below a folder (default: that of the name).
function(gauntlet_folder name kind folder)
  if(NOT folder)
    set(folder ${name})
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${folder}/*.cc")
  list(SORT sources)
  add_library(gauntlet_${name} ${kind} ${sources})
  target_precompile_headers(gauntlet_${name} REUSE_FROM gauntlet_pch)
  gauntlet_compile_together(gauntlet_${name})
endfunction()

# gauntlet_objects(name [FOLDER folder] [LINKS library...]): objects of a shared library that exports all of them.
function(gauntlet_objects name)
  cmake_parse_arguments(arg "" "FOLDER" "LINKS" ${ARGN})
  gauntlet_folder(${name} OBJECT "${arg_FOLDER}")
  target_include_directories(gauntlet_${name} PUBLIC "${PROJECT_SOURCE_DIR}/framework" "${PROJECT_SOURCE_DIR}"
    "${PROJECT_SOURCE_DIR}/framework/include" "${PROJECT_BINARY_DIR}/include")
  set_target_properties(gauntlet_${name} PROPERTIES CXX_VISIBILITY_PRESET default VISIBILITY_INLINES_HIDDEN OFF)
  target_compile_options(gauntlet_${name} PRIVATE -fno-semantic-interposition)
  target_link_libraries(gauntlet_${name} PUBLIC gauntlet::torch ${arg_LINKS})
endfunction()

# gauntlet_component(name [FOLDER folder] [DEPENDS component...] [LINKS library...]): a static library of the program
# beside the engine.
function(gauntlet_component name)
  cmake_parse_arguments(arg "" "FOLDER" "DEPENDS;LINKS" ${ARGN})
  gauntlet_folder(${name} STATIC "${arg_FOLDER}")
  list(TRANSFORM arg_DEPENDS PREPEND gauntlet_)
  target_link_libraries(gauntlet_${name} PUBLIC gauntlet_engine ${arg_DEPENDS} ${arg_LINKS})
endfunction()
