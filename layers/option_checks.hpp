#pragma once

#include <cstdint>
#include <tessera/core/conv_geometry.hpp>
#include <utility>
#include <vector>

namespace tessera::detail {

/// ValueError "Conv2D: .filters (number of output channels) is required and must be 1 or more, got 0".
void require_positive(const char* layer, const char* field, const char* meaning, std::int64_t value);
void require_positive(const char* layer, const char* field, const char* meaning, Size2D value);

/// ValueError unless `groups` divides every one of the named channel counts; says the nearest number that does.
void require_groups(const char* layer, std::int64_t groups,
                    const std::vector<std::pair<const char*, std::int64_t>>& channels);

}  // namespace tessera::detail
