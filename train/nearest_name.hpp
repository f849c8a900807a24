#pragma once

#include <string>
#include <vector>

namespace tessera {

/// The one of `names`, of which there is at least one, that takes the fewest insertions, deletions and replacements of
/// letters (Levenshtein 1966); the first at a tie.
std::string nearest_name(const std::string& name, const std::vector<std::string>& names);

}  // namespace tessera
