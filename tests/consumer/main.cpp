#include <tessera/tessera.hpp>

int main() {
  const tessera::Tensor ones = tessera::Tensor::ones({2, 3});
  return ones.at({1, 2}) == 1.0 ? 0 : 1;
}
