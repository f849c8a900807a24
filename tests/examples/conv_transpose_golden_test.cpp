#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/golden.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

std::string pair(const nlohmann::json& sizes) { return fmt::format("{}x{}", sizes[0].get<int>(), sizes[1].get<int>()); }

/// The size asked for, as output_padding: what it has more than the smallest output.
std::string output_padding(const nlohmann::json& c, const Shape& input, std::size_t axis) {
  const auto number = [&](const char* field, std::size_t i) { return c.at(field)[i].get<std::int64_t>(); };
  const std::int64_t smallest = (input[static_cast<std::int64_t>(axis) + 1] - 1) * number("strides", axis) +
                                (number("kernel_size", axis) - 1) * number("dilation_rate", axis) + 1 -
                                number("padding", 2 * axis) - number("padding", 2 * axis + 1);
  return fmt::format("{}", number("output_size", axis) - smallest);
}

std::string arguments_of(const nlohmann::json& c, const Shape& input) {
  std::string text = fmt::format(" --strides {} --dilation-rate {} --groups {}", pair(c.at("strides")),
                                 pair(c.at("dilation_rate")), c.at("groups").get<int>());
  const auto& padding = c.at("padding");
  if (padding.is_string())
    text += " --padding " + padding.get<std::string>();
  else
    text += fmt::format(" --padding {}x{}x{}x{}", padding[0].get<int>(), padding[2].get<int>(), padding[1].get<int>(),
                        padding[3].get<int>());
  if (!c.at("output_padding").is_null()) text += " --output-padding " + pair(c.at("output_padding"));
  if (!c.at("output_size").is_null())
    text += " --output-padding " + output_padding(c, input, 0) + "x" + output_padding(c, input, 1);
  return text;
}

}  // namespace

TEST_CASE("conv_transpose gives the outputs and gradients of Keras and PyTorch through --load and --save") {
  const TemporaryFolder folder;
  const Golden golden("conv2d_transpose.safetensors");
  const std::string in = (folder / "in.safetensors").string(), out = (folder / "out.safetensors").string();
  bool single = false;
  for (const auto& c : golden.cases()) {
    CAPTURE(c.dump());
    single = !single;  // f32 and f64 by turns
    std::map<std::string, Tensor> tensors;
    for (const char* name : {"input", "kernel", "bias", "output_grad"})
      if (golden.has(c, name)) tensors[name] = golden.get(c, name).to(single ? f32 : f64);
    write_safetensors(in, tensors);
    const Ran ran = run_program("conv_transpose",
                                "--load " + in + " --save " + out + arguments_of(c, golden.get(c, "input").shape()));
    REQUIRE(ran.text == "");
    REQUIRE(ran.status == 0);
    const auto made = read_safetensors(out).tensors;
    CHECK(made.at("output").dtype() == (single ? f32 : f64));
    for (const char* name : {"output", "input_grad", "kernel_grad"})
      CHECK(same_numbers(made.at(name), golden.get(c, name)));
    CHECK(made.contains("bias_grad") == golden.has(c, "bias_grad"));
    if (golden.has(c, "bias_grad")) CHECK(same_numbers(made.at("bias_grad"), golden.get(c, "bias_grad")));
  }
  CHECK(golden.cases().size() > 300);
}
