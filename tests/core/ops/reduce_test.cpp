#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <tessera/core/autograd.hpp>
#include <tessera/core/gradcheck.hpp>
#include <tessera/core/ops/reduce.hpp>
#include <tessera/core/parallel.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;

namespace {

using Values = std::vector<double>;

struct ReduceCase {
  Shape shape;
  Axes axes;
};

const ReduceCase reduce_cases[] = {
    {{}, {}},
    {{5}, {}},
    {{5}, {0}},
    {{2, 3}, {}},
    {{2, 3}, {0}},
    {{2, 3}, {-1}},
    {{2, 3, 4}, {1}},
    {{2, 3, 4}, {2, 1}},
    {{2, 3, 4}, {0, 2}},
    {{2, 3, 2, 4}, {0, 1, 2}},
    {{2, 1, 3, 2}, {0, 2}},
    {{1, 3, 1, 2}, {0, 3}},
    {{1, 1, 3, 2}, {1, 0}},
    {{2, 3, 2, 2, 2}, {-1, 1, 3}},
    {{1, 1}, {0}},
};

/// The elements that each result is made of, gathered by index arithmetic, in row-major order over the reduced axes.
std::vector<Values> groups(const Tensor& x, const Axes& axes) {
  const auto is_reduced = [&](std::int64_t axis) {
    for (const std::int64_t listed : axes)
      if ((listed + x.rank()) % x.rank() == axis) return true;
    return axes.empty();
  };
  std::int64_t count = 1;
  for (std::int64_t axis = 0; axis < x.rank(); ++axis)
    if (!is_reduced(axis)) count *= x.size(axis);
  std::vector<Values> result(static_cast<std::size_t>(count));
  const Values all = values(x);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    std::int64_t rest = i, group = 0, volume = 1;
    for (std::int64_t axis = x.rank() - 1; axis >= 0; --axis) {
      if (!is_reduced(axis)) {
        group += rest % x.size(axis) * volume;
        volume *= x.size(axis);
      }
      rest /= x.size(axis);
    }
    result[static_cast<std::size_t>(group)].push_back(all[static_cast<std::size_t>(i)]);
  }
  return result;
}

double total(const Values& group) {
  double sum = 0;
  for (const double value : group) sum += value;
  return sum;
}

double variance(const Values& group, double correction) {
  const auto count = static_cast<double>(group.size());
  const double mean = total(group) / count;
  double sum = 0;
  for (const double value : group) sum += (value - mean) * (value - mean);
  return sum / (count - correction);
}

struct Reduction {
  const char* name;
  std::function<Tensor(const Tensor&, const Axes&, bool)> op;
  std::function<double(const Values&)> reference;
};

const Reduction reductions[] = {
    {"sum", sum, total},
    {"mean", mean, [](const Values& group) { return total(group) / static_cast<double>(group.size()); }},
    {"var", [](const Tensor& x, const Axes& axes, bool keep) { return var(x, axes, keep); },
     [](const Values& group) { return variance(group, 0); }},
    {"min", min, [](const Values& group) { return *std::min_element(group.begin(), group.end()); }},
    {"max", max, [](const Values& group) { return *std::max_element(group.begin(), group.end()); }},
    {"argmin", argmin,
     [](const Values& group) { return double(std::min_element(group.begin(), group.end()) - group.begin()); }},
    {"argmax", argmax,
     [](const Values& group) { return double(std::max_element(group.begin(), group.end()) - group.begin()); }},
};

}  // namespace

TEST_CASE("reductions equal loops over the gathered groups, in double and in float") {
  for (const Reduction& op : reductions)
    for (const ReduceCase& c : reduce_cases) {
      INFO(op.name, " of ", c.shape.str());
      const Tensor x = distinct_tensor(c.shape);
      Values expected;
      for (const Values& group : groups(x, c.axes)) expected.push_back(op.reference(group));
      const Tensor y = op.op(x, c.axes, false), kept = op.op(x, c.axes, true), narrow = op.op(x.to(f32), c.axes, false);
      REQUIRE(y.numel() == static_cast<std::int64_t>(expected.size()));
      CHECK(kept.rank() == x.rank());
      CHECK(values(kept) == values(y));
      const bool index = y.dtype() == i32;
      CHECK(narrow.dtype() == (index ? i32 : f32));
      for (std::size_t i = 0; i < expected.size(); ++i) {
        CHECK(values(y)[i] == doctest::Approx(expected[i]).epsilon(1e-13));
        CHECK(values(narrow)[i] == doctest::Approx(expected[i]).epsilon(1e-5));
      }
    }
}

TEST_CASE("reductions pass gradcheck") {
  for (const Reduction& op : reductions) {
    if (std::string(op.name).substr(0, 3) == "arg") continue;
    for (const ReduceCase& c : reduce_cases) {
      const auto f = [&](const std::vector<Tensor>& in) { return op.op(in[0], c.axes, c.axes.size() == 2); };
      const GradcheckReport report = gradcheck(f, {distinct_tensor(c.shape)});
      CHECK_MESSAGE(report.passed, op.name, " ", c.shape.str(), ": ", report.str());
    }
  }
}

TEST_CASE("reduced axes disappear or stay with size 1") {
  const Tensor x = Tensor::zeros({2, 3, 4});
  CHECK(sum(x).shape() == Shape{});
  CHECK(sum(x, {}, true).shape() == Shape{1, 1, 1});
  CHECK(mean(x, {1}).shape() == Shape{2, 4});
  CHECK(max(x, {0, 2}).shape() == Shape{3});
  CHECK(max(x, {0, 2}, true).shape() == Shape{1, 3, 1});
  CHECK(argmax(x, {-1}, true).shape() == Shape{2, 3, 1});
}

TEST_CASE("var divides by the count less the correction") {
  const Tensor x = Tensor::from({1.0, 2.0, 3.0, 6.0}, {4});
  CHECK(var(x).item() == 3.5);
  CHECK(var(x, {}, false, 1).item() == doctest::Approx(14.0 / 3));
  CHECK(std::isnan(var(Tensor::ones({1}), {}, false, 1).item()));
  const auto f = [](const std::vector<Tensor>& in) { return var(in[0], {0}, false, 1); };
  const GradcheckReport report = gradcheck(f, {distinct_tensor({4, 3})});
  CHECK_MESSAGE(report.passed, report.str());
}

TEST_CASE("the first of equal extremes is taken and gets the gradient") {
  Tensor x = Tensor::from({3.0, 1.0, 3.0, 1.0}, {4}).set_requires_grad();
  CHECK(argmax(x).item() == 0);
  CHECK(argmin(x).item() == 1);
  max(x).backward();
  min(x).backward(Tensor::scalar(5, f64));
  CHECK(values(x.grad()) == Values{1, 5, 0, 0});
}

TEST_CASE("a NaN is every extreme, the first one if there are several") {
  const Tensor x = Tensor::from({1.0, std::nan(""), 9.0, std::nan("")}, {4});
  CHECK(std::isnan(max(x).item()));
  CHECK(std::isnan(min(x).item()));
  CHECK(argmax(x).item() == 1);
  CHECK(argmin(x).item() == 1);
}

TEST_CASE("empty tensors reduce to zero sums, NaN means and no extremes") {
  const Tensor x = Tensor::zeros({0, 3});
  CHECK(values(sum(x, {0})) == Values{0, 0, 0});
  CHECK(std::isnan(mean(x).item()));
  CHECK(std::isnan(var(x).item()));
  CHECK(sum(x, {1}).shape() == Shape{0});
  CHECK(max(x, {1}).shape() == Shape{0});
  CHECK_THROWS_WITH_AS(max(x, {0}), "max: there is nothing to choose from in the reduced axes of [0, 3]", ShapeError);
  CHECK_THROWS_WITH_AS(argmin(x), "argmin: there is nothing to choose from in the reduced axes of [0, 3]", ShapeError);
  for (const Reduction& op : reductions) {
    if (std::string(op.name).substr(0, 3) == "arg") continue;
    const auto f = [&](const std::vector<Tensor>& in) { return op.op(in[0], {1}, false); };
    CHECK(gradcheck(f, {Tensor::zeros({0, 3}, f64)}));
  }
}

TEST_CASE("long sums are exact where doubles are, and the same for every number of threads") {
  const int threads = num_threads();
  for (const ReduceCase& c : {ReduceCase{{1000003}, {}}, ReduceCase{{70000, 3}, {0}}, ReduceCase{{3, 40000}, {1}},
                              ReduceCase{{2, 30000, 2}, {1}}, ReduceCase{{2, 3, 5000}, {1}}}) {
    const Tensor x = random_tensor(c.shape, 1, f32);
    Values results[2];
    for (const int count : {1, 3}) {
      set_num_threads(count);
      results[count == 3] = values(sum(x, c.axes));
    }
    CHECK(results[0] == results[1]);
    const auto expected = groups(x, c.axes);
    for (std::size_t i = 0; i < expected.size(); i += 100)
      CHECK(results[0][i] == doctest::Approx(total(expected[i])).epsilon(1e-6));
  }
  set_num_threads(threads);
  CHECK(sum(Tensor::ones({3, 1 << 20}), {1}).at({2}) == 1 << 20);
}

TEST_CASE("sum_to_shape undoes broadcasting") {
  const Tensor x = Tensor::arange(24, f64).reshape({2, 3, 4});
  CHECK(sum_to_shape(x, {2, 3, 4}).is_same(x));
  CHECK(values(sum_to_shape(x, {4})) == Values{60, 66, 72, 78});
  CHECK(values(sum_to_shape(x, {3, 1})) == Values{60, 92, 124});
  CHECK(sum_to_shape(x, {2, 1, 1}).shape() == Shape{2, 1, 1});
  CHECK(sum_to_shape(x, {}).item() == 276);
  CHECK_THROWS_WITH_AS(sum_to_shape(x, {5, 1, 3, 4}),
                       "sum_to_shape: [2, 3, 4] is not [5, 1, 3, 4] stretched by broadcasting", ShapeError);
}

TEST_CASE("reductions say what does not fit") {
  const Tensor x = Tensor::zeros({2, 3});
  CHECK_THROWS_WITH_AS(sum(x, {2}), "sum: axis 2 does not exist in [2, 3]: expected -2 to 1", ShapeError);
  CHECK_THROWS_WITH_AS(mean(x, {1, -1}), "mean: axis 1 is listed twice", ShapeError);
  CHECK_THROWS_WITH_AS(var(x.to(i32)), "var: expected a float tensor (f32 or f64), got i32", ValueError);
  CHECK_THROWS_WITH_AS(sum(Tensor::scalar(1), {0}), "sum: a tensor of rank 0 has no axes to list, got axis 0",
                       ShapeError);
}
