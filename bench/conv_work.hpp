#pragma once

#include <string>
#include <tessera/core/conv_geometry.hpp>
#include <tessera/core/tensor.hpp>
#include <vector>

namespace bench {

/// A convolution to be timed.
struct ConvShape {
  std::string name;
  tessera::ConvGeometry geometry;
};

/// Every different convolution of the workloads' training steps, transposed ones as those they read backwards.
std::vector<ConvShape> workload_shapes();

/// The tests' case table, its images enlarged to 48 pixels a side and a million multiply-adds: so that a kernel and not
/// its call is timed.
std::vector<ConvShape> case_table_shapes();

/// Shapes that kernels are easily slow at: channels beside the vector's width, large kernels, strides, dilation,
/// groups, depthwise, few rows, one image.
std::vector<ConvShape> odd_shapes();

/// The same with input and output channels rounded up to multiples of 16 (of 16 and the groups, where there are groups;
/// a depthwise one stays so).
ConvShape rounded_up(const ConvShape& shape);

/// "1x64x64x3 -> 16, 3x3"
std::string describe(const tessera::ConvGeometry& g);

enum class Direction { forward, backward_input, backward_weight };
inline constexpr Direction directions[] = {Direction::forward, Direction::backward_input, Direction::backward_weight};
const char* name_of(Direction direction);

/// Operands of one convolution, which runs in any direction.
class ConvWork {
 public:
  explicit ConvWork(const tessera::ConvGeometry& geometry);
  void run(Direction direction);
  /// Reads what a run reads and writes as much as it writes, but multiplies nothing.
  void move(Direction direction);
  /// Floating-point operations of one run, computed directly.
  double flops() const { return 2.0 * static_cast<double>(geometry_.multiply_adds()); }

 private:
  tessera::ConvGeometry geometry_;
  tessera::Tensor input_, kernel_, output_, result_input_, result_kernel_, result_output_;
};

/// Best time of one run, in seconds, of as many as take `seconds`; or of one move.
double best_seconds(ConvWork& work, Direction direction, double seconds);
double best_move_seconds(ConvWork& work, Direction direction, double seconds);

}  // namespace bench
