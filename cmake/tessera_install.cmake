# tessera_install(FOLDERS...): headers under include/tessera/, the libraries, and the package files that make
# find_package(tessera) give tessera::tessera.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

function(tessera_install)
  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/tessera)
  set(targets tessera_all)
  foreach(folder IN LISTS ARGN)
    list(APPEND targets tessera_${folder})
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tessera
            FILES_MATCHING PATTERN *.hpp)
  endforeach()
  install(FILES ${PROJECT_BINARY_DIR}/include/tessera/tessera.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tessera)
  install(TARGETS ${targets} EXPORT tessera_targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT tessera_targets NAMESPACE tessera:: FILE tesseraTargets.cmake DESTINATION ${package})

  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/tesseraConfig.cmake.in ${PROJECT_BINARY_DIR}/tesseraConfig.cmake
                                INSTALL_DESTINATION ${package} NO_SET_AND_CHECK_MACRO)
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/tesseraConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/tesseraConfig.cmake ${PROJECT_BINARY_DIR}/tesseraConfigVersion.cmake
                ${PROJECT_SOURCE_DIR}/cmake/tessera_openblas.cmake
          DESTINATION ${package})
endfunction()
