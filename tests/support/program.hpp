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

/// A program of examples/, for use in a shell command.
inline std::string program(const std::string& name) { return "'" TESSERA_EXAMPLES_DIR "/" + name + "'"; }

/// Whether a program said `text`.
inline bool has(const Ran& outcome, const std::string& text) { return outcome.text.find(text) != std::string::npos; }

/// Runs a shell command.
inline Ran run_command(const std::string& command) {
  std::FILE* pipe = popen(("{ " + command + "; } 2>&1").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  Ran ran;
  char buffer[1 << 16];
  for (std::size_t count; (count = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) ran.text.append(buffer, count);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) ran.status = WEXITSTATUS(status);
  return ran;
}

/// Runs a program of examples/ through the shell.
inline Ran run_program(const std::string& name, const std::string& arguments) {
  return run_command(program(name) + " " + arguments);
}

inline Ran segment(const std::string& arguments) { return run_program("segment", arguments); }

}  // namespace tessera::test
