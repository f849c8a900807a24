#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <tessera/core/ops/activation.hpp>
#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/core/ops/elementwise.hpp>
#include <tests/support/golden.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;

namespace {

using Json = nlohmann::json;

/// The largest difference in units of the expected value, or of 1 where that is smaller.
double error(const Tensor& actual, const Tensor& expected) {
  return difference(div(actual.detach(), maximum(abs(expected), 1)), div(expected, maximum(abs(expected), 1)));
}

Activation activation_of(const Json& golden_case) {
  Activation activation = activation_named(golden_case.at("op").get<std::string>());
  activation.slope = golden_case.value("slope", golden_case.value("alpha", activation.slope));
  return activation;
}

/// The op of a case with one input; empty where it is not one of this file's.
std::function<Tensor(const Tensor&)> unary(const Json& golden_case) {
  const auto op = golden_case.at("op").get<std::string>();
  const std::map<std::string, Tensor (*)(const Tensor&)> plain{
      {"exp", exp}, {"log", log}, {"sqrt", sqrt}, {"abs", abs}, {"sign", sign}};
  if (const auto found = plain.find(op); found != plain.end()) return found->second;
  if (op == "clamp")
    return [&](const Tensor& x) {
      return clamp(x, golden_case.at("min").get<double>(), golden_case.at("max").get<double>());
    };
  if (op == "pow") return [&](const Tensor& x) { return pow(x, golden_case.at("exponent").get<double>()); };
  for (const char* name :
       {"relu", "leaky_relu", "elu", "selu", "gelu", "silu", "sigmoid", "tanh", "softplus", "hard_swish"})
    if (op == name) return [&](const Tensor& x) { return activate(x, activation_of(golden_case)); };
  return {};
}

const std::map<std::string, Tensor (*)(const Tensor&, const Tensor&)> binary{
    {"add", add},         {"subtract", sub},    {"multiply", mul}, {"divide", div},
    {"minimum", minimum}, {"maximum", maximum}, {"pow", pow}};

}  // namespace

TEST_CASE("elementwise ops and activations equal PyTorch's, with their gradients") {
  const Golden golden("activations.safetensors");
  int checked = 0;
  for (const Json& golden_case : golden.cases()) {
    if (golden.has(golden_case, "other")) continue;
    const auto op = unary(golden_case);
    if (!op) continue;
    INFO(golden_case.dump());
    Tensor x = golden.get(golden_case, "input").set_requires_grad();
    const Tensor y = op(x);
    y.backward(golden.get(golden_case, "output_grad"));
    CHECK(error(y, golden.get(golden_case, "output")) < 1e-12);
    CHECK(error(x.grad(), golden.get(golden_case, "input_grad")) < 1e-12);
    ++checked;
  }
  CHECK(checked == 22);
}

TEST_CASE("broadcasting arithmetic equals PyTorch's, with its gradients") {
  const Golden golden("activations.safetensors");
  int checked = 0;
  for (const Json& golden_case : golden.cases()) {
    if (!golden.has(golden_case, "other")) continue;
    INFO(golden_case.dump());
    Tensor a = golden.get(golden_case, "input").set_requires_grad();
    Tensor b = golden.get(golden_case, "other").set_requires_grad();
    const Tensor y = binary.at(golden_case.at("op").get<std::string>())(a, b);
    y.backward(golden.get(golden_case, "output_grad"));
    CHECK(error(y, golden.get(golden_case, "output")) < 1e-12);
    CHECK(error(a.grad(), golden.get(golden_case, "input_grad")) < 1e-12);
    CHECK(error(b.grad(), golden.get(golden_case, "other_grad")) < 1e-12);
    ++checked;
  }
  CHECK(checked == 28);
}
