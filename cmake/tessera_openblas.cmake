# OpenBLAS' own package file sets variables only; this gives them a target. Installed with Tessera's package files.
if(NOT TARGET tessera::openblas)
  add_library(tessera::openblas INTERFACE IMPORTED)
  target_include_directories(tessera::openblas INTERFACE ${OpenBLAS_INCLUDE_DIRS})
  target_link_libraries(tessera::openblas INTERFACE ${OpenBLAS_LIBRARIES})
endif()
