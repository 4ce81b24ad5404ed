# gauntlet_plugin(attack|defense NAME [SOURCES file...] [OUTPUT folder]): a plugin library from
# NAME.cc, made as <build>/plugins/attacks/NAME.so. OUTPUT puts it elsewhere (plugins of tests).
function(gauntlet_plugin kind name)
  cmake_parse_arguments(arg "" "OUTPUT" "SOURCES" ${ARGN})
  if(NOT kind MATCHES "^(attack|defense)$")
    message(FATAL_ERROR "gauntlet_plugin: the kind is attack or defense, not '${kind}'")
  endif()
  if(NOT name MATCHES "^[a-z][a-z0-9_]*$")
    message(FATAL_ERROR "gauntlet_plugin: a name is made of a-z, 0-9 and _, and begins with a letter, not '${name}'")
  endif()
  if(NOT arg_SOURCES)
    set(arg_SOURCES ${name}.cc)
  endif()
  set(target ${kind}_${name})
  add_library(${target} MODULE ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE gauntlet::gauntlet)
  # No path is written into a plugin: the program that loads it has libgauntlet and LibTorch already.
  set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME ${name} DEFINE_SYMBOL "" NO_SONAME ON
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
    SKIP_BUILD_RPATH ON INSTALL_RPATH "" LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/plugins/${kind}s")
  target_compile_options(${target} PRIVATE "-ffile-prefix-map=${CMAKE_CURRENT_SOURCE_DIR}=.")
  # Only the stamp and the entry are exported.
  target_link_options(${target} PRIVATE LINKER:--no-undefined "LINKER:--version-script=${GAUNTLET_PLUGIN_MAP}")
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS "${GAUNTLET_PLUGIN_MAP}")
  if(TARGET gauntlet_pch)
    target_precompile_headers(${target} REUSE_FROM gauntlet_pch)
  endif()
  if(arg_OUTPUT)
    set_target_properties(${target} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${arg_OUTPUT}")
  elseif(GAUNTLET_SHIP_PLUGINS)
    gauntlet_ship_plugin(${target} ${kind})
  endif()
endfunction()
set(GAUNTLET_PLUGIN_MAP "${CMAKE_CURRENT_LIST_DIR}/plugin.map")
