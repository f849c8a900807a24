#pragma once

#include <tessera/core/kernels/conv.hpp>
#include <tessera/core/kernels/conv_lanes.hpp>

namespace tessera::kernels {

// Direct convolution: any geometry, both float types.
void direct_forward(const ConvGeometry&, const float* input, const float* kernel, const Epilogue<float>&, float* output,
                    WeightStore* store);
void direct_forward(const ConvGeometry&, const double* input, const double* kernel, const Epilogue<double>&,
                    double* output, WeightStore* store);
void direct_backward_input(const ConvGeometry&, const float* output, const float* kernel, const Epilogue<float>&,
                           float* input, WeightStore* store);
void direct_backward_input(const ConvGeometry&, const double* output, const double* kernel, const Epilogue<double>&,
                           double* input, WeightStore* store);
void direct_backward_kernel(const ConvGeometry&, const float* input, const float* output, float* kernel_gradient);
void direct_backward_kernel(const ConvGeometry&, const double* input, const double* output, double* kernel_gradient);

// Flat convolution: any geometry, both float types; for depthwise convolution.
void flat_forward(const ConvGeometry&, const float* input, const float* kernel, const Epilogue<float>&, float* output,
                  WeightStore* store);
void flat_forward(const ConvGeometry&, const double* input, const double* kernel, const Epilogue<double>&,
                  double* output, WeightStore* store);
void flat_backward_input(const ConvGeometry&, const float* output, const float* kernel, const Epilogue<float>&,
                         float* input, WeightStore* store);
void flat_backward_input(const ConvGeometry&, const double* output, const double* kernel, const Epilogue<double>&,
                         double* input, WeightStore* store);
void flat_backward_kernel(const ConvGeometry&, const float* input, const float* output, float* kernel_gradient);
void flat_backward_kernel(const ConvGeometry&, const double* input, const double* output, double* kernel_gradient);

// Planar convolution: any geometry, both float types; for few result channels of a group.
void planar_forward(const ConvGeometry&, const float* input, const float* kernel, const Epilogue<float>&, float* output,
                    WeightStore* store);
void planar_forward(const ConvGeometry&, const double* input, const double* kernel, const Epilogue<double>&,
                    double* output, WeightStore* store);
void planar_backward_input(const ConvGeometry&, const float* output, const float* kernel, const Epilogue<float>&,
                           float* input, WeightStore* store);
void planar_backward_input(const ConvGeometry&, const double* output, const double* kernel, const Epilogue<double>&,
                           double* input, WeightStore* store);
void planar_backward_kernel(const ConvGeometry&, const float* input, const float* output, float* kernel_gradient);
void planar_backward_kernel(const ConvGeometry&, const double* input, const double* output, double* kernel_gradient);

// Convolution by dot products: any geometry, in f32; for few result channels of many sources.
void dots_forward(const ConvGeometry&, const float* input, const float* kernel, const Epilogue<float>&, float* output,
                  WeightStore* store);
void dots_backward_input(const ConvGeometry&, const float* output, const float* kernel, const Epilogue<float>&,
                         float* input, WeightStore* store);

// Permuted convolution, in f32, for few channels: where vectors of results can take their sources from vectors, as
// these tell.
RowLanes permuted_lanes(const ConvReading& reading);
RowLanes permuted_kernel_lanes(const ConvGeometry& geometry);
void permuted_forward(const ConvGeometry&, const float* input, const float* kernel, const Epilogue<float>&,
                      float* output, WeightStore* store);
void permuted_backward_input(const ConvGeometry&, const float* output, const float* kernel, const Epilogue<float>&,
                             float* input, WeightStore* store);

// Of permuted_backward_input, that through a stride, of as many taps as there are tiles for.
void permuted_back(const ConvGeometry&, const float* output, const float* kernel, const Epilogue<float>&, float* input,
                   WeightStore* store);
// Whether vectors of AVX-512 would be filled no better.
bool permuted_runs_narrow(const ConvReading& reading);

void permuted_backward_kernel(const ConvGeometry&, const float* input, const float* output, float* kernel_gradient);

// Winograd, in f32: where winograd_saving says that it applies.
void winograd_forward(const ConvGeometry&, std::span<const InputPart> input, const float* kernel,
                      const Epilogue<float>&, float* output, WeightStore* store);
void winograd_backward_input(const ConvGeometry&, const float* output, const float* kernel, const Epilogue<float>&,
                             float* input, WeightStore* store);
// Along columns alone, of three tap rows and more without stride, dilation or groups, for up to so many sources, so
// many sources of a tap row, and from so many results on.
constexpr int most_few_sources = 8, most_row_sources = 64, least_column_results = 5;
void winograd_columns_forward(const ConvGeometry&, const float* input, const float* kernel, const Epilogue<float>&,
                              float* output, WeightStore* store);
void winograd_columns_backward_input(const ConvGeometry&, const float* output, const float* kernel,
                                     const Epilogue<float>&, float* input, WeightStore* store);
void winograd_columns_backward_kernel(const ConvGeometry&, const float* input, const float* output,
                                      float* kernel_gradient);
// With vectors over tiles throughout, for few results, of 3x3 taps without stride, dilation or groups.
void winograd_planes_forward(const ConvGeometry&, const float* input, const float* kernel, const Epilogue<float>&,
                             float* output, WeightStore* store);
void winograd_planes_backward_input(const ConvGeometry&, const float* output, const float* kernel,
                                    const Epilogue<float>&, float* input, WeightStore* store);
void winograd_backward_kernel(const ConvGeometry&, const float* input, const float* output, float* kernel_gradient);

}  // namespace tessera::kernels
