#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <tessera/core/autograd.hpp>
#include <tessera/core/op_listener.hpp>
#include <tessera/layers/summary.hpp>

namespace tessera {
namespace {

/// Calls visit(module) for a module and all below it.
template <class Visit>
void walk(const Module& module, const Visit& visit) {
  visit(module);
  for (const auto& named : module.children()) walk(named.second, visit);
}

std::int64_t own_parameter_count(const Module& module) {
  std::int64_t count = 0;
  for (const auto& [path, tensor] : module.named_parameters())
    if (path.find('.') == std::string::npos) count += tensor.numel();
  return count;
}

/// 1234567 as "1,234,567"
std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (auto place = static_cast<std::ptrdiff_t>(digits.size()) - 3; place > 0; place -= 3)
    digits.insert(static_cast<std::size_t>(place), 1, ',');
  return digits;
}

Tensor zeros_for(const Layer& layer, const Shape& input) {
  const auto parameters = layer.named_parameters();
  return Tensor::zeros(input, parameters.empty() ? f32 : parameters.front().second.dtype());
}

}  // namespace

EvalScope::EvalScope(Module module) {
  walk(module, [this](const Module& part) { modes_.emplace_back(part, part.training()); });
  module.eval();
}

EvalScope::~EvalScope() {
  for (auto& [module, training] : modes_) module.train(training);
}

Trace trace(Layer& layer, const Shape& input) {
  const NoGrad no_grad;
  const EvalScope eval(layer);
  const Tensor x = zeros_for(layer, input);
  return trace([&] { layer(x); });
}

std::int64_t multiply_adds(const TracedOp& op) {
  // Each pixel of a convolution's output, and of a transposed one's input, meets every weight of the kernel once.
  const auto pixels = [](const Tensor& image) { return image.numel() / std::max<std::int64_t>(image.size(-1), 1); };
  if (op.name == "conv2d") return pixels(op.outputs[0]) * op.inputs[1].numel();
  if (op.name == "conv2d_transpose") return pixels(op.inputs[0]) * op.inputs[1].numel();
  if (op.name == "matmul") return op.outputs[0].numel() * op.inputs[0].size(-1);
  return 0;
}

namespace {

/// When the first op of a module, or of one inside it, ran; nothing where none did.
std::optional<std::size_t> turn_of(const Trace& traced, const std::string& path) {
  const auto inside = [&](const TracedOp& op) {
    return path.empty() || op.path == path || op.path.starts_with(path + '.');
  };
  const auto first = std::find_if(traced.ops.begin(), traced.ops.end(), inside);
  if (first == traced.ops.end()) return std::nullopt;
  return static_cast<std::size_t>(first - traced.ops.begin());
}

}  // namespace

Summary summary(Layer& layer, const Shape& input) {
  const Trace traced = trace(layer, input);
  Summary result{.input = input, .output = input};
  if (!traced.ops.empty()) result.output = traced.ops.back().outputs[0].shape();
  std::multimap<std::size_t, LayerSummary> rows;  // in the order in which they run
  std::size_t turn = 0;
  walk(layer, [&](const Module& module) {
    turn = turn_of(traced, module.path()).value_or(turn);
    LayerSummary row{.path = module.path(), .type = module.type_name(), .parameters = own_parameter_count(module)};
    for (const TracedOp& op : traced.ops) {
      if (op.path != row.path) continue;
      row.ran = true;
      row.output = op.outputs[0].shape();
      row.multiply_adds += multiply_adds(op);
    }
    result.parameters += row.parameters;
    result.multiply_adds += row.multiply_adds;
    if (row.ran || row.parameters > 0) rows.emplace(turn, std::move(row));
  });
  for (auto& [at, row] : rows) result.layers.push_back(std::move(row));
  return result;
}

std::map<std::string, double> module_seconds(Layer& layer, const Shape& input, int passes) {
  using Clock = std::chrono::steady_clock;
  const NoGrad no_grad;
  const EvalScope eval(layer);
  const Tensor x = zeros_for(layer, input);
  layer(x);  // fills the caches of packed weights and of memory

  std::map<std::string, std::vector<double>> measured;
  for (int pass = 0; pass < passes; ++pass) {
    std::map<std::string, double> own;
    Clock::time_point since = Clock::now();
    const OpListener listener([&](std::string_view, const std::string& path, OpListener::Pass) {
      own[path] += std::chrono::duration<double>(Clock::now() - since).count();
      since = Clock::now();
    });
    layer(x);
    for (const auto& [path, seconds] : own) measured[path].push_back(seconds);
  }
  std::map<std::string, double> medians;
  for (auto& [path, seconds] : measured) {
    const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
    std::nth_element(seconds.begin(), middle, seconds.end());
    medians[path] = *middle;
  }
  return medians;
}

std::string Summary::str() const {
  std::size_t path_width = 5, type_width = 4, shape_width = 6;
  double seconds = 0;
  bool timed = false;
  for (const LayerSummary& row : layers) {
    path_width = std::max(path_width, row.path.size());
    type_width = std::max(type_width, row.type.size());
    shape_width = std::max(shape_width, row.output.str().size());
    seconds += row.seconds.value_or(0);
    timed = timed || row.seconds;
  }
  std::string text;
  const auto line = [&](const std::string& path, const std::string& type, const std::string& shape,
                        const std::string& parameters, const std::string& products, const std::string& time) {
    text += fmt::format("{:<{}}  {:<{}}  {:<{}}  {:>12}  {:>15}{}\n", path, path_width, type, type_width, shape,
                        shape_width, parameters, products, time);
  };
  line("layer", "type", "output", "parameters", "multiply-adds", timed ? "        ms    %" : "");
  for (const LayerSummary& row : layers) {
    const std::string time =
        row.seconds ? fmt::format("  {:>8.2f}  {:>3.0f}", 1e3 * *row.seconds, 100 * *row.seconds / seconds) : "";
    line(row.path, row.type, row.ran ? row.output.str() : "-", grouped(row.parameters), grouped(row.multiply_adds),
         time);
  }
  text += fmt::format("input {}, output {}: {} parameters, {} multiply-adds\n", input.str(), output.str(),
                      grouped(parameters), grouped(multiply_adds));
  return text;
}

}  // namespace tessera
