#include <doctest/doctest.h>

#include <tessera/optim/adam.hpp>
#include <tessera/optim/reduce_lr_on_plateau.hpp>
#include <tessera/optim/schedule.hpp>
#include <tessera/optim/sgd.hpp>

#include "tests/support/values.hpp"

using namespace tessera;
using test::values;

namespace {

/// Two parameters in two groups and an Adam over them.
struct Run {
  Tensor a = Tensor::ones({2, 3}, f64), b = Tensor::ones({2}, f64);
  Adam optimizer{
      ParameterGroups(std::vector<ParameterGroup>{{.parameters = {{"down.kernel", a.set_requires_grad()}}},
                                                  {.parameters = {{"head.bias", b.set_requires_grad()}}, .lr = 0.5}})};

  void step(std::uint64_t seed) {
    a.set_grad(test::random_tensor({2, 3}, seed));
    b.set_grad(test::random_tensor({2}, seed + 100));
    optimizer.step();
  }
};

StateDict copy(const StateDict& state) {
  StateDict copied;
  for (const auto& [name, tensor] : state) copied[name] = tensor.clone();
  return copied;
}

}  // namespace

TEST_CASE("an optimizer's state lists its moments, step counts and rates by name") {
  Run run;
  CHECK(run.optimizer.state_dict().size() == 1);
  run.step(1);
  run.step(2);
  const StateDict state = run.optimizer.state_dict();
  CHECK(state.size() == 7);
  CHECK(state.at("adam.m/down.kernel").shape() == Shape{2, 3});
  CHECK(state.at("adam.v/head.bias").shape() == Shape{2});
  CHECK(state.at("adam.step/down.kernel").dtype() == i32);
  CHECK(state.at("adam.step/down.kernel").item() == 2);
  CHECK(values(state.at("adam.lr")) == std::vector<double>{1e-3, 0.5});
}

TEST_CASE("a loaded optimizer goes on as if it had never stopped") {
  Run whole, first, second;
  for (std::uint64_t step = 0; step < 6; ++step) whole.step(step);
  for (std::uint64_t step = 0; step < 3; ++step) first.step(step);
  second.a.copy_(first.a);
  second.b.copy_(first.b);
  second.optimizer.load_state_dict(first.optimizer.state_dict());
  first.step(77);  // what was loaded is a copy
  for (std::uint64_t step = 3; step < 6; ++step) second.step(step);
  CHECK(test::difference(whole.a, second.a) == 0);
  CHECK(test::difference(whole.b, second.b) == 0);
}

TEST_CASE("loading a state that does not fit names what is wrong and changes nothing") {
  Run run, other;
  run.step(1);
  other.step(2);
  const StateDict before = copy(run.optimizer.state_dict());
  const auto refused = [&](const StateDict& state) {
    try {
      run.optimizer.load_state_dict(state);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  StateDict state = other.optimizer.state_dict();
  state.erase("adam.v/head.bias");
  CHECK(refused(state) == "adam: the state to load has no adam.v/head.bias");
  state = other.optimizer.state_dict();
  state["adam.m/down.kernel"] = Tensor::zeros({3, 2}, f64);
  CHECK(refused(state) == "adam: expected adam.m/down.kernel of shape [2, 3] in the state to load, got [3, 2]");
  state = other.optimizer.state_dict();
  state["adam.m/up.kernel"] = Tensor::zeros({3, 2}, f64);
  CHECK(refused(state) ==
        "adam: the state to load has adam.m/up.kernel, which belongs to no parameter of this optimizer");
  state = other.optimizer.state_dict();
  state["adam.lr"] = Tensor::from({1.0, -2.0}, {2});
  CHECK(refused(state) == "adam: expected lr >= 0, got lr = -2");
  for (const auto& entry : run.optimizer.state_dict()) {
    CAPTURE(entry.first);
    CHECK(test::difference(entry.second, before.at(entry.first)) == 0);
  }
}

TEST_CASE("an optimizer goes on after its parameters were converted to another type") {
  Tensor w = Tensor::ones({2}, f32);
  w.set_requires_grad().set_grad(Tensor::ones({2}));
  Adam optimizer(std::vector<Parameter>{{"w", w}});
  optimizer.step();
  const StateDict state = optimizer.state_dict();
  Tensor wide = w.detach().to(f64).set_requires_grad();
  wide.set_grad(Tensor::ones({2}, f64));
  Adam in_f64(std::vector<Parameter>{{"w", wide}});
  in_f64.load_state_dict(state);
  in_f64.step();
  CHECK(in_f64.state_dict().at("adam.m/w").dtype() == f64);
  CHECK(wide.at({0}) == doctest::Approx(0.998));
}

TEST_CASE("a schedule scales each group from its own rate and goes on where it was saved") {
  Run run, resumed;
  LRScheduler scheduler(run.optimizer, warmup_lr({.total_iters = 2}, step_lr({.step_size = 3, .gamma = 0.5})));
  CHECK(run.optimizer.lr(0) == doctest::Approx(1e-3 / 3));
  CHECK(run.optimizer.lr(1) == doctest::Approx(0.5 / 3));
  for (int epoch = 0; epoch < 5; ++epoch) scheduler.step();
  CHECK(run.optimizer.lr(1) == 0.25);
  LRScheduler other(resumed.optimizer, step_lr({.step_size = 1, .gamma = 0.5}));
  other.load_state_dict(scheduler.state_dict());
  CHECK(other.last_epoch() == 5);
  CHECK(resumed.optimizer.lr(0) == doctest::Approx(1e-3 / 32));
  CHECK_THROWS_WITH_AS(other.load_state_dict({}), "schedule: the state to load has no schedule.base_lr", ValueError);
}

TEST_CASE("the constant schedule holds its factor for its first epochs, as PyTorch's") {
  Run run;
  LRScheduler scheduler(run.optimizer, constant_lr());
  for (int epoch = 0; epoch < 5; ++epoch, scheduler.step()) CHECK(run.optimizer.lr(1) == doctest::Approx(0.5 / 3));
  CHECK(run.optimizer.lr(1) == 0.5);
}

TEST_CASE("schedules name options out of range with their value") {
  CHECK_THROWS_WITH_AS(step_lr({}), "step_lr: expected step_size of at least 1, got 0", ValueError);
  CHECK_THROWS_WITH_AS(cosine_lr({.t_max = -1}), "cosine_lr: expected t_max of at least 1, got -1", ValueError);
  CHECK_THROWS_WITH_AS(poly_lr({.power = -0.5}), "poly_lr: expected power >= 0, got -0.5", ValueError);
  CHECK_THROWS_WITH_AS(warmup_lr({.start_factor = -1}), "warmup_lr: expected start_factor >= 0, got -1", ValueError);
  Run run;
  CHECK_THROWS_WITH_AS(ReduceLROnPlateau(run.optimizer, {.factor = 1}),
                       "reduce_lr_on_plateau: expected 0 <= factor < 1, got 1", ValueError);
}

TEST_CASE("a plateau is watched on from where it was saved") {
  Run run;
  ReduceLROnPlateau first(run.optimizer, {.patience = 2});
  for (const double metric : {1.0, 2.0, 2.0}) first.step(metric);
  ReduceLROnPlateau second(run.optimizer, {.patience = 2});
  second.load_state_dict(first.state_dict());
  CHECK(run.optimizer.lr(1) == 0.5);
  second.step(2.0);
  CHECK(run.optimizer.lr(1) == doctest::Approx(0.05));
}
