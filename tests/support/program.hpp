#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace tessera::test {

/// What a program said, standard output and errors together, and how it ended.
struct Ran {
  std::string text;
  int status = -1;
};

/// Runs a program of examples/ through the shell.
inline Ran run_program(const std::string& name, const std::string& arguments) {
  const std::string command = "'" TESSERA_EXAMPLES_DIR "/" + name + "' " + arguments + " 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  Ran ran;
  char buffer[4096];
  for (std::size_t count; (count = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) ran.text.append(buffer, count);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) ran.status = WEXITSTATUS(status);
  return ran;
}

}  // namespace tessera::test
