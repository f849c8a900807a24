#pragma once

#include <string>
#include <tessera/models/segmentation_model.hpp>

namespace tessera {

/// Where the first number that is not finite comes from when `model` is given `images`: "the images", "the weight
/// head.kernel", "the output of encoder1.conv1.conv (conv2d)"; where all of them are finite, "the loss itself, of
/// scores up to 2e+38". Runs the model once.
std::string first_not_finite(SegmentationModel& model, const Tensor& images);

/// Path of the parameter whose gradient has a number that is not finite and that `model`, given `images`, uses last;
/// empty where there is none. Gradients flow from the output, so that is where it began. Runs the model once.
std::string gradient_not_finite(SegmentationModel& model, const Tensor& images);

}  // namespace tessera
