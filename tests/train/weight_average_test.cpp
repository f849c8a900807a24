#include <doctest/doctest.h>

#include <tessera/core/error.hpp>
#include <tessera/layers/module.hpp>
#include <tessera/train/weight_average.hpp>

#include "tests/support/values.hpp"

using namespace tessera;
using test::values;

TEST_CASE("averages follow the weights by the decay, sooner at first; counters are copied") {
  Module model;
  Tensor weight = model.add_parameter("weight", Tensor::zeros({2}));
  Tensor draws = model.add_buffer("draws", Tensor::zeros({}, i32));
  WeightAverage average(model, 0.5);
  weight.fill_(1);
  draws.fill_(7);
  average.update(1);  // the decay is min(0.5, 2 / 11)
  CHECK(values(average.values().at("weight"))[0] == doctest::Approx(9.0 / 11));
  CHECK(average.values().at("draws").item() == 7);
  average.update(100);
  CHECK(values(average.values().at("weight"))[1] == doctest::Approx(10.0 / 11));
}

TEST_CASE("model and averages are exchanged, and back") {
  Module model;
  Tensor weight = model.add_parameter("weight", Tensor::zeros({2}));
  WeightAverage average(model, 0.5);
  weight.fill_(4);
  average.exchange();
  CHECK(values(weight) == std::vector<double>{0, 0});
  CHECK(values(average.values().at("weight")) == std::vector<double>{4, 4});
  average.exchange();
  CHECK(values(weight) == std::vector<double>{4, 4});

  average.load_state_dict({{"weight", Tensor::full({2}, 3)}});
  CHECK(values(average.values().at("weight")) == std::vector<double>{3, 3});
  CHECK_THROWS_AS(average.load_state_dict({}), ValueError);
  CHECK_THROWS_AS(WeightAverage(model, 1), ValueError);
}
