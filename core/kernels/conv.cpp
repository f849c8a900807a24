#include <algorithm>
#include <atomic>
#include <tessera/core/conv_plan.hpp>
#include <tessera/core/kernels/conv_plans.hpp>

namespace tessera {
namespace {

std::atomic<ConvPlan> chosen_plan{ConvPlan::automatic};

/// What Winograd saves in products it spends on transforms, the more so the fewer channels of the source a product
/// sums. Depends on one image's geometry only, so that results do not depend on the batch an image sits in.
bool use_winograd(const ConvGeometry& g, double saving, std::int64_t sources) {
  const ConvPlan plan = chosen_plan;
  if (plan != ConvPlan::automatic || saving == 0) return plan == ConvPlan::winograd && saving > 0;
  // The weights of all phases are many: some tens of tiles must share them.
  const std::int64_t pixels = g.output.height * g.output.width;
  return saving >= 1 + 24 / static_cast<double>(sources) && g.output.height >= 4 && g.output.width >= 4 &&
         (g.stride == Size2D(1) || pixels >= 512);
}

/// Weight gradients transform sources and results alike, and sum over tiles: below some 16 an image the transforms of
/// the kernel outweigh the sums.
bool use_winograd_for_kernel(const ConvGeometry& g) {
  return use_winograd(g, kernels::winograd_saving(g), std::min(g.in_channels, g.out_channels)) &&
         (chosen_plan == ConvPlan::winograd || g.output.height * g.output.width >= 256);
}

/// Vectors over result channels stay half empty where a group has no more than 4, and each group's sources must be
/// gathered: flat takes from two thirds (groups of 4) to a twentieth (depthwise) of the time. One group alone has to be
/// very narrow to be worth spreading its sources.
bool use_flat(const ConvGeometry& g, std::int64_t all_results) {
  const ConvPlan plan = chosen_plan;
  if (plan != ConvPlan::automatic) return plan == ConvPlan::flat;
  return g.groups > 1 ? all_results / g.groups <= 4 : g.in_channels == 1 && g.out_channels == 1;
}

}  // namespace

void set_conv_plan(ConvPlan plan) { chosen_plan = plan; }
ConvPlan conv_plan() { return chosen_plan; }

namespace kernels {
namespace {

template <class T>
void forward(const ConvGeometry& g, const T* input, const T* kernel, const Epilogue<T>& e, T* output,
             WeightStore* store) {
  if (use_flat(g, g.out_channels)) return flat_forward(g, input, kernel, e, output, store);
  direct_forward(g, input, kernel, e, output, store);
}

template <class T>
void backward_input(const ConvGeometry& g, const T* output, const T* kernel, const Epilogue<T>& e, T* input,
                    WeightStore* store) {
  if (use_flat(g, g.in_channels)) return flat_backward_input(g, output, kernel, e, input, store);
  direct_backward_input(g, output, kernel, e, input, store);
}

template <class T>
void backward_kernel(const ConvGeometry& g, const T* input, const T* output, T* kernel_gradient) {
  if (use_flat(g, g.out_channels)) return flat_backward_kernel(g, input, output, kernel_gradient);
  direct_backward_kernel(g, input, output, kernel_gradient);
}

}  // namespace

template <>
void conv_forward(const ConvGeometry& g, const float* input, const float* kernel, const Epilogue<float>& e,
                  float* output, WeightStore* store) {
  if (use_winograd(g, winograd_saving(g), g.in_channels)) return winograd_forward(g, input, kernel, e, output, store);
  forward(g, input, kernel, e, output, store);
}

template <>
void conv_backward_input(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                         float* input, WeightStore* store) {
  if (use_winograd(g, winograd_saving_backward(g), g.out_channels))
    return winograd_backward_input(g, output, kernel, e, input, store);
  backward_input(g, output, kernel, e, input, store);
}

template <>
void conv_backward_kernel(const ConvGeometry& g, const float* input, const float* output, float* kernel_gradient) {
  if (use_winograd_for_kernel(g)) return winograd_backward_kernel(g, input, output, kernel_gradient);
  backward_kernel(g, input, output, kernel_gradient);
}

template <>
void conv_forward(const ConvGeometry& g, const double* input, const double* kernel, const Epilogue<double>& e,
                  double* output, WeightStore* store) {
  forward(g, input, kernel, e, output, store);
}

template <>
void conv_backward_input(const ConvGeometry& g, const double* output, const double* kernel, const Epilogue<double>& e,
                         double* input, WeightStore* store) {
  backward_input(g, output, kernel, e, input, store);
}

template <>
void conv_backward_kernel(const ConvGeometry& g, const double* input, const double* output, double* kernel_gradient) {
  backward_kernel(g, input, output, kernel_gradient);
}

}  // namespace kernels
}  // namespace tessera
