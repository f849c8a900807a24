#include <algorithm>
#include <cmath>
#include <tessera/core/kernels/cross_entropy.hpp>
#include <tessera/core/kernels/vector_math.hpp>
#include <tessera/core/parallel.hpp>
#include <type_traits>
#include <vector>

namespace tessera::kernels {
namespace {

/// The focal factor (1 - p)^gamma and what the gradient of the whole term has in its place.
struct Focus {
  double factor = 1;
  double slope = 1;
};

Focus focus_of(double gamma, double others, double nll) {
  if (gamma == 0) return {};
  if (others <= 0) return {0, 0};
  const double factor = std::pow(others, gamma);
  return {factor, factor + gamma * (1 - others) * factor / others * nll};
}

/// Rows whose exponentials and logarithms are taken together, in vectors.
constexpr std::int64_t block_rows = 128;

/// The softmax of a block of rows before its division: `powers` = exp(x - largest), a row's sum of them and its log.
template <class T>
struct BlockSums {
  T sums[block_rows], log_sums[block_rows];
};

/// Calls f(classes): a few numbers of classes are constants, so that loops over them need no counting.
template <class F>
void with_classes(std::int64_t classes, F&& f) {
  if (classes == 2) return f(std::integral_constant<std::int64_t, 2>());
  if (classes == 4) return f(std::integral_constant<std::int64_t, 4>());
  f(classes);
}

template <class T, class Classes>
void softmax_block(const T* x, std::int64_t rows, Classes classes, T* powers, BlockSums<T>& out) {
  T largest[block_rows];
  for (std::int64_t row = 0; row < rows; ++row) {
    const T* from = x + row * classes;
    T most = from[0];
    for (std::int64_t k = 1; k < classes; ++k) most = std::max(most, from[k]);
    for (std::int64_t k = 0; k < classes; ++k) powers[row * classes + k] = from[k] - most;
    largest[row] = most;
  }
  exp_all(powers, powers, rows * classes);
  for (std::int64_t row = 0; row < rows; ++row) {
    T sum = 0;
    for (std::int64_t k = 0; k < classes; ++k) sum += powers[row * classes + k];
    out.sums[row] = sum;
  }
  log_all(out.sums, out.log_sums, rows);
  for (std::int64_t row = 0; row < rows; ++row) out.log_sums[row] += largest[row];
}

/// row_loss without focus and smoothing.
template <class T, class Classes>
double plain_row_loss(double weight, Classes classes, const T* x, std::int64_t label, T sum, double log_sum, T* powers,
                      bool wants_grad) {
  if (wants_grad) {
    const T scale = static_cast<T>(weight) / sum;
    for (std::int64_t k = 0; k < classes; ++k) powers[k] *= scale;
    powers[label] -= static_cast<T>(weight);
  }
  return weight * (log_sum - static_cast<double>(x[label]));
}

/// Loss of one row; turns `powers`, exp(x - largest), into the gradient where that is asked for.
template <class T>
double row_loss(const CrossEntropyGeometry& geometry, double smooth_weights, const T* x, std::int64_t label, T sum,
                double log_sum, T* powers, bool wants_grad) {
  const std::int64_t classes = geometry.classes;
  const double nll = log_sum - static_cast<double>(x[label]);
  const Focus focus = focus_of(geometry.focal_gamma, static_cast<double>((sum - powers[label]) / sum), nll);
  const double hard = (1 - geometry.label_smoothing) * geometry.class_weights[label];
  double loss = hard * focus.factor * nll;
  const double smoothing = geometry.label_smoothing / static_cast<double>(classes);
  if (smoothing != 0)
    for (std::int64_t k = 0; k < classes; ++k)
      loss += smoothing * geometry.class_weights[k] * (log_sum - static_cast<double>(x[k]));
  if (!wants_grad) return loss;

  const T scale = static_cast<T>(hard * focus.slope + smoothing * smooth_weights) / sum;
  for (std::int64_t k = 0; k < classes; ++k) powers[k] *= scale;
  powers[label] -= static_cast<T>(hard * focus.slope);
  if (smoothing != 0)
    for (std::int64_t k = 0; k < classes; ++k) powers[k] -= static_cast<T>(smoothing * geometry.class_weights[k]);
  return loss;
}

}  // namespace

template <class T, class Label>
CrossEntropyTotals cross_entropy(const CrossEntropyGeometry& geometry, const T* logits, const Label* labels, T* grad) {
  const std::int64_t classes = geometry.classes;
  const std::int64_t grain = std::max<std::int64_t>(1, elementwise_grain / 4 / classes);
  double smooth_weights = 0;
  for (std::int64_t k = 0; k < classes; ++k) smooth_weights += geometry.class_weights[k];
  std::vector<CrossEntropyTotals> partial(static_cast<std::size_t>((geometry.rows + grain - 1) / grain));
  const bool plain = geometry.label_smoothing == 0 && geometry.focal_gamma == 0;
  const auto add_rows = [&](std::int64_t begin, std::int64_t end, auto classes) {
    CrossEntropyTotals mine;
    std::vector<T> unwanted(static_cast<std::size_t>(grad ? 0 : block_rows * classes));
    BlockSums<T> block;
    for (std::int64_t row = begin; row < end && mine.bad_label < 0; ++row) {
      const std::int64_t place = (row - begin) % block_rows, first = row - place;
      T* block_powers = grad ? grad + first * classes : unwanted.data();
      if (place == 0)
        softmax_block(logits + first * classes, std::min(block_rows, end - first), classes, block_powers, block);
      const auto label = static_cast<std::int64_t>(labels[row]);
      T* powers = block_powers + place * classes;
      if (label == geometry.ignore_index) {
        std::fill(powers, powers + classes, T{0});
      } else if (label < 0 || label >= classes) {
        mine.bad_label = row;
      } else {
        const T* x = logits + row * classes;
        const auto log_sum = static_cast<double>(block.log_sums[place]);
        mine.loss +=
            plain ? plain_row_loss(geometry.class_weights[label], classes, x, label, block.sums[place], log_sum, powers,
                                   grad != nullptr)
                  : row_loss(geometry, smooth_weights, x, label, block.sums[place], log_sum, powers, grad != nullptr);
        mine.weight += geometry.class_weights[label];
        ++mine.valid;
      }
    }
    partial[static_cast<std::size_t>(begin / grain)] = mine;
  };
  parallel_ranges(geometry.rows, grain, [&](std::int64_t begin, std::int64_t end) {
    with_classes(classes, [&](auto count) { add_rows(begin, end, count); });
  });
  CrossEntropyTotals totals;
  for (const CrossEntropyTotals& part : partial) {
    totals.loss += part.loss;
    totals.weight += part.weight;
    totals.valid += part.valid;
    if (totals.bad_label < 0) totals.bad_label = part.bad_label;
  }
  return totals;
}

template CrossEntropyTotals cross_entropy(const CrossEntropyGeometry&, const float*, const std::int32_t*, float*);
template CrossEntropyTotals cross_entropy(const CrossEntropyGeometry&, const float*, const std::uint8_t*, float*);
template CrossEntropyTotals cross_entropy(const CrossEntropyGeometry&, const double*, const std::int32_t*, double*);
template CrossEntropyTotals cross_entropy(const CrossEntropyGeometry&, const double*, const std::uint8_t*, double*);

}  // namespace tessera::kernels
