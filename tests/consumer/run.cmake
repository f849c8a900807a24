# Builds the consumer afresh and runs it: mode=installed against a fresh install of tessera_build,
# mode=subdirectory with tessera_source as a part of its own build.
cmake_minimum_required(VERSION 3.25)
set(work ${tessera_build}/consumer/${mode})
# Nothing is optimised: it is a build and a short run.
set(arguments -G ${generator} -DCMAKE_CXX_COMPILER=${compiler} -DCMAKE_CXX_COMPILER_LAUNCHER=${ccache}
              -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0)
set(ENV{CCACHE_SLOPPINESS} pch_defines,time_macros)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${work})
if(mode STREQUAL "installed")
  run(${CMAKE_COMMAND} --install ${tessera_build} --prefix ${work}/prefix)
  list(APPEND arguments -DCMAKE_PREFIX_PATH=${work}/prefix -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF)
else()
  list(APPEND arguments -DTESSERA_SOURCE=${tessera_source})
endif()
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${work}/build ${arguments})
run(${CMAKE_COMMAND} --build ${work}/build --target consumer)
run(${work}/build/consumer)
