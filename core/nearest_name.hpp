#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tessera {

/// The name that `text` may be meant for: what an error suggests. It takes the fewest letters added, left out,
/// exchanged or swapped with their neighbours; names that begin as `text` does count as one letter away and come first.
/// The earlier one at a tie; empty where more than a third of the letters would change.
std::string nearest_name(std::string_view text, const std::vector<std::string>& names);

}  // namespace tessera
