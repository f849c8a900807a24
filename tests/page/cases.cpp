#include <iostream>
#include <nlohmann/json.hpp>
#include <tessera/core/ops/activation.hpp>
#include <tessera/core/ops/conv2d.hpp>
#include <tessera/core/random.hpp>

/// Writes random layers with the library's outputs as a script, for the page's arithmetic to be held against.
namespace {

using namespace tessera;
using nlohmann::json;

class Dice {
 public:
  std::int64_t number(std::int64_t least, std::int64_t most) {
    return least + RandomStream(7, stream_of("page")).integer(next_++, most - least + 1);
  }
  Size2D size(std::int64_t least, std::int64_t most) {
    const std::int64_t height = number(least, most);
    return {height, number(least, most)};
  }
  /// Sixteenths, so that sums are exact.
  Tensor tensor(const Shape& shape) {
    Tensor values = Tensor::empty(shape, f64);
    for (std::int64_t i = 0; i < shape.numel(); ++i)
      values.mutable_data<double>()[i] = static_cast<double>(number(-20, 20)) / 16;
    return values;
  }

 private:
  std::uint64_t next_ = 0;
};

json pair(Size2D size) { return {size.height, size.width}; }

json list(const Tensor& tensor) {
  return std::vector<double>(tensor.span<double>().begin(), tensor.span<double>().end());
}

json random_case(Dice& dice) {
  constexpr const char* activations[] = {"linear", "linear",  "linear", "relu",     "leaky_relu", "elu", "selu",
                                         "gelu",   "sigmoid", "tanh",   "softplus", "hard_swish", "silu"};
  constexpr const char* paddings[] = {"same", "valid", "sides"};
  const Size2D input = dice.size(1, 5), kernel = dice.size(1, 5), strides = dice.size(1, 4), dilation = dice.size(1, 3);
  const std::int64_t groups = dice.number(1, 2), channels = groups * dice.number(1, 2),
                     filters = groups * dice.number(1, 2);
  const std::string padding = paddings[dice.number(0, 2)];
  const Sides sides{dice.number(0, 2), dice.number(0, 2), dice.number(0, 2), dice.number(0, 2)};
  const auto act = activation_named(activations[dice.number(0, 12)]);
  ConvTransposeOptions options{.strides = strides, .dilation_rate = dilation, .groups = groups};
  options.padding = padding == "same" ? same : padding == "valid" ? valid : Padding(sides);
  if (dice.number(0, 1) == 1) options.output_padding = dice.size(0, 3);

  const Tensor x = dice.tensor({1, input.height, input.width, channels});
  const Tensor weights = dice.tensor({kernel.height, kernel.width, filters / groups, channels});
  const Tensor bias = dice.tensor({filters});
  json made{{"input", pair(input)},
            {"channels", channels},
            {"filters", filters},
            {"kernel", pair(kernel)},
            {"strides", pair(strides)},
            {"padding", padding},
            {"sides", {sides.top, sides.left, sides.bottom, sides.right}},
            {"outputPadding", options.output_padding ? pair(*options.output_padding) : json(nullptr)},
            {"dilation", pair(dilation)},
            {"groups", groups},
            {"activation", name_of(act)},
            {"slope", act.slope},
            {"data", {{"input", list(x)}, {"kernel", list(weights)}, {"bias", list(bias)}}}};
  try {
    made["output"] = list(conv2d_transpose(x, weights, bias, options, act));
  } catch (const ShapeError&) {
    made["output"] = nullptr;  // refused
  }
  return made;
}

}  // namespace

int main() {
  Dice dice;
  json cases = json::array();
  for (int i = 0; i < 600; ++i) cases.push_back(random_case(dice));
  std::cout << "<script>const cases = " << cases.dump() << ";</script>\n";
}
