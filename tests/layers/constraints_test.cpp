#include <doctest/doctest.h>

#include <tessera/core/error.hpp>
#include <tessera/layers/constraints.hpp>

#include "tests/support/golden.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using doctest::Approx;

namespace {

/// Columns of norm 5 and 0.5.
Tensor sample() { return Tensor::from({3.0, -0.3, -4.0, 0.4}, {2, 2}); }

Tensor constrained(const Constraint& constraint, Tensor w = sample()) {
  constraint(w);
  return w;
}

}  // namespace

TEST_CASE("max_norm shrinks what is longer and leaves the rest") {
  const Tensor w = constrained(constraint::max_norm(1));
  CHECK(w.at({0, 0}) == Approx(0.6));
  CHECK(w.at({1, 0}) == Approx(-0.8));
  CHECK(w.at({0, 1}) == Approx(-0.3));
  CHECK(w.at({1, 1}) == Approx(0.4));
}

TEST_CASE("non_neg clips at zero") {
  const Tensor w = constrained(constraint::non_neg());
  CHECK(w.at({0, 0}) == 3);
  CHECK(w.at({0, 1}) == 0);
  CHECK(w.at({1, 0}) == 0);
}

TEST_CASE("unit_norm makes every norm 1, over the axes asked for") {
  CHECK(constrained(constraint::unit_norm()).at({1, 1}) == Approx(0.8));
  CHECK(constrained(constraint::unit_norm({1})).at({0, 1}) == Approx(-0.3 / 3.0149627));
  CHECK(constrained(constraint::unit_norm({0, -1})).at({0, 0}) == Approx(3 / 5.0249378));
  const Tensor kernel = constrained(constraint::unit_norm({0, 1, 2}), Tensor::full({2, 2, 4, 3}, 7));
  CHECK(kernel.at({1, 1, 3, 2}) == Approx(0.25));
}

TEST_CASE("min_max_norm moves norms towards an interval by a rate") {
  const Tensor w = constrained(constraint::min_max_norm(1, 2, 0.5));
  CHECK(w.at({0, 0}) == Approx(3 * (0.5 * 2 + 0.5 * 5) / 5));
  CHECK(w.at({1, 1}) == Approx(0.4 * (0.5 * 1 + 0.5 * 0.5) / 0.5));
  CHECK_THROWS_WITH_AS(constraint::min_max_norm(3, 2), "min_max_norm: min_value 3 lies above max_value 2", ValueError);
}

TEST_CASE("a norm over an axis that is not there is an error") {
  CHECK_THROWS_AS(constrained(constraint::unit_norm({2})), ShapeError);
}

TEST_CASE("constraints are Keras'") {
  const test::Golden golden("layers.safetensors");
  int cases = 0;
  for (const auto& c : golden.cases()) {
    if (c.at("layer") != "constraint") continue;
    CAPTURE(c.at("name").get<std::string>());
    const std::string kind = c.at("constraint");
    const auto value = [&](const char* field) {
      return c.contains(field) && !c.at(field).is_null() ? c.at(field).get<double>() : 0;
    };
    std::vector<std::int64_t> axes;
    if (c.contains("axis") && c.at("axis").is_array()) axes = c.at("axis").get<std::vector<std::int64_t>>();
    if (c.contains("axis") && c.at("axis").is_number()) axes = {c.at("axis").get<std::int64_t>()};
    const Constraint constraint =
        kind == "max_norm"    ? constraint::max_norm(value("max_value"), axes)
        : kind == "non_neg"   ? constraint::non_neg()
        : kind == "unit_norm" ? constraint::unit_norm(axes)
                              : constraint::min_max_norm(value("min_value"), value("max_value"), value("rate"), axes);
    CHECK(test::difference(constrained(constraint, golden.get(c, "input").clone()), golden.get(c, "output")) < 1e-12);
    ++cases;
  }
  CHECK(cases > 0);
}
