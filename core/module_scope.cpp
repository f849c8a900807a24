#include <tessera/core/error.hpp>
#include <tessera/core/module_scope.hpp>
#include <vector>

namespace tessera {
namespace {

std::vector<std::string>& running_paths() {
  thread_local std::vector<std::string> paths;
  return paths;
}

/// The path `place` places from the innermost one, which is 1.
const std::string& path_from_top(std::size_t place) {
  static const std::string none;
  const auto& paths = running_paths();
  return paths.size() < place ? none : paths[paths.size() - place];
}

}  // namespace

ModuleScope::ModuleScope(std::string path) { running_paths().push_back(std::move(path)); }
ModuleScope::~ModuleScope() { running_paths().pop_back(); }

const std::string& running_module_path() { return path_from_top(1); }
const std::string& calling_module_path() { return path_from_top(2); }

std::string error_origin(std::string_view op) {
  const std::string& path = running_module_path();
  return path.empty() ? std::string(op) : path;
}

}  // namespace tessera
