#include <doctest/doctest.h>

#include <tessera/core/parallel.hpp>
#include <tessera/optim/adam.hpp>
#include <tessera/optim/clip.hpp>
#include <tessera/optim/rmsprop.hpp>
#include <tessera/optim/sgd.hpp>

#include "tests/support/values.hpp"

using namespace tessera;
using test::values;

namespace {

Parameter parameter(const std::string& path, std::initializer_list<double> numbers, DType dtype = f64) {
  Tensor tensor = Tensor::from(numbers, {static_cast<std::int64_t>(numbers.size())}).to(dtype);
  return {path, tensor.set_requires_grad()};
}

void set_grad(Parameter& parameter, std::initializer_list<double> numbers) {
  parameter.tensor.set_grad(Tensor::from(numbers, parameter.tensor.shape()).to(parameter.tensor.dtype()));
}

}  // namespace

TEST_CASE("sgd takes one step down the gradient, in f32 and f64") {
  for (const DType dtype : {f32, f64}) {
    Parameter w = parameter("w", {1, 2}, dtype);
    set_grad(w, {4, -2});
    SGD optimizer(std::vector<Parameter>{w}, {.lr = 0.25});
    optimizer.step();
    CHECK(values(w.tensor) == std::vector<double>{0, 2.5});
  }
}

TEST_CASE("adam in f32 stays near adam in f64") {
  Parameter narrow = parameter("w", {1, -2, 0.5}, f32), wide = parameter("w", {1, -2, 0.5});
  Adam in_f32(std::vector<Parameter>{narrow}), in_f64(std::vector<Parameter>{wide});
  for (int step = 0; step < 20; ++step) {
    set_grad(narrow, {0.5, -1, step * 0.125});
    set_grad(wide, {0.5, -1, step * 0.125});
    in_f32.step();
    in_f64.step();
  }
  CHECK(test::difference(narrow.tensor.to(f64), wide.tensor) < 1e-6);
  CHECK(values(wide.tensor)[0] == doctest::Approx(0.98).epsilon(1e-3));
}

TEST_CASE("frozen parameters and those without a gradient keep their numbers and their step count") {
  Parameter a = parameter("a", {1}), frozen = parameter("frozen", {2}), idle = parameter("idle", {3});
  set_grad(a, {1});
  set_grad(frozen, {1});
  frozen.tensor.set_requires_grad(false);
  Adam optimizer(std::vector<Parameter>{a, frozen, idle}, {.lr = 0.5});
  optimizer.step();
  CHECK(values(a.tensor)[0] == doctest::Approx(0.5));
  CHECK(values(frozen.tensor)[0] == 2);
  CHECK(values(idle.tensor)[0] == 3);
  CHECK(optimizer.state_dict().count("adam.step/a") == 1);
  CHECK(optimizer.state_dict().count("adam.step/frozen") == 0);
  CHECK(optimizer.state_dict().count("adam.step/idle") == 0);
}

TEST_CASE("a constraint is applied right after its parameter's update and only then") {
  Parameter a = parameter("a", {0.5}), idle = parameter("idle", {-7});
  a.constraint = idle.constraint = [](Tensor& tensor) { tensor.fill_(std::max(0.0, tensor.item())); };
  set_grad(a, {1});
  SGD optimizer(std::vector<Parameter>{a, idle}, {.lr = 1});
  optimizer.step();
  CHECK(values(a.tensor)[0] == 0);
  CHECK(values(idle.tensor)[0] == -7);
}

TEST_CASE("an update does not depend on the number of threads") {
  std::vector<Tensor> results;
  const int before = num_threads();
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    Tensor w = test::random_tensor({50001}, 1, f32), small = test::random_tensor({3}, 3, f32);
    w.set_requires_grad().set_grad(test::random_tensor({50001}, 2, f32));
    small.set_requires_grad().set_grad(Tensor::ones({3}));
    const std::vector<Parameter> all{{"w", w}, {"small", small}};
    CHECK(clip_grad_norm(all, 1) == doctest::Approx(std::sqrt(50001.0)).epsilon(0.02));
    AdamW optimizer(all);
    optimizer.step();
    results.push_back(w);
  }
  set_num_threads(before);
  CHECK(test::difference(results[0], results[1]) == 0);
  CHECK(test::difference(results[0], test::random_tensor({50001}, 1, f32)) > 5e-4);
}

TEST_CASE("zero_grad drops the gradients of all parameters") {
  Parameter w = parameter("w", {1});
  set_grad(w, {1});
  SGD(std::vector<Parameter>{w}).zero_grad();
  CHECK_FALSE(w.tensor.grad().defined());
}

TEST_CASE("a step counts as a write to the parameter") {
  Parameter w = parameter("w", {1});
  set_grad(w, {1});
  const std::uint64_t before = w.tensor.version();
  SGD(std::vector<Parameter>{w}).step();
  CHECK(w.tensor.version() > before);
}

TEST_CASE("clip_grad_norm leaves gradients of a smaller norm alone and returns the norm") {
  Parameter a = parameter("a", {0, 0}), b = parameter("b", {0}), none = parameter("none", {0});
  set_grad(a, {3, 0});
  set_grad(b, {-4});
  const std::vector<Parameter> all{a, b, none};
  CHECK(clip_grad_norm(all, 6) == 5);
  CHECK(values(b.tensor.grad())[0] == -4);
  CHECK(clip_grad_norm(all, 1) == 5);
  CHECK(values(a.tensor.grad())[0] == doctest::Approx(0.6));
  CHECK(values(b.tensor.grad())[0] == doctest::Approx(-0.8));
  clip_grad_value(all, 0.7);
  CHECK(values(a.tensor.grad())[0] == doctest::Approx(0.6));
  CHECK(values(b.tensor.grad())[0] == -0.7);
  CHECK_THROWS_WITH_AS(clip_grad_norm(all, -1), "clip_grad_norm: expected max_norm >= 0, got -1", ValueError);
  CHECK_THROWS_WITH_AS(clip_grad_value(all, -2), "clip_grad_value: expected clip_value >= 0, got -2", ValueError);
}

TEST_CASE("options out of range are named with their value") {
  const std::vector<Parameter> w{parameter("w", {1})};
  CHECK_THROWS_WITH_AS(SGD(w, {.lr = -0.5}), "sgd: expected lr >= 0, got lr = -0.5", ValueError);
  CHECK_THROWS_WITH_AS(SGD(w, {.lr = NAN}), "sgd: expected lr >= 0, got lr = nan", ValueError);
  CHECK_THROWS_WITH_AS(SGD(w, {.momentum = -1}), "sgd: expected momentum >= 0, got momentum = -1", ValueError);
  CHECK_THROWS_WITH_AS(SGD(w, {.nesterov = true}), "sgd: expected a positive momentum for nesterov, got momentum = 0",
                       ValueError);
  CHECK_THROWS_WITH_AS(SGD(w, {.momentum = 0.9, .dampening = 0.5, .nesterov = true}),
                       "sgd: expected no dampening for nesterov, got dampening = 0.5", ValueError);
  CHECK_THROWS_WITH_AS(Adam(w, {.betas = {0.9, 1}}), "adam: expected 0 <= betas < 1, got betas.second = 1", ValueError);
  CHECK_THROWS_WITH_AS(AdamW(w, {.eps = -1}), "adamw: expected eps >= 0, got eps = -1", ValueError);
  CHECK_THROWS_WITH_AS(RMSprop(w, {.alpha = 2}), "rmsprop: expected 0 <= alpha <= 1, got alpha = 2", ValueError);
  CHECK_THROWS_WITH_AS(RMSprop(w, {.weight_decay = -2}), "rmsprop: expected weight_decay >= 0, got weight_decay = -2",
                       ValueError);
  SGD optimizer(w);
  CHECK_THROWS_WITH_AS(optimizer.set_lr(-3), "sgd: expected lr >= 0, got lr = -3", ValueError);
}

TEST_CASE("an optimizer refuses no parameters and the same one twice") {
  Parameter w = parameter("w", {1}), tied = {"tied", w.tensor};
  CHECK_THROWS_WITH_AS(SGD(std::vector<Parameter>{}), "sgd: expected at least one parameter, got none", ValueError);
  CHECK_THROWS_WITH_AS(SGD(std::vector<Parameter>{w, w}), "sgd: parameter w was given twice", ValueError);
  CHECK_THROWS_WITH_AS(SGD(std::vector<Parameter>{w, tied}), "sgd: parameter tied was given twice", ValueError);
}
