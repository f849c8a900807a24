#pragma once

#include <string>
#include <tessera/core/conv_geometry.hpp>
#include <tessera/models/make_model.hpp>
#include <vector>

namespace bench {

/// A network and the images it is timed on.
struct Workload {
  std::string name;
  tessera::ModelOptions model;
  std::int64_t batch, side;
};

/// tiny64, tiny128, unet16, unet32.
const std::vector<Workload>& workloads();

/// The workload of that name; ValueError lists the names.
Workload workload(const std::string& name);

/// Images of sine waves [batch, side, side, channels] and labels in stripes [batch, side, side].
tessera::Tensor image_waves(const Workload& w);
tessera::Tensor striped_labels(const Workload& w);

/// One convolution of a network, transposed ones as the convolution they read backwards.
struct NetworkConv {
  std::string path;
  tessera::ConvGeometry geometry;
  bool transposed;
  bool reads_image;  ///< nobody wants the gradient of its input
};

/// All convolutions of one forward pass over the workload's images, in the order they run.
std::vector<NetworkConv> convolutions(const Workload& w);

/// 10^9 floating-point operations in the convolutions, computed directly, of a training step or of inference.
double gigaflops(const Workload& w, bool infer);

}  // namespace bench
