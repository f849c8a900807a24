#pragma once

#include <tessera/core/error.hpp>
#include <tessera/core/tensor.hpp>

namespace tessera {

/// ValueError unless both operands of an elementwise op have one type.
inline void check_same_type(std::string_view op, const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype())
    raise<ValueError>(op, "expected operands of one type, got {} and {}; convert one with to()", name_of(a.dtype()),
                      name_of(b.dtype()));
}

}  // namespace tessera
