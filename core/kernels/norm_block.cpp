#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/norm_block.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <algorithm>
#include <tessera/core/kernels/lanes-inl.hpp>
#include <tessera/core/kernels/norm_block.hpp>
#include <tessera/core/kernels/scratch.hpp>
#include <tessera/core/parallel.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using std::int64_t;

/// Pixels summed in T before they are added to a double: short enough to round little, long enough to cost little.
constexpr int64_t segment_pixels = 64;

/// A block cut into units of one row, or two where it pools, and chunks of units: by shape alone.
template <class D>
class NormBlock {
 public:
  using T = hn::TFromD<D>;
  using Vec = hn::Vec<D>;

  explicit NormBlock(const NormBlockGeometry& g)
      : g_(g),
        lanes_(static_cast<int64_t>(hn::Lanes(D()))),
        rows_(g.pool ? 2 : 1),
        units_(g.batch * ((g.height + rows_ - 1) / rows_)),
        grain_(std::max<int64_t>(elementwise_grain / std::max<int64_t>(rows_ * g.width * g.channels, 1), 1)) {}

  void moments(const T* x, const T* pivot, double* sums, double* squares) const {
    reduce(sums, squares, [&](int64_t c, auto&& pixels, Vec& sum, Vec& square) {
      const Vec centre = hn::LoadU(d_, pivot + c);
      pixels(
          [&](int64_t at, bool) {
            const Vec value = hn::Sub(hn::LoadU(d_, x + at + c), centre);
            sum = hn::Add(sum, value);
            square = hn::MulAdd(value, value, square);
          },
          [](int64_t, int64_t) { return false; });
    });
  }

  void forward(const T* x, const T* scale, const T* shift, T* y, T* pooled, int64_t y_step) const {
    for_all([&](int64_t c, auto&& pixels) {
      const Vec a = hn::LoadU(d_, scale + c), b = hn::LoadU(d_, shift + c);
      const auto value = [&](int64_t at) { return activate(hn::MulAdd(a, hn::LoadU(d_, x + at + c), b)); };
      pixels(
          [&](int64_t at, bool) {
            if (y) hn::StoreU(value(at), d_, y + at * y_step + c);
          },
          [&](int64_t at, int64_t pooled_at) {
            if (!pooled) return false;
            const int64_t places[4] = {at, at + g_.channels, at + row_step(), at + row_step() + g_.channels};
            if (!y && keeps_order()) {
              const auto before = [&](int64_t place) { return hn::MulAdd(a, hn::LoadU(d_, x + place + c), b); };
              Vec best = before(places[0]);
              for (int i = 1; i < 4; ++i) best = larger(before(places[i]), best);
              hn::StoreU(activate(best), d_, pooled + pooled_at + c);
              return true;
            }
            Vec best = value(places[0]);
            if (y) hn::StoreU(best, d_, y + places[0] * y_step + c);
            for (int i = 1; i < 4; ++i) {
              const Vec next = value(places[i]);
              if (y) hn::StoreU(next, d_, y + places[i] * y_step + c);
              best = larger(next, best);
            }
            hn::StoreU(best, d_, pooled + pooled_at + c);
            return true;
          });
    });
  }

  void backward_sums(const NormBlockGradients<T>& in, const T* mean, double* sums, double* products) const {
    reduce(sums, products, [&](int64_t c, auto&& pixels, Vec& sum, Vec& product) {
      const Vec centre = hn::LoadU(d_, mean + c);
      const auto add = [&](int64_t, Vec x, Vec g) {
        sum = hn::Add(sum, g);
        product = hn::MulAdd(g, hn::Sub(x, centre), product);
      };
      each_gradient(in, c, pixels, add, [&](const auto&, const Window& w) { add(0, w.best, w.grad); });
    });
  }

  void backward(const NormBlockGradients<T>& in, const T* grad_scale, const T* x_scale, const T* offset,
                T* grad_x) const {
    for_all([&](int64_t c, auto&& pixels) {
      const Vec gs = hn::LoadU(d_, grad_scale + c), xs = hn::LoadU(d_, x_scale + c), shift = hn::LoadU(d_, offset + c);
      each_gradient(
          in, c, pixels,
          [&](int64_t at, Vec x, Vec g) {
            hn::StoreU(hn::MulAdd(gs, g, hn::MulAdd(xs, x, shift)), d_, grad_x + at + c);
          },
          [&](const auto& places, const Window& w) {
            for (int i = 0; i < 4; ++i) {
              const Vec others = hn::MulAdd(xs, w.x[i], shift);
              hn::StoreU(hn::IfThenElse(w.wins[i], hn::MulAdd(gs, w.grad, others), others), d_, grad_x + places[i] + c);
            }
          });
    });
  }

 private:
  int64_t row_step() const { return g_.width * g_.channels; }

  HWY_INLINE Vec activate(Vec a) const {
    if (!g_.rectify) return a;
    return hn::IfThenElse(hn::Lt(a, hn::Zero(d_)), hn::Mul(a, hn::Set(d_, static_cast<T>(g_.slope))), a);
  }

  /// Whether the activation of the largest is the largest activation.
  bool keeps_order() const { return !g_.rectify || g_.slope >= 0; }

  /// Larger, or a NaN: max-pooling lets the first maximum win and a NaN through. Not by Ne, which wide vectors of x86
  /// take for false where either is a NaN.
  HWY_INLINE static auto beats(Vec next, Vec best) { return hn::Or(hn::Gt(next, best), hn::IsNaN(next)); }
  HWY_INLINE static Vec larger(Vec next, Vec best) { return hn::IfThenElse(beats(next, best), next, best); }

  /// A 2x2 window of which one pixel alone gets a gradient: the pixels' x, which of them that is, its x and gradient.
  struct Window {
    Vec x[4];
    hn::Mask<D> wins[4];
    Vec best, grad;
  };

  /// Calls `pixel(offset, false)` for single pixels and `window(offset, pooled offset)` for 2x2 windows of columns
  /// begin .. end - 1 of a unit; offsets are of channel 0.
  template <class PixelFunction, class WindowFunction>
  HWY_INLINE void visit(int64_t unit, int64_t begin, int64_t end, PixelFunction&& pixel,
                        WindowFunction&& window) const {
    const int64_t per_image = (g_.height + rows_ - 1) / rows_;
    const int64_t image = unit / per_image, row = unit % per_image * rows_;
    const int64_t start = (image * g_.height + row) * row_step();
    if (!g_.pool || row + 1 == g_.height) {
      for (int64_t x = begin; x < end; ++x) pixel(start + x * g_.channels, false);
      return;
    }
    const int64_t pooled = (image * (g_.height / 2) + row / 2) * (g_.width / 2) * g_.channels;
    for (int64_t x = begin; x + 1 < end; x += 2) {
      const int64_t at = start + x * g_.channels;
      if (window(at, pooled + x / 2 * g_.channels)) continue;
      pixel(at, true), pixel(at + g_.channels, true);
      pixel(at + row_step(), true), pixel(at + row_step() + g_.channels, true);
    }
    if ((end - begin) % 2 != 0) {
      const int64_t last = start + (end - 1) * g_.channels;
      pixel(last, false);
      pixel(last + row_step(), false);
    }
  }

  /// Calls `use(offset, x, g)` for every pixel, g the gradient of scale x + shift there, or `use_window(offsets,
  /// Window)` for four at once.
  template <class Pixels, class Use, class UseWindow>
  HWY_INLINE void each_gradient(const NormBlockGradients<T>& in, int64_t c, Pixels&& pixels, Use&& use,
                                UseWindow&& use_window) const {
    const Vec scale = hn::LoadU(d_, in.scale + c), shift = hn::LoadU(d_, in.shift + c);
    const Vec zero = hn::Zero(d_), slope = hn::Set(d_, static_cast<T>(g_.slope));
    const auto before = [&](Vec x) { return hn::MulAdd(scale, x, shift); };
    const auto through = [&](Vec a, Vec grad) {
      return g_.rectify ? hn::IfThenElse(hn::Gt(a, zero), grad, hn::Mul(grad, slope)) : grad;
    };
    const auto grad_y = [&](int64_t at) { return in.grad_y ? hn::LoadU(d_, in.grad_y + at + c) : zero; };
    pixels(
        [&](int64_t at, bool) {
          const Vec x = hn::LoadU(d_, in.x + at + c);
          use(at, x, through(before(x), grad_y(at)));
        },
        [&](int64_t at, int64_t pooled_at) {
          if (!in.grad_pooled) return false;
          const int64_t places[4] = {at, at + g_.channels, at + row_step(), at + row_step() + g_.channels};
          const Vec grad = hn::LoadU(d_, in.grad_pooled + pooled_at + c);
          if (!in.grad_y && keeps_order()) {
            Window w;
            TESSERA_UNROLL for (int i = 0; i < 4; ++i) w.x[i] = hn::LoadU(d_, in.x + places[i] + c);
            Vec best = before(w.x[0]);
            w.best = w.x[0];
            TESSERA_UNROLL for (int i = 1; i < 4; ++i) {
              const Vec next = before(w.x[i]);
              w.wins[i] = beats(next, best);
              best = hn::IfThenElse(w.wins[i], next, best);
              w.best = hn::IfThenElse(w.wins[i], w.x[i], w.best);
            }
            w.wins[2] = hn::AndNot(w.wins[3], w.wins[2]);
            const auto late = hn::Or(w.wins[2], w.wins[3]);
            w.wins[1] = hn::AndNot(late, w.wins[1]);
            w.wins[0] = hn::Not(hn::Or(w.wins[1], late));
            w.grad = through(best, grad);
            use_window(places, w);
            return true;
          }
          Vec x[4], a[4], g[4];
          TESSERA_UNROLL for (int i = 0; i < 4; ++i) {
            x[i] = hn::LoadU(d_, in.x + places[i] + c);
            a[i] = before(x[i]);
          }
          Vec best = activate(a[0]);
          g[0] = grad;
          TESSERA_UNROLL for (int i = 1; i < 4; ++i) {
            const Vec next = activate(a[i]);
            const auto wins = beats(next, best);
            best = hn::IfThenElse(wins, next, best);
            g[i] = hn::IfThenElseZero(wins, grad);
            TESSERA_UNROLL for (int j = 0; j < i; ++j) g[j] = hn::IfThenZeroElse(wins, g[j]);
          }
          TESSERA_UNROLL for (int i = 0; i < 4; ++i)
              use(places[i], x[i], through(a[i], hn::Add(g[i], grad_y(places[i]))));
          return true;
        });
  }

  /// Calls `body(channel, pixels)` for every vector of channels of every unit, in parallel.
  template <class Body>
  void for_all(Body&& body) const {
    parallel_ranges(units_, grain_, [&](int64_t begin, int64_t end) {
      for (int64_t unit = begin; unit < end; ++unit)
        for (int64_t from = 0; from < g_.width; from += segment_pixels)
          for (int64_t c = 0; c < g_.channels; c += lanes_)
            body(c, [&](auto&& pixel, auto&& window) {
              visit(unit, from, std::min(from + segment_pixels, g_.width), pixel, window);
            });
    });
  }

  /// Two sums a channel: in T over a segment, in double over a chunk, over chunks in order.
  template <class Body>
  void reduce(double* first, double* second, Body&& body) const {
    const int64_t chunks = (units_ + grain_ - 1) / grain_, channels = g_.channels;
    const Buffer<double> partial(std::max<int64_t>(chunks, 1) * 2 * channels);
    parallel_ranges(units_, grain_, [&](int64_t begin, int64_t end) {
      double* mine = partial.data() + begin / grain_ * 2 * channels;
      std::fill(mine, mine + 2 * channels, 0.0);
      for (int64_t unit = begin; unit < end; ++unit)
        for (int64_t from = 0; from < g_.width; from += segment_pixels)
          for (int64_t c = 0; c < channels; c += lanes_) {
            Vec a = hn::Zero(d_), b = hn::Zero(d_);
            body(
                c,
                [&](auto&& pixel, auto&& window) {
                  visit(unit, from, std::min(from + segment_pixels, g_.width), pixel, window);
                },
                a, b);
            T values[2 * HWY_MAX_BYTES / sizeof(T)];
            hn::StoreU(a, d_, values);
            hn::StoreU(b, d_, values + lanes_);
            for (int64_t lane = 0; lane < lanes_; ++lane) {
              mine[c + lane] += static_cast<double>(values[lane]);
              mine[channels + c + lane] += static_cast<double>(values[lanes_ + lane]);
            }
          }
    });
    std::fill(first, first + channels, 0.0);
    std::fill(second, second + channels, 0.0);
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      const double* term = partial.data() + chunk * 2 * channels;
      for (int64_t c = 0; c < channels; ++c) {
        first[c] += term[c];
        second[c] += term[channels + c];
      }
    }
  }

  D d_;
  NormBlockGeometry g_;
  int64_t lanes_, rows_, units_, grain_;
};

template <class T, class F>
void with_block(const NormBlockGeometry& g, F&& f) {
  with_lanes<T>(g.channels, [&](auto d) { f(NormBlock<decltype(d)>(g)); });
}

// Dispatch wants functions, not templates.
void moments_f32(const NormBlockGeometry& g, const float* x, const float* pivot, double* sums, double* squares) {
  with_block<float>(g, [&](const auto& block) { block.moments(x, pivot, sums, squares); });
}
void moments_f64(const NormBlockGeometry& g, const double* x, const double* pivot, double* sums, double* squares) {
  with_block<double>(g, [&](const auto& block) { block.moments(x, pivot, sums, squares); });
}
void forward_f32(const NormBlockGeometry& g, const float* x, const float* scale, const float* shift, float* y,
                 float* pooled, int64_t y_step) {
  with_block<float>(g, [&](const auto& block) { block.forward(x, scale, shift, y, pooled, y_step); });
}
void forward_f64(const NormBlockGeometry& g, const double* x, const double* scale, const double* shift, double* y,
                 double* pooled, int64_t y_step) {
  with_block<double>(g, [&](const auto& block) { block.forward(x, scale, shift, y, pooled, y_step); });
}
void backward_sums_f32(const NormBlockGeometry& g, const NormBlockGradients<float>& in, const float* mean, double* sums,
                       double* products) {
  with_block<float>(g, [&](const auto& block) { block.backward_sums(in, mean, sums, products); });
}
void backward_sums_f64(const NormBlockGeometry& g, const NormBlockGradients<double>& in, const double* mean,
                       double* sums, double* products) {
  with_block<double>(g, [&](const auto& block) { block.backward_sums(in, mean, sums, products); });
}
void backward_f32(const NormBlockGeometry& g, const NormBlockGradients<float>& in, const float* grad_scale,
                  const float* x_scale, const float* offset, float* grad_x) {
  with_block<float>(g, [&](const auto& block) { block.backward(in, grad_scale, x_scale, offset, grad_x); });
}
void backward_f64(const NormBlockGeometry& g, const NormBlockGradients<double>& in, const double* grad_scale,
                  const double* x_scale, const double* offset, double* grad_x) {
  with_block<double>(g, [&](const auto& block) { block.backward(in, grad_scale, x_scale, offset, grad_x); });
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(moments_f32);
HWY_EXPORT(moments_f64);
HWY_EXPORT(forward_f32);
HWY_EXPORT(forward_f64);
HWY_EXPORT(backward_sums_f32);
HWY_EXPORT(backward_sums_f64);
HWY_EXPORT(backward_f32);
HWY_EXPORT(backward_f64);

template <>
void norm_block_moments(const NormBlockGeometry& g, const float* x, const float* pivot, double* sums, double* squares) {
  HWY_DYNAMIC_DISPATCH(moments_f32)(g, x, pivot, sums, squares);
}
template <>
void norm_block_moments(const NormBlockGeometry& g, const double* x, const double* pivot, double* sums,
                        double* squares) {
  HWY_DYNAMIC_DISPATCH(moments_f64)(g, x, pivot, sums, squares);
}
template <>
void norm_block_forward(const NormBlockGeometry& g, const float* x, const float* scale, const float* shift, float* y,
                        float* pooled, std::int64_t y_step) {
  HWY_DYNAMIC_DISPATCH(forward_f32)(g, x, scale, shift, y, pooled, y_step);
}
template <>
void norm_block_forward(const NormBlockGeometry& g, const double* x, const double* scale, const double* shift,
                        double* y, double* pooled, std::int64_t y_step) {
  HWY_DYNAMIC_DISPATCH(forward_f64)(g, x, scale, shift, y, pooled, y_step);
}
template <>
void norm_block_backward_sums(const NormBlockGeometry& g, const NormBlockGradients<float>& in, const float* mean,
                              double* sums, double* products) {
  HWY_DYNAMIC_DISPATCH(backward_sums_f32)(g, in, mean, sums, products);
}
template <>
void norm_block_backward_sums(const NormBlockGeometry& g, const NormBlockGradients<double>& in, const double* mean,
                              double* sums, double* products) {
  HWY_DYNAMIC_DISPATCH(backward_sums_f64)(g, in, mean, sums, products);
}
template <>
void norm_block_backward(const NormBlockGeometry& g, const NormBlockGradients<float>& in, const float* grad_scale,
                         const float* x_scale, const float* offset, float* grad_x) {
  HWY_DYNAMIC_DISPATCH(backward_f32)(g, in, grad_scale, x_scale, offset, grad_x);
}
template <>
void norm_block_backward(const NormBlockGeometry& g, const NormBlockGradients<double>& in, const double* grad_scale,
                         const double* x_scale, const double* offset, double* grad_x) {
  HWY_DYNAMIC_DISPATCH(backward_f64)(g, in, grad_scale, x_scale, offset, grad_x);
}

}  // namespace tessera::kernels
#endif
