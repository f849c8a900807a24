#pragma once

#include <tessera/layers/layer.hpp>

namespace tessera {

/// Moves every batch normalisation into the weights of the convolution before it, in place, for faster inference.
///
/// With s = gamma / sqrt(running_var + epsilon): kernel *= s, bias = s bias + beta - s running_mean, a channel each.
/// One forward pass over zeros of the shape `input` ([N, H, W, C], any that the model takes: a small one needs the
/// least memory) shows which convolution that is. The convolutions then have a bias and the normalisations no
/// parameters and buffers: the state dict is that of the same network built without normalisation. Returns the paths of
/// what was folded. ValueError, and nothing is changed, where one does not directly follow a convolution layer, the
/// convolution's output or weights serve something else too, or the batch's statistics are in use (call eval() first).
std::vector<std::string> fold_batch_norm(Layer& model, const Shape& input);

}  // namespace tessera
