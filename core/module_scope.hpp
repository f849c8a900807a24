#pragma once

#include <string>

namespace tessera {

/// Marks the module with this path as running on this thread while the object lives; errors and traces carry the path.
class ModuleScope {
 public:
  explicit ModuleScope(std::string path);
  ~ModuleScope();
  ModuleScope(const ModuleScope&) = delete;
  ModuleScope& operator=(const ModuleScope&) = delete;
};

/// Path of the innermost running module of this thread, empty where none runs.
const std::string& running_module_path();

}  // namespace tessera
