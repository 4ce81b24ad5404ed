# Finds LibTorch >= 2.8 by its files and makes the imported target gauntlet::torch. Looked at in this
# order: -DGAUNTLET_TORCH or the environment's, Torch_DIR, the torch of the active Python, the folder
# ./gauntlet fetches into. torch's own CMake config is not used: it demands a CUDA toolkit for a CUDA
# wheel. A system-wide LibTorch is never taken unless it is named.
set(GAUNTLET_TORCH_MINIMUM 2.8)
set(GAUNTLET_TORCH "" CACHE PATH "LibTorch: the folder that holds include/ and lib/")

# Sets <version> to that of the LibTorch in a folder, or to "" where there is none.
function(gauntlet_torch_version folder version)
  set(${version} "" PARENT_SCOPE)
  foreach(header include/torch/headeronly/version.h include/torch/csrc/api/include/torch/version.h)
    if(EXISTS "${folder}/${header}" AND EXISTS "${folder}/lib/libtorch_cpu.so" AND EXISTS "${folder}/lib/libc10.so")
      file(STRINGS "${folder}/${header}" lines REGEX "^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
      if(lines MATCHES "MAJOR ([0-9]+).*MINOR ([0-9]+).*PATCH ([0-9]+)")
        set(${version} "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}.${CMAKE_MATCH_3}" PARENT_SCOPE)
        return()
      endif()
    endif()
  endforeach()
endfunction()

# A folder somebody named must do: falling back to another one would hide the mistake.
function(gauntlet_use_named_torch folder named_by)
  gauntlet_torch_version("${folder}" version)
  if(NOT version)
    message(FATAL_ERROR "${named_by} names '${folder}', which holds no LibTorch: expected "
      "include/torch/headeronly/version.h, lib/libtorch_cpu.so and lib/libc10.so there.")
  elseif(version VERSION_LESS GAUNTLET_TORCH_MINIMUM)
    message(FATAL_ERROR "${named_by} names '${folder}', which holds LibTorch ${version}: "
      "Gauntlet needs ${GAUNTLET_TORCH_MINIMUM} or newer.")
  endif()
  set_property(CACHE GAUNTLET_TORCH PROPERTY VALUE "${folder}")
endfunction()

# The torch package of the Python on PATH, found without importing it (that takes seconds).
function(gauntlet_python_torch folder)
  set(${folder} "" PARENT_SCOPE)
  execute_process(COMMAND python3 -c
    "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed AND found)
    gauntlet_torch_version("${found}" version)
    if(version AND NOT version VERSION_LESS GAUNTLET_TORCH_MINIMUM)
      set(${folder} "${found}" PARENT_SCOPE)
    endif()
  endif()
endfunction()

function(gauntlet_find_torch)
  if(GAUNTLET_TORCH)
    gauntlet_use_named_torch("${GAUNTLET_TORCH}" "GAUNTLET_TORCH")
    return()
  elseif(NOT "$ENV{GAUNTLET_TORCH}" STREQUAL "")
    gauntlet_use_named_torch("$ENV{GAUNTLET_TORCH}" "the environment's GAUNTLET_TORCH")
    return()
  endif()
  foreach(named "${Torch_DIR}" "$ENV{Torch_DIR}")
    if(named AND NOT named MATCHES "-NOTFOUND$")
      get_filename_component(named "${named}/../../.." ABSOLUTE)  # <torch>/share/cmake/Torch
      gauntlet_use_named_torch("${named}" "Torch_DIR")
      return()
    endif()
  endforeach()
  gauntlet_python_torch(folder)
  foreach(candidate "${folder}" ${GAUNTLET_TORCH_HINTS})
    gauntlet_torch_version("${candidate}" version)
    if(version AND NOT version VERSION_LESS GAUNTLET_TORCH_MINIMUM)
      set_property(CACHE GAUNTLET_TORCH PROPERTY VALUE "${candidate}")
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "LibTorch ${GAUNTLET_TORCH_MINIMUM} or newer was not found: start ./gauntlet, which fetches "
    "one, or set GAUNTLET_TORCH to a folder that holds include/ and lib/libtorch_cpu.so.")
endfunction()

gauntlet_find_torch()
gauntlet_torch_version("${GAUNTLET_TORCH}" GAUNTLET_TORCH_VERSION)
message(STATUS "LibTorch ${GAUNTLET_TORCH_VERSION}: ${GAUNTLET_TORCH}")

if(NOT TARGET gauntlet::torch)
  add_library(gauntlet::torch INTERFACE IMPORTED GLOBAL)
  target_include_directories(gauntlet::torch SYSTEM INTERFACE
    "${GAUNTLET_TORCH}/include" "${GAUNTLET_TORCH}/include/torch/csrc/api/include")
  target_link_libraries(gauntlet::torch INTERFACE
    "${GAUNTLET_TORCH}/lib/libtorch_cpu.so" "${GAUNTLET_TORCH}/lib/libc10.so")
  # A program names LibTorch itself even where only libgauntlet calls it: libgauntlet and the plugins
  # carry no path to it, so that they are the same bytes wherever they are built.
  target_link_options(gauntlet::torch INTERFACE "LINKER:--no-as-needed")
  # What libtorch_cpu.so needs lies beside it, or in the nvidia packages beside torch.
  file(GLOB needed "${GAUNTLET_TORCH}/../nvidia/*/lib")
  foreach(folder "${GAUNTLET_TORCH}/lib" ${needed})
    target_link_options(gauntlet::torch INTERFACE "LINKER:-rpath-link,${folder}")
  endforeach()
endif()
