#include <algorithm>
#include <atomic>
#include <numeric>
#include <tessera/core/conv_plan.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/dispatch.hpp>
#include <type_traits>

namespace tessera {
namespace {

std::atomic<ConvPlan> chosen_plan{ConvPlan::automatic};

/// What Winograd saves in products it spends on transforms, the more so the fewer channels of the source a product
/// sums, and for phases the shorter the vectors. Depends on one image's geometry only, so that results do not depend on
/// the batch an image sits in.
bool use_winograd(const ConvGeometry& g, double saving, std::int64_t sources) {
  const ConvPlan plan = chosen_plan;
  if (plan != ConvPlan::automatic || saving == 0) return plan == ConvPlan::winograd && saving > 0;
  // The weights of all phases are many: some tens of tiles must share them.
  const std::int64_t pixels = g.output.height * g.output.width;
  const double cost = g.stride == Size2D(1) || kernels::has_wide_vectors() ? 24 : 28;
  return saving >= 1 + cost / static_cast<double>(sources) && g.output.height >= 4 && g.output.width >= 4 &&
         (g.stride == Size2D(1) || pixels >= 512);
}

/// Weight gradients transform sources and results alike, and sum over tiles: below some 16 an image the transforms of
/// the kernel outweigh the sums.
bool use_winograd_for_kernel(const ConvGeometry& g) {
  const ConvPlan plan = chosen_plan;
  if (kernels::winograd_saving(g) == 0 || plan != ConvPlan::automatic)
    return kernels::winograd_saving(g) > 0 && plan == ConvPlan::winograd;
  return std::min(g.in_channels, g.out_channels) >= 5 && g.output.height >= 4 && g.output.width >= 4 &&
         g.output.height * g.output.width >= 256;
}

/// Where a group has one source and one result, no other plan comes near flat's rates.
bool use_flat(const ConvGeometry& g) {
  const ConvPlan plan = chosen_plan;
  if (plan != ConvPlan::automatic) return plan == ConvPlan::flat;
  return g.groups > 1 && g.in_channels == g.groups;
}

/// Columns of sources are split into so many before results side by side find theirs side by side.
std::int64_t column_phases(const ConvGeometry& g) {
  return g.stride.width / std::gcd(g.stride.width, g.dilation.width);
}

/// Vectors over few result channels stay partly empty, those over pixels are full: up to 4, and up to 10 of stride 1
/// that do not fill a vector of 8 and that Winograd does not take. With groups direct convolution has to gather each
/// group's sources besides.
bool use_planar(const ConvGeometry& g, double saving, std::int64_t all_sources, std::int64_t all_results,
                std::int64_t phases) {
  const ConvPlan plan = chosen_plan;
  if (plan != ConvPlan::automatic) return plan == ConvPlan::planar;
  const std::int64_t results = all_results / g.groups;
  if (results <= 4 || results > 10) return results <= 4;
  return g.groups > 1 || (results != 8 && phases == 1 && !use_winograd(g, saving, all_sources));
}
bool use_planar_forward(const ConvGeometry& g) {
  return use_planar(g, kernels::winograd_saving(g), g.in_channels, g.out_channels, column_phases(g));
}
/// The phases of any stride are convolutions of stride 1.
bool use_planar_backward(const ConvGeometry& g) {
  return use_planar(g, kernels::winograd_saving_backward(g), g.out_channels, g.in_channels, 1);
}

/// Vectors over 7 or 8 filters are full enough; beside a side of up to 4 channels, those over up to 10 others are not.
/// Many phases of columns make the planes' rows short and their loading dear.
bool use_planar_for_kernel(const ConvGeometry& g) {
  const ConvPlan plan = chosen_plan;
  if (plan != ConvPlan::automatic) return plan == ConvPlan::planar;
  const std::int64_t filters = g.out_channels / g.groups;
  const auto [narrow, wide] = std::minmax({g.in_channels / g.groups, filters});
  if (wide > 10 || filters == 8) return false;
  return g.groups > 1 ? filters != 7 : narrow <= 4 && column_phases(g) <= 2;
}

}  // namespace

void set_conv_plan(ConvPlan plan) { chosen_plan = plan; }
ConvPlan conv_plan() { return chosen_plan; }

namespace kernels {

template <class T>
void conv_forward(const ConvGeometry& g, const T* input, const T* kernel, const Epilogue<T>& e, T* output,
                  WeightStore* store) {
  if (use_flat(g)) return flat_forward(g, input, kernel, e, output, store);
  if (use_planar_forward(g)) return planar_forward(g, input, kernel, e, output, store);
  if constexpr (std::is_same_v<T, float>)
    if (use_winograd(g, winograd_saving(g), g.in_channels))
      return conv_forward_parts(g, {{{input, g.in_channels}}}, kernel, e, output, store);
  direct_forward(g, input, kernel, e, output, store);
}

bool conv_reads_parts(const ConvGeometry& g, std::span<const std::int64_t> channels) {
  constexpr std::int64_t widest_vector = 16;
  return !use_flat(g) && !use_planar_forward(g) && use_winograd(g, winograd_saving(g), g.in_channels) &&
         std::all_of(channels.begin(), channels.end(), [](std::int64_t count) { return count % widest_vector == 0; });
}

void conv_forward_parts(const ConvGeometry& g, std::span<const InputPart> parts, const float* kernel,
                        const Epilogue<float>& e, float* output, WeightStore* store) {
  winograd_forward(g, parts, kernel, e, output, store);
}

template <class T>
void conv_backward_input(const ConvGeometry& g, const T* output, const T* kernel, const Epilogue<T>& e, T* input,
                         WeightStore* store) {
  if (use_flat(g)) return flat_backward_input(g, output, kernel, e, input, store);
  if (use_planar_backward(g)) return planar_backward_input(g, output, kernel, e, input, store);
  if constexpr (std::is_same_v<T, float>)
    if (use_winograd(g, winograd_saving_backward(g), g.out_channels))
      return winograd_backward_input(g, output, kernel, e, input, store);
  direct_backward_input(g, output, kernel, e, input, store);
}

template <class T>
void conv_backward_kernel(const ConvGeometry& g, const T* input, const T* output, T* kernel_gradient) {
  if (use_flat(g)) return flat_backward_kernel(g, input, output, kernel_gradient);
  if (use_planar_for_kernel(g)) return planar_backward_kernel(g, input, output, kernel_gradient);
  if constexpr (std::is_same_v<T, float>)
    if (use_winograd_for_kernel(g)) return winograd_backward_kernel(g, input, output, kernel_gradient);
  direct_backward_kernel(g, input, output, kernel_gradient);
}

template void conv_forward(const ConvGeometry&, const float*, const float*, const Epilogue<float>&, float*,
                           WeightStore*);
template void conv_forward(const ConvGeometry&, const double*, const double*, const Epilogue<double>&, double*,
                           WeightStore*);
template void conv_backward_input(const ConvGeometry&, const float*, const float*, const Epilogue<float>&, float*,
                                  WeightStore*);
template void conv_backward_input(const ConvGeometry&, const double*, const double*, const Epilogue<double>&, double*,
                                  WeightStore*);
template void conv_backward_kernel(const ConvGeometry&, const float*, const float*, float*);
template void conv_backward_kernel(const ConvGeometry&, const double*, const double*, double*);

}  // namespace kernels
}  // namespace tessera
