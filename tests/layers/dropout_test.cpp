#include <doctest/doctest.h>

#include <tessera/layers/dropout.hpp>
#include <tessera/layers/layer_gradcheck.hpp>
#include <tessera/layers/sequential.hpp>

#include "tests/support/message_of.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using tessera::test::difference;
using tessera::test::message_of;

TEST_CASE("dropout draws anew in every training step and does nothing in evaluation") {
  Sequential net{Dropout({.rate = 0.5}), Dropout({.rate = 0.5})};
  const Tensor x = Tensor::ones({2, 4, 4, 8});
  const Tensor first = net(x), second = net(x);
  CHECK(difference(first, second) > 0);
  net.eval();
  CHECK(net(x).is_same(x));
}

TEST_CASE("layers of different paths drop different numbers") {
  Sequential net;
  Dropout a = net.add("a", Dropout()), b = net.add("b", Dropout());
  const Tensor x = Tensor::ones({1000});
  CHECK(difference(a(x), b(x)) > 0);
}

TEST_CASE("what is dropped is a function of the seed, the path and the draws so far") {
  const Tensor x = Tensor::ones({1000});
  Sequential net{Dropout()}, twin{Dropout()};
  net(x);
  twin.load_state_dict(net.state_dict());
  CHECK(twin.state_dict().at("0.draws").item() == 1);
  const Tensor next = net(x);
  CHECK(difference(twin(x), next) == 0);
  Sequential other{Dropout()};
  other.initialize(9);
  other.load_state_dict(net.state_dict());
  CHECK(difference(other(x), net(x)) > 0);
}

TEST_CASE("the mean stays and the rate is kept") {
  Dropout layer({.rate = 0.25});
  const Tensor y = layer(Tensor::ones({40000}));
  std::int64_t dropped = 0, kept = 0;
  for (const float v : y.span<float>()) {
    if (v == 0) ++dropped;
    if (v == static_cast<float>(1 / 0.75)) ++kept;
  }
  CHECK(dropped + kept == 40000);
  CHECK(dropped > 9650);  // four deviations of 87 around 10,000
  CHECK(dropped < 10350);
}

TEST_CASE("spatial dropout drops whole channels") {
  Dropout2D layer;
  const Tensor y = layer(Tensor::ones({3, 2, 2, 50}));
  for (std::int64_t n = 0; n < 3; ++n)
    for (std::int64_t c = 0; c < 50; ++c) CHECK(y.at({n, 0, 0, c}) == y.at({n, 1, 1, c}));
  CHECK(difference(y, layer(Tensor::ones({3, 2, 2, 50}))) > 0);
}

TEST_CASE("dropout refuses rates of 1 and beyond") {
  CHECK(message_of<ValueError>([] { const Dropout layer({.rate = 1}); }) ==
        "Dropout: .rate must be 0 or more and below 1, got 1");
  CHECK_THROWS_AS(Dropout2D({.rate = -0.1}), ValueError);
}

TEST_CASE("dropout passes gradcheck and keeps its count") {
  Dropout single;
  Dropout2D spatial;
  single(Tensor::ones({1}));
  for (Layer* layer : {static_cast<Layer*>(&single), static_cast<Layer*>(&spatial)}) {
    const GradcheckReport report = gradcheck(*layer, test::random_tensor({2, 2, 3, 4}));
    CHECK_MESSAGE(report.passed, report.str());
  }
  CHECK(single.state_dict().at("draws").item() == 1);
}
