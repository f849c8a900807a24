#include <doctest/doctest.h>

#include <optional>
#include <tessera/optim/reduce_lr_on_plateau.hpp>
#include <tessera/optim/schedule.hpp>
#include <tessera/optim/sgd.hpp>

#include "tests/support/golden.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using nlohmann::json;

namespace {

Schedule make(const std::string& name, const json& o) {
  const std::string warm_up = "warm_up_";
  if (name.starts_with(warm_up))
    return warmup_lr({.start_factor = o["start_factor"], .total_iters = o["warm_up"]},
                     make(name.substr(warm_up.size()), o));
  if (name == "constant") return constant_lr({.factor = 1});
  if (name == "step") return step_lr({.step_size = o["step_size"], .gamma = o["gamma"]});
  if (name == "cosine") return cosine_lr({.t_max = o["total"], .eta_min = o["min_lr"]});
  REQUIRE(name == "poly");
  return poly_lr({.total_iters = o["total"], .power = o["power"]});
}

PlateauOptions plateau_options(const json& o) {
  using Options = PlateauOptions;
  return {.mode = o["mode"] == "min" ? Options::Mode::min : Options::Mode::max,
          .factor = o["factor"],
          .patience = o["patience"],
          .threshold = o["threshold"],
          .threshold_mode = o["threshold_mode"] == "rel" ? Options::ThresholdMode::rel : Options::ThresholdMode::abs,
          .cooldown = o["cooldown"],
          .min_lr = o["min_lr"],
          .eps = o["eps"]};
}

}  // namespace

TEST_CASE("every schedule follows PyTorch's over 60 epochs") {
  const test::Golden golden("schedules.safetensors");
  REQUIRE(golden.cases().size() >= 20);
  for (const json& golden_case : golden.cases()) {
    CAPTURE(golden_case.dump());
    SGD optimizer(std::vector<Parameter>{{"w", Tensor::ones({1})}}, {.lr = golden_case["base_lr"]});
    const std::string name = golden_case["schedule"];
    std::optional<ReduceLROnPlateau> plateau;
    std::optional<LRScheduler> scheduler;
    if (name == "plateau")
      plateau.emplace(optimizer, plateau_options(golden_case));
    else
      scheduler.emplace(optimizer, make(name, golden_case));
    const std::vector<double> rates = test::values(golden.get(golden_case, "lr"));
    for (std::size_t epoch = 0; epoch < rates.size(); ++epoch) {
      CAPTURE(epoch);
      CHECK(std::abs(optimizer.lr() - rates[epoch]) < 1e-14);
      if (plateau)
        plateau->step(test::values(golden.get(golden_case, "metric"))[epoch]);
      else
        scheduler->step();
    }
  }
}
