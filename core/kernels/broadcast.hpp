#pragma once

#include <algorithm>
#include <array>
#include <tessera/core/parallel.hpp>
#include <tessera/core/shape.hpp>
#include <utility>

namespace tessera::kernels {

/// How N operands stretch to one shape: axes that all operands walk alike are merged, so that equal shapes become one
/// long row, and a row vector or a scalar beside a tensor becomes rows with a step of 1 or 0.
template <std::size_t N>
struct Broadcast {
  Broadcast(const Shape& shape, const std::array<Shape, N>& operands);

  std::int64_t count;                        ///< elements of the result
  std::int64_t inner = 1;                    ///< elements of a row
  std::array<std::int64_t, N> inner_step{};  ///< 1, or 0 where the operand is repeated along the row
  std::int64_t outer_axes = 0;               ///< of what is left above the rows, innermost first
  std::array<std::int64_t, Shape::max_rank> sizes{};
  std::array<std::array<std::int64_t, N>, Shape::max_rank> steps{};
};

template <std::size_t N>
Broadcast<N>::Broadcast(const Shape& shape, const std::array<Shape, N>& operands) : count(shape.numel()) {
  std::array<std::int64_t, N> volume;
  volume.fill(1);
  std::int64_t axes = 0;  // merged so far; the row is the first
  for (std::int64_t axis = shape.rank() - 1; axis >= 0; --axis) {
    const std::int64_t size = shape[axis];
    if (size == 1) continue;
    std::array<std::int64_t, N> step{};
    for (std::size_t k = 0; k < N; ++k) {
      const std::int64_t own_axis = axis - (shape.rank() - operands[k].rank());
      if (own_axis < 0 || operands[k][own_axis] == 1) continue;
      step[k] = volume[k];
      volume[k] *= size;
    }
    bool merges = axes > 0;
    for (std::size_t k = 0; merges && k < N; ++k) {
      const auto last = static_cast<std::size_t>(axes - 1);
      merges = step[k] == steps[last][k] * sizes[last];
    }
    if (merges) {
      sizes[static_cast<std::size_t>(axes - 1)] *= size;
    } else {
      sizes[static_cast<std::size_t>(axes)] = size;
      steps[static_cast<std::size_t>(axes++)] = step;
    }
  }
  if (axes == 0) return;
  inner = sizes[0];
  inner_step = steps[0];
  outer_axes = axes - 1;
  std::rotate(sizes.begin(), sizes.begin() + 1, sizes.end());
  std::rotate(steps.begin(), steps.begin() + 1, steps.end());
}

/// Where the operands of a broadcast stand at one row.
template <std::size_t N>
class BroadcastCursor {
 public:
  BroadcastCursor(const Broadcast<N>& plan, std::int64_t row) : plan_(plan) {
    for (std::size_t axis = 0; axis < axes(); ++axis) {
      index_[axis] = row % plan.sizes[axis];
      row /= plan.sizes[axis];
      for (std::size_t k = 0; k < N; ++k) offset_[k] += index_[axis] * plan.steps[axis][k];
    }
  }
  std::int64_t offset(std::size_t operand) const { return offset_[operand]; }
  void next_row() {
    for (std::size_t axis = 0; axis < axes(); ++axis) {
      for (std::size_t k = 0; k < N; ++k) offset_[k] += plan_.steps[axis][k];
      if (++index_[axis] < plan_.sizes[axis]) return;
      for (std::size_t k = 0; k < N; ++k) offset_[k] -= plan_.sizes[axis] * plan_.steps[axis][k];
      index_[axis] = 0;
    }
  }

 private:
  std::size_t axes() const { return static_cast<std::size_t>(plan_.outer_axes); }
  const Broadcast<N>& plan_;
  std::array<std::int64_t, Shape::max_rank> index_{};
  std::array<std::int64_t, N> offset_{};
};

/// A row of results; the operands' steps are known to the compiler, so that it may make vectors of the loop.
template <int... Steps, class T, class F, class... Ins>
void broadcast_row(std::int64_t count, T* __restrict out, F f, const Ins* __restrict... in) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = f(in[i * Steps]...);
}

template <std::size_t... K, class T, class F, class... Ins>
void broadcast_row(std::index_sequence<K...>, const std::array<std::int64_t, sizeof...(K)>& step, std::int64_t count,
                   T* __restrict out, F f, const Ins* __restrict... in) {
  if (((step[K] == 1) && ...)) return broadcast_row<(static_cast<void>(K), 1)...>(count, out, f, in...);
  if constexpr (sizeof...(K) == 1) return broadcast_row<0>(count, out, f, in...);
  if constexpr (sizeof...(K) == 2) {
    if (step[0] == 1) return broadcast_row<1, 0>(count, out, f, in...);
    return broadcast_row<0, 1>(count, out, f, in...);
  }
  for (std::int64_t i = 0; i < count; ++i) out[i] = f(in[i * step[K]]...);
}

/// out = f(in...), each operand repeated along the axes where it has size 1; on all threads. `out` overlaps no operand.
template <std::size_t N, class T, class F, class... Ins>
void broadcast(const Broadcast<N>& plan, T* out, F f, const Ins*... in) {
  static_assert(sizeof...(Ins) == N);
  const auto run = [&]<std::size_t... K>(std::index_sequence<K...> operands, std::int64_t begin, std::int64_t end) {
    BroadcastCursor<N> cursor(plan, begin / plan.inner);
    for (std::int64_t column = begin % plan.inner; begin < end; column = 0, cursor.next_row()) {
      const std::int64_t count = std::min(plan.inner - column, end - begin);
      broadcast_row(operands, plan.inner_step, count, out + begin, f,
                    (in + cursor.offset(K) + column * plan.inner_step[K])...);
      begin += count;
    }
  };
  parallel_ranges(plan.count, elementwise_grain,
                  [&](std::int64_t begin, std::int64_t end) { run(std::make_index_sequence<N>{}, begin, end); });
}

}  // namespace tessera::kernels
