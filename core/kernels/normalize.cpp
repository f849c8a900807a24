#include <algorithm>
#include <tessera/core/kernels/normalize.hpp>
#include <tessera/core/kernels/scratch.hpp>
#include <tessera/core/parallel.hpp>
#include <vector>

namespace tessera::kernels {
namespace {

/// Calls body(plane, first row, last row, chunk) for pieces of rows that depend on the geometry alone.
struct RowChunks {
  explicit RowChunks(const NormGeometry& geometry)
      : grain(std::max<std::int64_t>(1, elementwise_grain / std::max<std::int64_t>(geometry.channels, 1))),
        per_plane((geometry.rows + grain - 1) / grain),
        geometry(geometry) {}

  template <class Body>
  void for_each(const Body& body) const {
    parallel_for(geometry.planes * per_plane, [&](std::int64_t chunk) {
      const std::int64_t begin = chunk % per_plane * grain;
      body(chunk / per_plane, begin, std::min(begin + grain, geometry.rows), chunk);
    });
  }

  std::int64_t grain, per_plane;
  NormGeometry geometry;
};

/// Sums of a few channels over some rows, in registers.
template <int count, class T>
void sum_products(const T* a, const T* b, std::int64_t rows, std::int64_t stride, double* sums, double* products) {
  double sum[count] = {}, product[count] = {};
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t k = 0; k < count; ++k) {
      const double value = a[row * stride + k];
      sum[k] += value;
      product[k] += value * b[row * stride + k];
    }
  std::copy_n(sum, count, sums);
  std::copy_n(product, count, products);
}

}  // namespace

template <class T>
void channel_products(const NormGeometry& geometry, const T* a, const T* b, double* sums, double* products) {
  const std::int64_t channels = geometry.channels;
  const RowChunks chunks(geometry);
  const Buffer<double> partial(geometry.planes * chunks.per_plane * 2 * channels);
  chunks.for_each([&](std::int64_t plane, std::int64_t begin, std::int64_t end, std::int64_t chunk) {
    const std::int64_t offset = (plane * geometry.rows + begin) * channels;
    double* mine = partial.data() + chunk * 2 * channels;
    std::int64_t c = 0;
    for (; c + 8 <= channels; c += 8)
      sum_products<8>(a + offset + c, b + offset + c, end - begin, channels, mine + c, mine + channels + c);
    for (; c < channels; ++c)
      sum_products<1>(a + offset + c, b + offset + c, end - begin, channels, mine + c, mine + channels + c);
  });
  std::fill_n(sums, geometry.planes * channels, 0.0);
  std::fill_n(products, geometry.planes * channels, 0.0);
  for (std::int64_t chunk = 0; chunk < geometry.planes * chunks.per_plane; ++chunk)
    for (std::int64_t c = 0, at = chunk / chunks.per_plane * channels; c < channels; ++c) {
      sums[at + c] += partial.data()[chunk * 2 * channels + c];
      products[at + c] += partial.data()[(chunk * 2 + 1) * channels + c];
    }
}

template <class T>
void scale_channels(const NormGeometry& geometry, const T* x, const double* scale, const double* shift, T* y) {
  const std::int64_t channels = geometry.channels;
  const std::vector<T> factors(scale, scale + geometry.planes * channels);
  const std::vector<T> offsets(shift, shift + geometry.planes * channels);
  RowChunks(geometry).for_each([&](std::int64_t plane, std::int64_t begin, std::int64_t end, std::int64_t) {
    const T *factor = factors.data() + plane * channels, *offset = offsets.data() + plane * channels;
    for (std::int64_t row = plane * geometry.rows + begin; row < plane * geometry.rows + end; ++row) {
      const T* in = x + row * channels;
      T* out = y + row * channels;
      for (std::int64_t c = 0; c < channels; ++c) out[c] = in[c] * factor[c] + offset[c];
    }
  });
}

template <class T>
void combine_channels(const NormGeometry& geometry, const T* grad_y, const T* x, const double* grad_scale,
                      const double* x_scale, const double* shift, T* grad_x) {
  const std::int64_t channels = geometry.channels, count = geometry.planes * channels;
  const std::vector<T> grad_factors(grad_scale, grad_scale + count), x_factors(x_scale, x_scale + count);
  const std::vector<T> offsets(shift, shift + count);
  RowChunks(geometry).for_each([&](std::int64_t plane, std::int64_t begin, std::int64_t end, std::int64_t) {
    const T* grad_factor = grad_factors.data() + plane * channels;
    const T* x_factor = x_factors.data() + plane * channels;
    const T* offset = offsets.data() + plane * channels;
    for (std::int64_t row = plane * geometry.rows + begin; row < plane * geometry.rows + end; ++row) {
      const T *grad = grad_y + row * channels, *in = x + row * channels;
      T* out = grad_x + row * channels;
      for (std::int64_t c = 0; c < channels; ++c) out[c] = grad[c] * grad_factor[c] + (in[c] * x_factor[c] + offset[c]);
    }
  });
}

template void channel_products(const NormGeometry&, const float*, const float*, double*, double*);
template void channel_products(const NormGeometry&, const double*, const double*, double*, double*);
template void scale_channels(const NormGeometry&, const float*, const double*, const double*, float*);
template void scale_channels(const NormGeometry&, const double*, const double*, const double*, double*);
template void combine_channels(const NormGeometry&, const float*, const float*, const double*, const double*,
                               const double*, float*);
template void combine_channels(const NormGeometry&, const double*, const double*, const double*, const double*,
                               const double*, double*);

}  // namespace tessera::kernels
