#include <cmath>
#include <tessera/core/error.hpp>
#include <tessera/core/parallel.hpp>
#include <tessera/layers/initializers.hpp>

namespace tessera {
namespace {

/// Fills the parameter with value(element).
template <class Value>
void fill(Tensor& parameter, const Value& value) {
  dispatch_float(parameter.dtype(), "initializer", [&](auto zero) {
    using T = decltype(zero);
    T* out = parameter.mutable_data<T>();
    parallel_ranges(parameter.numel(), elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) out[i] = static_cast<T>(value(i));
    });
  });
}

/// Standard normal within two deviations: try number t of element i is number i + t * count of the stream.
double truncated(const RandomStream& stream, std::int64_t element, std::int64_t count) {
  for (;; element += count) {
    const double z = stream.normal(static_cast<std::uint64_t>(element));
    if (std::abs(z) <= 2) return z;
  }
}

void fill_truncated(Tensor& parameter, const RandomStream& stream, double mean, double deviation) {
  const std::int64_t count = parameter.numel();
  fill(parameter, [&](std::int64_t i) { return mean + deviation * truncated(stream, i, count); });
}

void fill_uniform(Tensor& parameter, const RandomStream& stream, double low, double high) {
  fill(parameter, [&](std::int64_t i) { return stream.uniform(static_cast<std::uint64_t>(i), low, high); });
}

/// Deviation of a standard normal that is truncated at two deviations.
constexpr double truncated_deviation = 0.87962566103423978;

/// Weight of tap `tap` in a bilinear kernel of `size` taps.
double bilinear_weight(std::int64_t tap, std::int64_t size) {
  const std::int64_t half = (size + 1) / 2;
  const auto factor = static_cast<double>(half);
  const double centre = size % 2 == 1 ? factor - 1 : factor - 0.5;
  return 1 - std::abs(static_cast<double>(tap) - centre) / factor;
}

void fill_bilinear(Tensor& kernel) {
  const Shape& shape = kernel.shape();
  if (shape.rank() != 4 || (shape[2] != 1 && shape[2] != shape[3]))
    raise<ShapeError>(
        "initializer::bilinear",
        "expected a kernel [kh, kw, out/groups, in] with as many outputs as inputs or one a group, got {}",
        shape.str());
  const std::int64_t height = shape[0], width = shape[1], outputs = shape[2], inputs = shape[3];
  fill(kernel, [=](std::int64_t i) {
    const std::int64_t input = i % inputs, output = i / inputs % outputs, tap = i / inputs / outputs;
    return input % outputs == output ? bilinear_weight(tap / width, height) * bilinear_weight(tap % width, width) : 0;
  });
}

void fill_icnr(Tensor& kernel, const RandomStream& stream, std::int64_t block, const Initializer& inner) {
  Shape shape = kernel.shape();
  const std::int64_t filters = shape.size(-1), copies = block * block;
  if (block < 1 || filters % copies != 0)
    raise<ShapeError>("initializer::icnr", "block {} needs filters divisible by {}, got a kernel {}", block, copies,
                      shape.str());
  shape[shape.rank() - 1] = filters / copies;
  Tensor small = Tensor::empty(shape, kernel.dtype());
  inner(small, stream);
  dispatch_float(kernel.dtype(), "initializer", [&](auto zero) {
    using T = decltype(zero);
    const T* source = small.data<T>();
    T* out = kernel.mutable_data<T>();
    const std::int64_t channels = filters / copies;
    for (std::int64_t i = 0; i < kernel.numel(); ++i) out[i] = source[i / filters * channels + i % channels];
  });
}

}  // namespace

Fans fans_of(const Shape& shape) {
  const std::int64_t rank = shape.rank();
  if (rank == 0) return {};
  if (rank == 1) return {static_cast<double>(shape[0]), static_cast<double>(shape[0])};
  double taps = 1;
  for (std::int64_t axis = 0; axis < rank - 2; ++axis) taps *= static_cast<double>(shape[axis]);
  return {taps * static_cast<double>(shape[rank - 2]), taps * static_cast<double>(shape[rank - 1])};
}

namespace initializer {

Initializer constant(double value) {
  return [value](Tensor& w, const RandomStream&) { w.fill_(value); };
}

Initializer uniform(double low, double high) {
  return [=](Tensor& w, const RandomStream& stream) { fill_uniform(w, stream, low, high); };
}

Initializer normal(double mean, double deviation) {
  return [=](Tensor& w, const RandomStream& stream) {
    fill(w, [&](std::int64_t i) { return mean + deviation * stream.normal(static_cast<std::uint64_t>(i)); });
  };
}

Initializer truncated_normal(double mean, double deviation) {
  return [=](Tensor& w, const RandomStream& stream) { fill_truncated(w, stream, mean, deviation); };
}

Initializer glorot_uniform() {
  return [](Tensor& w, const RandomStream& stream) {
    const Fans fans = fans_of(w.shape());
    const double limit = std::sqrt(6 / (fans.in + fans.out));
    fill_uniform(w, stream, -limit, limit);
  };
}

Initializer glorot_normal() {
  return [](Tensor& w, const RandomStream& stream) {
    const Fans fans = fans_of(w.shape());
    fill_truncated(w, stream, 0, std::sqrt(2 / (fans.in + fans.out)) / truncated_deviation);
  };
}

Initializer he_uniform() {
  return [](Tensor& w, const RandomStream& stream) {
    const double limit = std::sqrt(6 / fans_of(w.shape()).in);
    fill_uniform(w, stream, -limit, limit);
  };
}

Initializer he_normal() {
  return [](Tensor& w, const RandomStream& stream) {
    fill_truncated(w, stream, 0, std::sqrt(2 / fans_of(w.shape()).in) / truncated_deviation);
  };
}

Initializer bilinear() {
  return [](Tensor& w, const RandomStream&) { fill_bilinear(w); };
}

Initializer icnr(std::int64_t block, Initializer inner) {
  return
      [block, inner = std::move(inner)](Tensor& w, const RandomStream& stream) { fill_icnr(w, stream, block, inner); };
}

}  // namespace initializer
}  // namespace tessera
