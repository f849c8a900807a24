#include <numeric>
#include <tessera/data/shuffle.hpp>
#include <utility>

namespace tessera {

std::vector<std::int64_t> shuffled(std::int64_t count, const RandomStream& random) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[static_cast<std::size_t>(random.integer(i, static_cast<std::int64_t>(i)))]);
  return order;
}

}  // namespace tessera
