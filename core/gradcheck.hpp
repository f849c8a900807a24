#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <tessera/core/tensor.hpp>
#include <vector>

namespace tessera {

struct GradcheckOptions {
  double eps = 1e-6;        ///< step of the central differences
  double tolerance = 1e-6;  ///< allowed |analytic - numeric| / max(1, |analytic|, |numeric|)
  bool fast = false;        ///< compares one random direction an input instead of every element
  std::uint64_t seed = 0;   ///< of the upstream gradient and the directions
};

/// What gradcheck found: whether all held, the element that was furthest off, and what went wrong.
struct GradcheckReport {
  struct Element {
    std::size_t input = 0;
    std::vector<std::int64_t> index;  ///< empty in fast mode
    double analytic = 0;              ///< by backward
    double numeric = 0;               ///< by central differences
    double error = 0;
  };
  bool passed = true;
  Element worst;
  std::size_t compared = 0;           ///< how many numbers were compared
  std::vector<std::string> problems;  ///< what failed, in words
  std::vector<std::string> notes;     ///< what is worth knowing, though not wrong

  explicit operator bool() const { return passed; }
  /// One line for the outcome and the worst element, then one for each problem and note.
  std::string str() const;
};

/// Compares the gradients that backward gives for `f` with central differences, in double.
///
/// For a random upstream gradient v: (v^T J)_j against v . (f(x + eps e_j) - f(x - eps e_j)) / (2 eps), for every
/// element j of every input (fast mode: along one random direction an input). Checks besides that f and its gradients
/// repeat, that every choice of which inputs want a gradient gives the same ones, that gradients accumulate, and that a
/// zero upstream gradient gives zero. Works on copies of `inputs`; keep them off kinks. ValueError for inputs or
/// outputs that are not f64.
GradcheckReport gradcheck(const std::function<Tensor(const std::vector<Tensor>&)>& f, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options = {});

}  // namespace tessera
