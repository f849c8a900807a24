#pragma once

#include <string>
#include <string_view>
#include <tessera/core/parameter.hpp>

namespace tessera {

/// The tensor called `key` in a state that is being loaded; ValueError where it is missing, ShapeError unless of
/// `shape`.
Tensor state_entry(std::string_view owner, const StateDict& values, const std::string& key, const Shape& shape);

}  // namespace tessera
