#include <algorithm>
#include <numeric>
#include <tessera/core/nearest_name.hpp>
#include <tuple>
#include <utility>

namespace tessera {
namespace {

/// Letters added, left out, exchanged or swapped with their neighbours: Damerau's distance, each place edited once.
std::size_t edits(std::string_view from, std::string_view to) {
  std::vector<std::size_t> before, above, row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    before = std::exchange(above, row);
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      row[j + 1] = std::min({above[j] + (from[i] == to[j] ? 0 : 1), above[j + 1] + 1, row[j] + 1});
      if (i > 0 && j > 0 && from[i] == to[j - 1] && from[i - 1] == to[j])
        row[j + 1] = std::min(row[j + 1], before[j - 1] + 1);
    }
  }
  return row.back();
}

/// Whether the two begin with the same letters, two thirds of the shorter one or more.
bool begin_alike(std::string_view a, std::string_view b) {
  const auto alike = static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  return alike >= 2 && 3 * alike >= 2 * std::min(a.size(), b.size());
}

}  // namespace

std::string nearest_name(std::string_view text, const std::vector<std::string>& names) {
  const auto rank = [&](const std::string& name) {
    const std::size_t count = edits(text, name);
    const bool alike = begin_alike(text, name);
    return std::tuple(alike ? std::min<std::size_t>(count, 1) : count, !alike, count);
  };
  const auto best = std::min_element(names.begin(), names.end(),
                                     [&](const std::string& a, const std::string& b) { return rank(a) < rank(b); });
  if (best == names.end()) return "";
  const std::size_t allowed = (std::max(text.size(), best->size()) + 1) / 3;
  return text.empty() || std::get<0>(rank(*best)) > allowed ? std::string() : *best;
}

}  // namespace tessera
