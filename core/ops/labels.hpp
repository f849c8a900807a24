#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <tessera/core/tensor.hpp>

namespace tessera {

/// Throws unless labels [...] (i32 or u8) fit float logits [..., classes]; errors begin with `op`. Values are not
/// looked at.
void check_labels(std::string_view op, const Tensor& logits, const Tensor& labels);

/// Throws the ValueError for element `at` of `labels`, which is no class; it says the label, its place and the classes.
[[noreturn]] void refuse_label(std::string_view op, const Tensor& labels, std::int64_t at, std::int64_t classes,
                               std::optional<std::int64_t> ignore_index);

}  // namespace tessera
