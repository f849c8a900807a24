#include <algorithm>
#include <tessera/core/kernels/conv_exchange.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/conv_route.hpp>
#include <type_traits>

namespace tessera::kernels {

template <class T>
void conv_forward(const ConvGeometry& g, const T* input, const T* kernel, const Epilogue<T>& e, T* output,
                  WeightStore* store) {
  const ConvRoute route = conv_route<T>({g, true});
  if constexpr (std::is_same_v<T, float>) {
    if (route == ConvRoute::winograd_planes) return winograd_planes_forward(g, input, kernel, e, output, store);
    if (route == ConvRoute::permuted) return permuted_forward(g, input, kernel, e, output, store);
    if (route == ConvRoute::dots) return dots_forward(g, input, kernel, e, output, store);
    if (route == ConvRoute::winograd_columns) return winograd_columns_forward(g, input, kernel, e, output, store);
    if (route == ConvRoute::winograd)
      return conv_forward_parts(g, {{{input, g.in_channels}}}, kernel, e, output, store);
  }
  if (route == ConvRoute::flat) return flat_forward(g, input, kernel, e, output, store);
  if (route == ConvRoute::planar) return planar_forward(g, input, kernel, e, output, store);
  direct_forward(g, input, kernel, e, output, store);
}

bool conv_reads_parts(const ConvGeometry& g, std::span<const std::int64_t> channels) {
  constexpr std::int64_t widest_vector = 16;
  return conv_route<float>({g, true}) == ConvRoute::winograd &&
         std::all_of(channels.begin(), channels.end(), [](std::int64_t count) { return count % widest_vector == 0; });
}

void conv_forward_parts(const ConvGeometry& g, std::span<const InputPart> parts, const float* kernel,
                        const Epilogue<float>& e, float* output, WeightStore* store) {
  winograd_forward(g, parts, kernel, e, output, store);
}

template <class T>
void conv_backward_input(const ConvGeometry& g, const T* output, const T* kernel, const Epilogue<T>& e, T* input,
                         WeightStore* store) {
  const ConvRoute route = conv_route<T>({g, false});
  if constexpr (std::is_same_v<T, float>) {
    if (route == ConvRoute::winograd_planes) return winograd_planes_backward_input(g, output, kernel, e, input, store);
    if (route == ConvRoute::permuted) return permuted_backward_input(g, output, kernel, e, input, store);
    if (route == ConvRoute::dots) return dots_backward_input(g, output, kernel, e, input, store);
    if (route == ConvRoute::winograd_columns)
      return winograd_columns_backward_input(g, output, kernel, e, input, store);
    if (route == ConvRoute::winograd) return winograd_backward_input(g, output, kernel, e, input, store);
  }
  if (route == ConvRoute::flat) return flat_backward_input(g, output, kernel, e, input, store);
  if (route == ConvRoute::planar) return planar_backward_input(g, output, kernel, e, input, store);
  direct_backward_input(g, output, kernel, e, input, store);
}

template <class T>
void conv_backward_kernel(const ConvGeometry& g, const T* input, const T* output, T* kernel_gradient) {
  if (joins_groups(g))
    return join_groups_of_kernel_gradient(g, input, output, kernel_gradient, conv_backward_kernel<T>);
  const KernelRoute choice = kernel_route<T>(g);
  if (choice.route == ConvRoute::flat) return flat_backward_kernel(g, input, output, kernel_gradient);
  if (choice.route == ConvRoute::planar) return planar_backward_kernel(g, input, output, kernel_gradient);
  if constexpr (std::is_same_v<T, float>)
    if (choice.route == ConvRoute::permuted) return permuted_backward_kernel(g, input, output, kernel_gradient);
  const auto compute = [&](const ConvGeometry& geometry, const T* x, const T* y, T* gradient) {
    if constexpr (std::is_same_v<T, float>) {
      if (choice.route == ConvRoute::winograd_columns)
        return winograd_columns_backward_kernel(geometry, x, y, gradient);
      if (choice.route == ConvRoute::winograd) return winograd_backward_kernel(geometry, x, y, gradient);
    }
    direct_backward_kernel(geometry, x, y, gradient);
  };
  if (choice.exchanged) return exchange_kernel_gradient(g, input, output, kernel_gradient, compute);
  compute(g, input, output, kernel_gradient);
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

}  // namespace tessera::kernels
