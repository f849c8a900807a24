#pragma once

#include <map>
#include <optional>
#include <string>
#include <tessera/core/trace.hpp>
#include <tessera/layers/layer.hpp>
#include <vector>

namespace tessera {

/// Puts a module and all below it in evaluation mode while the object lives; each then gets back the mode it had.
class EvalScope {
 public:
  explicit EvalScope(Module module);
  ~EvalScope();
  EvalScope(const EvalScope&) = delete;
  EvalScope& operator=(const EvalScope&) = delete;

 private:
  std::vector<std::pair<Module, bool>> modes_;  // parents before their children
};

/// Every op of one forward pass over an input of zeros, in evaluation mode and without gradients.
Trace trace(Layer& layer, const Shape& input);

/// Multiplications that are added up by one op: those of convolutions and matrix products; 0 for all others.
std::int64_t multiply_adds(const TracedOp& op);

/// One module that computes something itself or holds parameters of its own.
struct LayerSummary {
  std::string path = {};
  std::string type = {};
  Shape output = {};                   ///< of the last op it ran itself
  bool ran = false;                    ///< false where it ran none: dropout in evaluation mode
  std::int64_t parameters = 0;         ///< its own
  std::int64_t multiply_adds = 0;      ///< its own
  std::optional<double> seconds = {};  ///< its own, where they were measured
};

/// What a network is made of.
struct Summary {
  Shape input = {};
  Shape output = {};
  std::vector<LayerSummary> layers = {};
  std::int64_t parameters = 0;
  std::int64_t multiply_adds = 0;

  /// A table, a line a layer, and the totals.
  std::string str() const;
};

/// Traces one forward pass over `input` ([N, H, W, C]) and counts. A layer that runs twice is listed once, its work
/// added.
Summary summary(Layer& layer, const Shape& input);

/// Seconds that the ops of each module take, in a pass over an input of zeros in evaluation mode and without gradients:
/// by path, the median of `passes` after one that is not counted.
std::map<std::string, double> module_seconds(Layer& layer, const Shape& input, int passes = 7);

}  // namespace tessera
