# Flags, ccache, the precompiled header, the SDK's digest, and gauntlet_component().
set(our_flags -fPIC -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Werror
  # No path of this machine in a binary; of several prefixes that match, the last one counts.
  "-ffile-prefix-map=${PROJECT_SOURCE_DIR}=." "-ffile-prefix-map=${PROJECT_BINARY_DIR}=build"
  "-ffile-prefix-map=${GAUNTLET_TORCH}=libtorch")
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

add_library(gauntlet_pch OBJECT "${PROJECT_SOURCE_DIR}/cmake/pch.cc")
target_link_libraries(gauntlet_pch PRIVATE gauntlet::torch)
target_precompile_headers(gauntlet_pch PRIVATE "${PROJECT_SOURCE_DIR}/cmake/pch.h")

# What ./gauntlet builds before it starts the host: all that is installed, no test.
add_custom_target(shipped)
function(gauntlet_ship_plugin target kind)
  set(folder lib/gauntlet/plugins/${kind}s)
  get_target_property(name ${target} OUTPUT_NAME)
  add_dependencies(shipped ${target})
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

# gauntlet_component(name [DEPENDS component...] [LINKS library...]): the static library of one folder
# of the framework, made of the .cc files in the current folder.
function(gauntlet_component name)
  cmake_parse_arguments(arg "" "" "DEPENDS;LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cc)
  add_library(gauntlet_${name} STATIC ${sources})
  target_include_directories(gauntlet_${name} PUBLIC "${PROJECT_SOURCE_DIR}/framework" "${PROJECT_SOURCE_DIR}")
  list(TRANSFORM arg_DEPENDS PREPEND gauntlet_)
  target_link_libraries(gauntlet_${name} PUBLIC gauntlet ${arg_DEPENDS} ${arg_LINKS})
  target_precompile_headers(gauntlet_${name} REUSE_FROM gauntlet_pch)
  gauntlet_compile_together(gauntlet_${name})
endfunction()
