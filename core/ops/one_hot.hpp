#pragma once

#include <tessera/core/tensor.hpp>

namespace tessera {

/// A 1 at each label's class and 0 elsewhere: labels [...] (i32 or u8) -> [..., classes] of any type.
///
/// ValueError where a label is not in 0 .. classes - 1; it names the label and where it stands.
Tensor one_hot(const Tensor& labels, std::int64_t classes, DType dtype = f32);

}  // namespace tessera
