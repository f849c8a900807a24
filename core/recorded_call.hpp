#pragma once

#include <memory>
#include <string>
#include <tessera/core/autograd.hpp>
#include <vector>

namespace tessera {

/// One recorded op call. Gradient records point to the call that made them and a call to the records of its inputs, so
/// a graph lives as long as the last tensor computed with it; the engine empties calls as backward passes them.
struct Call {
  Call() = default;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();

  std::string name;
  std::string path;            ///< of the module that ran it
  std::uint64_t order = 0;     ///< inputs are always made by calls of a lower order
  std::unique_ptr<Node> node;  ///< null once backward has passed and freed it
  std::vector<std::shared_ptr<Gradient>> inputs;
  std::vector<bool> needs;
  std::vector<Tensor> grad_outputs;  ///< what has flowed in during the backward pass now running
  bool reached = false;              ///< found by the walk of the backward pass now running
};

}  // namespace tessera
