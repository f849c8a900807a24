#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tessera {

/// The name that takes the fewest letters added, left out or exchanged to get from `text`: what an error suggests. The
/// earlier one at a tie; empty where there are no names.
std::string nearest_name(std::string_view text, const std::vector<std::string>& names);

}  // namespace tessera
