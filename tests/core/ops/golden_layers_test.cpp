#include <doctest/doctest.h>

#include <map>
#include <tessera/core/ops/batch_norm.hpp>
#include <tessera/core/ops/group_norm.hpp>
#include <tessera/core/ops/pad.hpp>
#include <tessera/core/ops/permute.hpp>
#include <tessera/core/ops/pool.hpp>
#include <tessera/core/ops/softmax.hpp>
#include <tessera/core/ops/upsample.hpp>
#include <tests/support/golden.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;
using nlohmann::json;

namespace {

Size2D size_of(const json& c, const char* field) { return {c.at(field)[0], c.at(field)[1]}; }

Padding padding_of(const json& c) {
  const json& padding = c.at("padding");
  if (padding.is_string()) return same;
  return Sides{.top = padding[0], .bottom = padding[1], .left = padding[2], .right = padding[3]};
}

/// The numbers of one case; tensors that want a gradient are kept to compare it.
class Case {
 public:
  Case(const Golden& golden, const json& fields) : golden_(golden), fields_(fields) {}
  Tensor get(const char* name) const { return golden_.get(fields_, name).clone(); }
  Tensor leaf(const std::string& name) {
    return leaves_[name] = golden_.get(fields_, name).clone().set_requires_grad();
  }
  void check(const Tensor& output) {
    CHECK(difference(output.detach(), get("output")) < 1e-11);
    output.backward(get("output_grad"));
    for (const auto& [name, tensor] : leaves_)
      CHECK(difference(tensor.grad(), golden_.get(fields_, name + "_grad")) < 1e-10);
  }

 private:
  const Golden& golden_;
  const json& fields_;
  std::map<std::string, Tensor> leaves_;
};

void check_batch_norm(Case& numbers, const json& c) {
  const Tensor mean = numbers.get("running_mean"), variance = numbers.get("running_var");
  const bool training = c.at("training");
  const BatchNormOptions options{training, c.at("momentum"), c.at("epsilon")};
  numbers.check(
      batch_norm(numbers.leaf("input"), numbers.leaf("gamma"), numbers.leaf("beta"), mean, variance, options));
  CHECK(difference(mean, numbers.get(training ? "running_mean_after" : "running_mean")) < 1e-12);
  CHECK(difference(variance, numbers.get(training ? "running_var_after" : "running_var")) < 1e-11);
}

void check_group_norm(Case& numbers, const json& c) {
  numbers.check(
      group_norm(numbers.leaf("input"), c.at("groups"), numbers.leaf("gamma"), numbers.leaf("beta"), c.at("epsilon")));
}

void check_max_pool2d(Case& numbers, const json& c) {
  const MaxPoolOptions options{size_of(c, "pool_size"), size_of(c, "strides"), padding_of(c)};
  const auto [output, indices] = max_pool2d_with_indices(numbers.leaf("input"), options);
  numbers.check(output);
  if (c.at("padding").is_array()) CHECK(difference(indices, numbers.get("indices")) == 0);
}

void check_avg_pool2d(Case& numbers, const json& c) {
  numbers.check(avg_pool2d(numbers.leaf("input"),
                           {size_of(c, "pool_size"), size_of(c, "strides"), padding_of(c), c.at("count_include_pad")}));
}

void check_upsample(Case& numbers, const json& c) {
  const bool is_nearest = c.at("mode") == "nearest";
  numbers.check(upsample(numbers.leaf("input"), {.output_size = size_of(c, "size"),
                                                 .interpolation = is_nearest ? nearest : bilinear,
                                                 .align_corners = !is_nearest && c.at("align_corners").get<bool>()}));
}

void check_pad(Case& numbers, const json& c) {
  const std::map<std::string, PadMode> modes{
      {"constant", PadMode::constant}, {"reflect", PadMode::reflect}, {"replicate", PadMode::replicate}};
  const Sides sides = padding_of(c).sides;
  numbers.check(pad(numbers.leaf("input"), {{}, {sides.top, sides.bottom}, {sides.left, sides.right}, {}},
                    modes.at(c.at("mode")), c.at("value")));
}

using Check = void (*)(Case&, const json&);
const std::map<std::string, Check> checks{
    {"batch_norm", check_batch_norm},
    {"group_norm", check_group_norm},
    {"max_pool2d", check_max_pool2d},
    {"avg_pool2d", check_avg_pool2d},
    {"upsample", check_upsample},
    {"pad", check_pad},
    {"max_unpool2d",
     [](Case& n, const json& c) { n.check(max_unpool2d(n.leaf("input"), n.get("indices"), size_of(c, "size"))); }},
    {"global_avg_pool2d", [](Case& n, const json&) { n.check(global_avg_pool2d(n.leaf("input"))); }},
    {"global_max_pool2d", [](Case& n, const json&) { n.check(global_max_pool2d(n.leaf("input"))); }},
    {"depth_to_space", [](Case& n, const json& c) { n.check(depth_to_space(n.leaf("input"), c.at("block_size"))); }},
};

}  // namespace

TEST_CASE("normalisation, pooling, resampling and padding equal PyTorch and Keras") {
  const Golden golden("layers.safetensors");
  std::map<std::string, int> seen;
  for (const json& c : golden.cases()) {
    const std::string layer = c.at("layer");
    if (checks.count(layer) == 0) continue;
    CAPTURE(c.at("name").get<std::string>());
    Case numbers(golden, c);
    checks.at(layer)(numbers, c);
    ++seen[layer];
  }
  CHECK(seen.size() == checks.size());
}

TEST_CASE("softmax and log_softmax equal PyTorch") {
  const Golden golden("activations.safetensors");
  int seen = 0;
  for (const json& c : golden.cases()) {
    const std::string op = c.at("op");
    if (op != "softmax" && op != "log_softmax") continue;
    CAPTURE(c.at("name").get<std::string>());
    Case numbers(golden, c);
    const Tensor x = numbers.leaf("input");
    numbers.check(op == "softmax" ? softmax(x, c.at("axis")) : log_softmax(x, c.at("axis")));
    ++seen;
  }
  CHECK(seen >= 2);
}
