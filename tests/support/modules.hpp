#pragma once

#include <string>
#include <tessera/layers/module.hpp>
#include <vector>

namespace tessera::test {

/// Overwrites the parameter or buffer at `path`.
inline void set(const Module& module, const std::string& path, const std::vector<double>& values) {
  Tensor target = module.state_dict().at(path);
  target.copy_(Tensor::from(values, target.shape()).to(target.dtype()));
}

}  // namespace tessera::test
