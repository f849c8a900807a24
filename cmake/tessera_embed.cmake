# tessera_embed(target file...): makes "embedded.hpp" for the target, with each text file as a constant
# embedded::NAME_EXTENSION of type std::string_view; made anew when a file changes.
function(tessera_embed target)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${target}.embedded)
  set(constants "")
  foreach(file IN LISTS ARGN)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(READ ${file} text)
    cmake_path(GET file FILENAME name)
    string(MAKE_C_IDENTIFIER ${name} name)
    string(APPEND constants "inline constexpr std::string_view ${name} = R\"embedded(${text})embedded\";\n")
  endforeach()
  file(CONFIGURE OUTPUT ${folder}/embedded.hpp CONTENT
       "#pragma once\n\n#include <string_view>\n\nnamespace embedded {\n\n@constants@\n}  // namespace embedded\n" @ONLY)
  target_include_directories(${target} PRIVATE ${folder})
endfunction()
