#include <doctest/doctest.h>

#include <tessera/core/autograd.hpp>
#include <tessera/core/gradcheck.hpp>
#include <tessera/core/ops/matmul.hpp>
#include <tessera/core/parallel.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;

namespace {

using Values = std::vector<double>;

struct MatmulPair {
  Shape a, b, y;
};

const MatmulPair matmul_pairs[] = {
    {{2, 3}, {3, 4}, {2, 4}},          {{1, 1}, {1, 1}, {1, 1}},
    {{2, 5, 3}, {3, 2}, {2, 5, 2}},    {{2, 2, 2, 3}, {3, 1}, {2, 2, 2, 1}},
    {{3, 2, 4}, {3, 4, 2}, {3, 2, 2}}, {{2, 2, 1, 3}, {2, 2, 3, 2}, {2, 2, 1, 2}},
    {{0, 3}, {3, 2}, {0, 2}},          {{2, 0}, {0, 3}, {2, 3}},
    {{2, 3}, {3, 0}, {2, 0}},          {{0, 2, 3}, {0, 3, 2}, {0, 2, 2}},
};

Tensor reference(const Tensor& a, const Tensor& b, const Shape& shape) {
  const std::int64_t rows = a.size(-2), depth = a.size(-1), columns = b.size(-1);
  Tensor y = Tensor::zeros(shape, f64);
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    const std::int64_t column = i % columns, row = i / columns, matrix = b.rank() == 2 ? 0 : row / rows;
    for (std::int64_t k = 0; k < depth; ++k)
      y.mutable_data<double>()[i] +=
          a.data<double>()[row * depth + k] * b.data<double>()[(matrix * depth + k) * columns + column];
  }
  return y;
}

}  // namespace

TEST_CASE("matmul multiplies small matrices as by hand") {
  const Tensor a = Tensor::from({1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f}, {2, 3});
  const Tensor b = Tensor::from({1.0f, 0.0f, 0.0f, 1.0f, 10.0f, 100.0f}, {3, 2});
  CHECK(values(matmul(a, b)) == Values{31, 302, 64, 605});
}

TEST_CASE("matmul equals the three loops, batched or with one right matrix") {
  for (const MatmulPair& pair : matmul_pairs) {
    INFO(pair.a.str(), " x ", pair.b.str());
    const Tensor a = random_tensor(pair.a, 1), b = random_tensor(pair.b, 2), y = matmul(a, b);
    CHECK(difference(y, reference(a, b, pair.y)) < 1e-14);
    CHECK(difference(matmul(a.to(f32), b.to(f32)), reference(a, b, pair.y).to(f32)) < 1e-5);
  }
}

TEST_CASE("matmul passes gradcheck") {
  for (const MatmulPair& pair : matmul_pairs) {
    const auto f = [](const std::vector<Tensor>& in) { return matmul(in[0], in[1]); };
    const GradcheckReport report = gradcheck(f, {random_tensor(pair.a, 1), random_tensor(pair.b, 2)});
    CHECK_MESSAGE(report.passed, pair.a.str(), " x ", pair.b.str(), ": ", report.str());
  }
}

TEST_CASE("matmul over many tiles is exact on integers and the same for every number of threads") {
  const std::int64_t rows = 300, depth = 70, columns = 600;
  Tensor a = Tensor::empty({rows, depth}), b = Tensor::empty({depth, columns});
  for (std::int64_t i = 0; i < a.numel(); ++i) a.mutable_data<float>()[i] = static_cast<float>(i % 7 - 3);
  for (std::int64_t i = 0; i < b.numel(); ++i) b.mutable_data<float>()[i] = static_cast<float>(i % 11 - 5);
  const Tensor expected = reference(a.to(f64), b.to(f64), {rows, columns});
  CHECK(difference(matmul(a, b).to(f64), expected) == 0);

  const int threads = num_threads();
  const Tensor x = random_tensor({rows, depth}, 1, f32), w = random_tensor({depth, columns}, 2, f32);
  set_num_threads(1);
  const Tensor one = matmul(x, w);
  set_num_threads(3);
  CHECK(difference(one, matmul(x, w)) == 0);
  set_num_threads(threads);
}

TEST_CASE("matmul says what does not fit") {
  const Tensor x = Tensor::zeros({2, 3});
  CHECK_THROWS_WITH_AS(matmul(x, x), "matmul: [2, 3] x [2, 3]: the left has 3 columns, the right 2 rows", ShapeError);
  CHECK_THROWS_WITH_AS(matmul(x, Tensor::zeros({3})), "matmul: expected at least 2 axes each, got [2, 3] and [3]",
                       ShapeError);
  CHECK_THROWS_WITH_AS(matmul(x, Tensor::zeros({4, 3, 2})),
                       "matmul: [2, 3] x [4, 3, 2]: expected equal leading axes, or a right matrix of rank 2",
                       ShapeError);
  CHECK_THROWS_WITH_AS(matmul(x, Tensor::zeros({3, 2}, f64)),
                       "matmul: expected operands of one type, got f32 and f64; convert one with to()", ValueError);
}
