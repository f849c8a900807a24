#pragma once

#include <cstdint>
#include <tessera/core/random.hpp>
#include <vector>

namespace tessera {

/// 0 to count - 1 in random order (Fisher and Yates' shuffle), a pure function of the stream.
std::vector<std::int64_t> shuffled(std::int64_t count, const RandomStream& random);

}  // namespace tessera
