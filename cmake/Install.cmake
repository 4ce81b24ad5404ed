# cmake --install: the host, libgauntlet with its headers, the plugins, what ships as data, and the
# package config for find_package(Gauntlet).
include(CMakePackageConfigHelpers)
set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/Gauntlet")

install(TARGETS gauntlet EXPORT GauntletTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT GauntletTargets NAMESPACE gauntlet:: DESTINATION ${package_folder} FILE GauntletExports.cmake)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/framework/include/gauntlet" "${PROJECT_BINARY_DIR}/include/gauntlet"
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/GauntletConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/GauntletConfig.cmake" INSTALL_DESTINATION ${package_folder}
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_BINDIR)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/GauntletConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/GauntletConfig.cmake" "${PROJECT_BINARY_DIR}/GauntletConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/LibTorch.cmake" "${PROJECT_SOURCE_DIR}/cmake/GauntletPlugin.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/plugin.map" DESTINATION ${package_folder})

foreach(folder registry suites)
  if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}")
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}" DESTINATION share/gauntlet)
  endif()
endforeach()
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION ${CMAKE_INSTALL_DOCDIR})

if(TARGET gauntlet_cli)
  add_dependencies(shipped gauntlet_cli)
  file(RELATIVE_PATH lib_from_bin "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
  set_target_properties(gauntlet_cli PROPERTIES INSTALL_RPATH "$ORIGIN/${lib_from_bin};${GAUNTLET_TORCH}/lib")
  set_target_properties(gauntlet_engine PROPERTIES INSTALL_RPATH "$ORIGIN;${GAUNTLET_TORCH}/lib")
  install(TARGETS gauntlet_engine LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(TARGETS gauntlet_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
