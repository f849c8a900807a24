#include <algorithm>
#include <tessera/core/kernels/reduce.hpp>
#include <tessera/core/kernels/scratch.hpp>
#include <tessera/core/parallel.hpp>

namespace tessera::kernels {
namespace {

/// Inner elements that are reduced side by side: their running results stay in the first cache.
constexpr std::int64_t widest_block = 1024;

std::int64_t pieces(std::int64_t count, std::int64_t size) { return (count + size - 1) / size; }

/// Tasks a thread takes at once, so that each hand-over is worth it.
std::int64_t tasks_at_once(std::int64_t elements_each) {
  return std::max<std::int64_t>(1, elementwise_grain / std::max<std::int64_t>(1, elements_each));
}

/// Eight running sums, which the compiler can keep in vectors.
template <class T, class F>
double sum_of_row(const T* x, std::int64_t count, F term) {
  constexpr std::int64_t lanes = 8;
  double sums[lanes] = {};
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (std::int64_t lane = 0; lane < lanes; ++lane) sums[lane] += term(x[i + lane]);
  for (; i < count; ++i) sums[i % lanes] += term(x[i]);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

/// Sums of term(x, kept index). Long sums are cut into chunks with a partial result each, added in order at the end.
template <class T, class F>
void sum_terms(const T* x, Extents e, double* out, F term) {
  if (e.kept() == 0) return;
  const std::int64_t width = std::min(e.inner, widest_block), blocks = pieces(e.inner, width);
  const std::int64_t chunk = elementwise_grain / width, chunks = std::max<std::int64_t>(1, pieces(e.reduced, chunk));
  const Buffer<double> scratch(chunks > 1 ? chunks * e.kept() : 0);
  double* partial = chunks > 1 ? scratch.data() : out;
  const std::int64_t grain = tasks_at_once(std::min(chunk, e.reduced) * width);
  parallel_ranges(e.outer * blocks * chunks, grain, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t o = task / (blocks * chunks), column = task / chunks % blocks * width, c = task % chunks;
      const std::int64_t from = c * chunk, to = std::min(from + chunk, e.reduced), kept = o * e.inner + column;
      double* __restrict sums = partial + (o * chunks + c) * e.inner + column;
      const T* __restrict terms = x + (o * e.reduced + from) * e.inner + column;
      if (e.inner == 1) {
        *sums = sum_of_row(terms, to - from, [&](T value) { return term(value, kept); });
        continue;
      }
      const std::int64_t columns = std::min(width, e.inner - column);
      std::fill_n(sums, columns, 0.0);
      for (std::int64_t r = from; r < to; ++r, terms += e.inner)
        for (std::int64_t i = 0; i < columns; ++i) sums[i] += term(terms[i], kept + i);
    }
  });
  if (chunks == 1) return;
  parallel_ranges(e.kept(), tasks_at_once(chunks), [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t kept = begin; kept < end; ++kept) {
      const double* next = partial + kept / e.inner * chunks * e.inner + kept % e.inner;
      double total = 0;
      for (std::int64_t c = 0; c < chunks; ++c) total += next[c * e.inner];
      out[kept] = total;
    }
  });
}

/// True where `candidate` comes before what was found so far; written so that a NaN wins and stays.
template <Extreme which, class T>
bool beats(T candidate, T found) {
  const bool not_worse = which == Extreme::max ? !(candidate <= found) : !(candidate >= found);
  return not_worse && found == found;
}

template <Extreme which, class T>
void find(const T* x, Extents e, T* value, std::int32_t* index) {
  if (e.kept() == 0) return;
  const std::int64_t width = std::min(e.inner, widest_block), blocks = pieces(e.inner, width);
  parallel_ranges(e.outer * blocks, tasks_at_once(e.reduced * width), [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t o = task / blocks, column = task % blocks * width, kept = o * e.inner + column;
      const std::int64_t columns = std::min(width, e.inner - column);
      const T* in = x + o * e.reduced * e.inner + column;
      std::copy_n(in, columns, value + kept);
      std::fill_n(index + kept, columns, 0);
      for (std::int64_t r = 1; r < e.reduced; ++r) {
        in += e.inner;
        for (std::int64_t i = 0; i < columns; ++i) {
          const bool better = beats<which>(in[i], value[kept + i]);
          value[kept + i] = better ? in[i] : value[kept + i];
          index[kept + i] = better ? static_cast<std::int32_t>(r) : index[kept + i];
        }
      }
    }
  });
}

}  // namespace

template <class T>
void sum(const T* x, Extents extents, double* out) {
  sum_terms(x, extents, out, [](T value, std::int64_t) { return static_cast<double>(value); });
}

template <class T>
void sum_squared_deviations(const T* x, Extents extents, const double* mean, double* out) {
  sum_terms(x, extents, out, [mean](T value, std::int64_t kept) {
    const double deviation = static_cast<double>(value) - mean[kept];
    return deviation * deviation;
  });
}

template <class T>
void find_extreme(Extreme which, const T* x, Extents extents, T* value, std::int32_t* index) {
  if (which == Extreme::max)
    find<Extreme::max>(x, extents, value, index);
  else
    find<Extreme::min>(x, extents, value, index);
}

template <class T>
void extreme_gradient(const T* grad_output, const std::int32_t* index, Extents e, T* grad) {
  const std::int64_t grain = tasks_at_once(e.inner);
  parallel_ranges(e.outer * e.reduced, grain, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t kept = row / e.reduced * e.inner, r = row % e.reduced;
      for (std::int64_t i = 0; i < e.inner; ++i)
        grad[row * e.inner + i] = index[kept + i] == r ? grad_output[kept + i] : T{0};
    }
  });
}

template void sum(const float*, Extents, double*);
template void sum(const double*, Extents, double*);
template void sum_squared_deviations(const float*, Extents, const double*, double*);
template void sum_squared_deviations(const double*, Extents, const double*, double*);
template void find_extreme(Extreme, const float*, Extents, float*, std::int32_t*);
template void find_extreme(Extreme, const double*, Extents, double*, std::int32_t*);
template void extreme_gradient(const float*, const std::int32_t*, Extents, float*);
template void extreme_gradient(const double*, const std::int32_t*, Extents, double*);

}  // namespace tessera::kernels
