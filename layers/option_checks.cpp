#include <cstdlib>
#include <numeric>
#include <tessera/core/error.hpp>
#include <tessera/layers/option_checks.hpp>

namespace tessera::detail {

void require_positive(const char* layer, const char* field, const char* meaning, std::int64_t value) {
  if (value < 1) raise<ValueError>(layer, ".{} ({}) is required and must be 1 or more, got {}", field, meaning, value);
}

void require_positive(const char* layer, const char* field, const char* meaning, Size2D value) {
  require_positive(layer, field, meaning, value.height < value.width ? value.height : value.width);
}

void require_groups(const char* layer, std::int64_t groups,
                    const std::vector<std::pair<const char*, std::int64_t>>& channels) {
  std::int64_t common = 0;
  std::string fields;
  for (const auto& [field, count] : channels) {
    common = std::gcd(common, count);
    fields += fmt::format("{}.{} = {}", fields.empty() ? "" : " and ", field, count);
  }
  if (groups >= 1 && common % groups == 0) return;
  std::int64_t nearest = 1;
  for (std::int64_t candidate = 1; candidate <= common; ++candidate)
    if (common % candidate == 0 && std::abs(candidate - groups) < std::abs(nearest - groups)) nearest = candidate;
  raise<ValueError>(layer, ".groups = {} must divide {}; the nearest that does is {}", groups, fields, nearest);
}

}  // namespace tessera::detail
