# tessera_compile_options(target): what Tessera's own sources are compiled with; nothing here reaches a user's targets.
find_program(TESSERA_CCACHE ccache)
if(PROJECT_IS_TOP_LEVEL AND TESSERA_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Without this it does not remember what is compiled with precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros ${TESSERA_CCACHE})
endif()

if(TESSERA_SANITIZE)
  add_compile_options(-fsanitize=${TESSERA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TESSERA_SANITIZE})
endif()

function(tessera_compile_options target)
  # Contraction would give every compiler and optimisation level bits of its own. Nobody asks errno about a square root,
  # whose vector instruction does not set it.
  target_compile_options(${target} PRIVATE -ffp-contract=off -fno-math-errno)
  if(PROJECT_IS_TOP_LEVEL)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion)
  endif()
endfunction()

# tessera_precompile(target [REUSE_FROM other]): parses once what half of a build's time goes into otherwise. Sources
# include what they use all the same: the clang preset builds without.
function(tessera_precompile target)
  if(CMAKE_DISABLE_PRECOMPILE_HEADERS)
    return()
  endif()
  if(ARGN)
    target_precompile_headers(${target} ${ARGN})
  else()
    target_precompile_headers(${target} PRIVATE <algorithm> <cmath> <filesystem> <functional> <map> <memory> <optional>
                                                <set> <string> <vector> <fmt/format.h>)
  endif()
endfunction()
