// step: times training steps or inference of one workload and prints one line of JSON for each, for bench/compare.
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <fstream>
#include <tessera/tessera.hpp>

namespace {

using namespace tessera;
using Clock = std::chrono::steady_clock;

struct Workload {
  std::string name;
  ModelOptions model;
  std::int64_t batch, side;
};

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> all{
      {"tiny64", {.name = "tiny", .classes = 4}, 8, 64},
      {"tiny128", {.name = "tiny", .classes = 4}, 8, 128},
      {"unet16", {.name = "unet", .classes = 2, .width = 16, .depth = 3}, 4, 128},
      {"unet32", {.name = "unet", .classes = 2, .width = 32, .depth = 4}, 2, 256},
  };
  return all;
}

/// Images and labels that both sides of a comparison make by the same formula.
Tensor image_waves(const Shape& shape) {
  Tensor x = Tensor::empty(shape);
  float* out = x.mutable_data<float>();
  for (std::int64_t i = 0; i < x.numel(); ++i) out[i] = static_cast<float>(std::sin(0.37 * static_cast<double>(i)));
  return x;
}

Tensor striped_labels(const Shape& shape, std::int64_t classes) {
  Tensor labels = Tensor::empty(shape, i32);
  auto* out = labels.mutable_data<std::int32_t>();
  for (std::int64_t i = 0; i < labels.numel(); ++i) out[i] = static_cast<std::int32_t>(i / 3 % classes);
  return labels;
}

/// Kilobytes of a line of /proc/self/status, such as VmHWM, the largest resident size so far.
double status_megabytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (double kilobytes = 0; word == key + ":" && status >> kilobytes) return kilobytes / 1024;
  return 0;
}

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times training steps, or inference of one image, of one workload.");
  std::string name = "tiny128", check;
  bool infer = false;
  int steps = 20, threads = num_threads();
  app.add_option("workload", name, "tiny64, tiny128, unet16 or unet32");
  app.add_flag("--infer", infer, "Inference of one image instead of training steps");
  app.add_option("--steps", steps, "How many to time, after three that are not")->check(CLI::PositiveNumber);
  app.add_option("--threads", threads, "Threads")->check(CLI::PositiveNumber);
  app.add_option("--check", check, "Writes weights, output, loss and gradients of the first step here, for comparison");
  CLI11_PARSE(app, argc, argv);

  const auto found =
      std::find_if(workloads().begin(), workloads().end(), [&](const Workload& w) { return w.name == name; });
  if (found == workloads().end()) {
    fmt::print(stderr, "step: no workload {}\n", name);
    return 2;
  }
  set_num_threads(threads);
  const double before = status_megabytes("VmHWM");
  const auto model = make_model(found->model);
  model->initialize(1);
  const std::int64_t batch = infer ? 1 : found->batch;
  const Tensor x = image_waves({batch, found->side, found->side, 3});
  const Tensor labels = striped_labels({batch, found->side, found->side}, found->model.classes);
  Adam optimizer(model->parameters(), {.lr = 1e-3});

  if (!check.empty()) {
    std::map<std::string, Tensor> out;
    for (const auto& [path, tensor] : model->state_dict()) out["weight/" + path] = tensor.clone();
    const Tensor y = (*model)(x), loss = softmax_cross_entropy(y, labels).mean();
    loss.backward();
    out["output"] = y;
    out["loss"] = loss;
    for (const auto& parameter : model->parameters()) out["grad/" + parameter.path] = parameter.tensor.grad();
    write_safetensors(check, out);
    return 0;
  }

  const auto train_step = [&] {
    optimizer.zero_grad();
    softmax_cross_entropy((*model)(x), labels).mean().backward();
    optimizer.step();
  };
  const auto inference = [&] {
    const NoGrad no_grad;
    (*model)(x);
  };
  if (infer) model->eval();
  std::vector<double> times;
  for (int i = -3; i < steps; ++i) {
    const auto start = Clock::now();
    infer ? inference() : train_step();
    if (i >= 0) times.push_back(milliseconds_since(start));
  }
  fmt::print("{{\"workload\": \"{}\", \"infer\": {}, \"threads\": {}, \"ms\": [{:.4f}], \"peak_mb\": {:.1f}}}\n", name,
             infer, threads, fmt::join(times, ", "), status_megabytes("VmHWM") - before);
  return 0;
}
