#include <tessera/core/error.hpp>
#include <tessera/core/module_scope.hpp>
#include <vector>

namespace tessera {
namespace {

std::vector<std::string>& running_paths() {
  thread_local std::vector<std::string> paths;
  return paths;
}

}  // namespace

ModuleScope::ModuleScope(std::string path) { running_paths().push_back(std::move(path)); }
ModuleScope::~ModuleScope() { running_paths().pop_back(); }

const std::string& running_module_path() {
  static const std::string none;
  const auto& paths = running_paths();
  return paths.empty() ? none : paths.back();
}

std::string error_origin(std::string_view op) {
  const std::string& path = running_module_path();
  return path.empty() ? std::string(op) : path;
}

}  // namespace tessera
