#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <tessera/layers/losses/loss.hpp>
#include <vector>

namespace tessera {

/// A loss of logits [N, H, W, classes] and labels [N, H, W].
using LabelLoss = std::function<Loss(const Tensor& logits, const Tensor& labels)>;

struct LossSpecOptions {
  std::vector<double> class_weights = {};                   ///< of ce, bce and focal
  std::optional<std::int64_t> ignore_index = std::nullopt;  ///< of all of them
  double label_smoothing = 0;                               ///< of ce
};

/// The weighted sum of losses that a text such as "ce+0.5*dice" names: ce, bce (each class against all others), focal,
/// dice, jaccard, and dice_objects and jaccard_objects, which leave class 0 out.
///
/// ValueError says which part was not understood and what names there are, or that all factors are 0.
LabelLoss loss_from_spec(std::string_view spec, const LossSpecOptions& options = {});

}  // namespace tessera
