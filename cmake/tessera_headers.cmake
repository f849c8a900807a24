# tessera_link_headers(FOLDERS...): include/tessera/ in the build tree, a symbolic link to each folder and the umbrella
# header tessera/tessera.hpp, which includes every public header (not kernels', and none named *-inl.hpp).
function(tessera_link_headers)
  set(root ${PROJECT_BINARY_DIR}/include/tessera)
  file(MAKE_DIRECTORY ${root})
  set(includes "")
  foreach(folder IN LISTS ARGN)
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${folder} ${root}/${folder} SYMBOLIC)
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/${folder}/*.hpp)
    list(FILTER headers EXCLUDE REGEX "/kernels/|-inl\\.hpp$")
    foreach(header IN LISTS headers)
      string(APPEND includes "#include <tessera/${header}>\n")
    endforeach()
  endforeach()
  file(CONFIGURE OUTPUT ${root}/tessera.hpp CONTENT "#pragma once\n// All public headers of Tessera; made by CMake.\n\n${includes}"
       @ONLY)
endfunction()
