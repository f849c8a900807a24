#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace tessera::test {

/// All that a file holds; empty where there is none.
inline std::string file_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace tessera::test
