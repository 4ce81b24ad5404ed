# CUDA kernels, where they can be built and used: GAUNTLET_CUDA is ON, OFF or AUTO. AUTO asks for all
# of nvcc, a GPU and a LibTorch with CUDA; ON says which of nvcc and LibTorch's CUDA library is absent.
set(GAUNTLET_CUDA AUTO CACHE STRING "build the CUDA kernels: ON, OFF or AUTO")
set_property(CACHE GAUNTLET_CUDA PROPERTY STRINGS AUTO ON OFF)

find_program(GAUNTLET_NVCC nvcc HINTS ENV CUDA_HOME PATH_SUFFIXES bin)
set(torch_cuda "${GAUNTLET_TORCH}/lib/libtorch_cuda.so")
set(GAUNTLET_WITH_CUDA OFF)
if(GAUNTLET_CUDA STREQUAL "AUTO")
  if(GAUNTLET_NVCC AND EXISTS /dev/nvidia0 AND EXISTS "${torch_cuda}")
    set(GAUNTLET_WITH_CUDA ON)
  endif()
elseif(GAUNTLET_CUDA)
  if(NOT GAUNTLET_NVCC)
    message(FATAL_ERROR "GAUNTLET_CUDA=ON needs nvcc: put the CUDA toolkit's bin folder on PATH.")
  elseif(NOT EXISTS "${torch_cuda}")
    message(FATAL_ERROR "GAUNTLET_CUDA=ON needs a LibTorch with CUDA: '${torch_cuda}' does not exist; "
      "set GAUNTLET_TORCH to one that has it.")
  endif()
  set(GAUNTLET_WITH_CUDA ON)
endif()

if(GAUNTLET_WITH_CUDA)
  set(CMAKE_CUDA_COMPILER "${GAUNTLET_NVCC}" CACHE FILEPATH "nvcc")
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES native)
    if(NOT EXISTS /dev/nvidia0)
      set(CMAKE_CUDA_ARCHITECTURES 80)
    endif()
  endif()
  enable_language(CUDA)
  set(CMAKE_CUDA_STANDARD 20)
  find_package(CUDAToolkit REQUIRED)
  # LibTorch's CUDA backend registers itself when it is loaded; no symbol of ours asks for it.
  target_link_libraries(gauntlet::torch INTERFACE
    "${torch_cuda}" "${GAUNTLET_TORCH}/lib/libc10_cuda.so" CUDA::cudart)
  target_compile_definitions(gauntlet::torch INTERFACE GAUNTLET_CUDA)
endif()
message(STATUS "CUDA kernels: ${GAUNTLET_WITH_CUDA}")
