#include <doctest/doctest.h>

#include <tessera/core/error.hpp>
#include <tessera/train/make_optimizer.hpp>

using namespace tessera;

TEST_CASE("every optimizer and schedule can be had by name") {
  for (const std::string& name : optimizer_names()) {
    Tensor weight = Tensor::ones({2});
    weight.set_requires_grad();
    const auto optimizer = make_optimizer({.name = name, .lr = 0.25}, {{"weight", weight}});
    weight.set_grad(Tensor::ones({2}));
    optimizer->step();
    CHECK(weight.at({0}) < 1);
    CHECK(optimizer->lr() == 0.25);
  }
  for (const std::string& name : schedule_names()) {
    const Schedule schedule = make_schedule({.schedule = name}, 90);
    CHECK(schedule(2, 0) == 2);
    CHECK(schedule(2, 89) == doctest::Approx(name == "constant" ? 2 : 0).epsilon(0.05));
  }
}

TEST_CASE("the rate rises over the warm-up and falls to nothing at the end of the run") {
  const Schedule schedule = make_schedule({.schedule = "poly", .warmup_steps = 10}, 110);
  CHECK(schedule(1, 0) == doctest::Approx(0.01));
  CHECK(schedule(1, 5) == doctest::Approx(0.505));
  CHECK(schedule(1, 10) == 1);
  CHECK(schedule(1, 110) == 0);
}

TEST_CASE("an unknown optimizer or schedule gets the list of those there are") {
  CHECK_THROWS_WITH_AS(with_defaults(OptimizerOptions{.name = "adagrad"}),
                       "optimizer: expected one of adamw, adam, sgd, rmsprop, got adagrad", ValueError);
  CHECK_THROWS_WITH_AS(make_schedule({.schedule = "linear"}, 5),
                       "schedule: expected one of poly, cosine, step, constant, got linear", ValueError);
}
