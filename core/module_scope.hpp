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

/// Path of the module that called the innermost one, empty where there is none.
const std::string& calling_module_path();

}  // namespace tessera
