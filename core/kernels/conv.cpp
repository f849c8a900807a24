#include <algorithm>
#include <atomic>
#include <numeric>
#include <tessera/core/conv_plan.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <type_traits>

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

/// Where a group has one source and one result, no other plan comes near flat's rates.
bool use_flat(const ConvGeometry& g) {
  const ConvPlan plan = chosen_plan;
  if (plan != ConvPlan::automatic) return plan == ConvPlan::flat;
  return g.groups > 1 && g.in_channels == g.groups;
}

/// Vectors over up to 4 result channels stay half empty, those over pixels are full: half of the time. With groups
/// direct convolution has to gather each group's sources besides.
bool use_planar(const ConvGeometry& g, std::int64_t all_results) {
  const ConvPlan plan = chosen_plan;
  if (plan != ConvPlan::automatic) return plan == ConvPlan::planar;
  return all_results / g.groups <= (g.groups > 1 ? 10 : 4);
}

/// One wide side fills the lanes of the register tile; beside a side of up to 4 channels, one of up to 10 does not yet.
/// Many phases of columns make the planes' rows short and their loading dear.
bool use_planar_for_kernel(const ConvGeometry& g) {
  const auto [narrow, wide] = std::minmax(g.in_channels, g.out_channels);
  if (chosen_plan != ConvPlan::automatic || g.groups > 1) return use_planar(g, wide);
  return narrow <= 4 && wide <= 10 && g.stride.width / std::gcd(g.stride.width, g.dilation.width) <= 2;
}

}  // namespace

void set_conv_plan(ConvPlan plan) { chosen_plan = plan; }
ConvPlan conv_plan() { return chosen_plan; }

namespace kernels {

template <class T>
void conv_forward(const ConvGeometry& g, const T* input, const T* kernel, const Epilogue<T>& e, T* output,
                  WeightStore* store) {
  if (use_flat(g)) return flat_forward(g, input, kernel, e, output, store);
  if (use_planar(g, g.out_channels)) return planar_forward(g, input, kernel, e, output, store);
  if constexpr (std::is_same_v<T, float>)
    if (use_winograd(g, winograd_saving(g), g.in_channels))
      return conv_forward_parts(g, {{{input, g.in_channels}}}, kernel, e, output, store);
  direct_forward(g, input, kernel, e, output, store);
}

bool conv_reads_parts(const ConvGeometry& g, std::span<const std::int64_t> channels) {
  constexpr std::int64_t widest_vector = 16;
  return !use_flat(g) && !use_planar(g, g.out_channels) && use_winograd(g, winograd_saving(g), g.in_channels) &&
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
  if (use_planar(g, g.in_channels)) return planar_backward_input(g, output, kernel, e, input, store);
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
