// step: times training steps or inference of one workload; bench/compare and bench/growth run it.
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <optional>
#include <tessera/tessera.hpp>

#include "machine.hpp"
#include "workloads.hpp"

namespace {

using namespace tessera;
using Clock = std::chrono::steady_clock;

enum class Kind { train, infer, folded };

/// Any size that the network takes shows what is to be folded.
void fold(SegmentationModel& model) {
  const Size2D size = model.input_sizes().enlarged(32);
  fold_batch_norm(model, {1, size.height, size.width, model.in_channels()});
}

/// One network at work: `run` is a training step, or inference of the images.
class Work {
 public:
  Work(const bench::Workload& w, Kind kind)
      : kind_(kind), model_(make_model(w.model)), x_(bench::image_waves(w)), labels_(bench::striped_labels(w)) {
    model_->initialize(1);
    if (kind_ == Kind::train) {
      optimizer_.emplace(model_->parameters(), AdamOptions{.lr = 1e-3});
      return;
    }
    model_->eval();
    if (kind_ == Kind::folded) fold(*model_);
  }

  void run() {
    if (kind_ != Kind::train) {
      const NoGrad no_grad;
      (*model_)(x_);
      return;
    }
    optimizer_->zero_grad();
    softmax_cross_entropy((*model_)(x_), labels_).mean().backward();
    optimizer_->step();
  }

 private:
  Kind kind_;
  std::unique_ptr<SegmentationModel> model_;
  Tensor x_, labels_;
  std::optional<Adam> optimizer_;  ///< for training alone
};

/// Weights, input and what comes of it, for a peer that is to compute the same. Running statistics are those of a few
/// forward passes, as fresh ones would hide what is done with them.
void write_check(const std::string& file, const bench::Workload& w, Kind kind) {
  const auto model = make_model(w.model);
  model->initialize(1);
  const Tensor x = bench::image_waves(w), labels = bench::striped_labels(w);
  {
    const NoGrad no_grad;
    for (int pass = 0; pass < 5; ++pass) (*model)(x);
  }
  std::map<std::string, Tensor> out{{"input", x}, {"labels", labels}};
  for (const auto& [path, tensor] : model->state_dict()) out["weight/" + path] = tensor.clone();
  if (kind == Kind::train) {
    const Tensor y = (*model)(x), loss = softmax_cross_entropy(y, labels).mean();
    loss.backward();
    out["output"] = y;
    out["loss"] = loss;
    for (const auto& parameter : model->parameters()) out["grad/" + parameter.path] = parameter.tensor.grad();
  } else {
    const NoGrad no_grad;
    model->eval();
    if (kind == Kind::folded) fold(*model);
    out["output"] = (*model)(x);
  }
  write_safetensors(file, out);
}

void describe(const bench::Workload& w, Kind kind) {
  fmt::print(
      "{{\"network\": \"{}\", \"classes\": {}, \"width\": {}, \"depth\": {}, \"batch\": {}, \"side\": {}, "
      "\"gflop\": {:.4f}, \"peak_gflops\": {:.1f}, \"processor\": \"{}\", \"simd\": \"{}\"}}\n",
      w.model.name, w.model.classes, w.model.width, w.model.depth, w.batch, w.side,
      bench::gigaflops(w, kind != Kind::train), bench::peak_gigaflops(), tessera::processor_name(), simd_target());
}

void time_steps(Work& work, int steps, double megabytes_before) {
  std::vector<double> times;
  for (int i = 0; i < steps; ++i) {
    const auto start = Clock::now();
    work.run();
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  const double peak = bench::status_megabytes("VmHWM");
  fmt::print("{{\"ms\": [{:.4f}], \"peak_mb\": {:.1f}, \"process_mb\": {:.1f}}}\n", fmt::join(times, ", "),
             peak - megabytes_before, peak);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times training steps, or inference of one image, of one workload; prints JSON.");
  std::string name = "tiny128", check;
  bool infer = false, fold = false, serve = false;
  int steps = 20, warm_up = 3;
  std::int64_t batch = 0, side = 0, width = 0;
  app.add_option("workload", name, "tiny64, tiny128, unet16 or unet32");
  app.add_flag("--infer", infer, "Inference of one image instead of training steps");
  app.add_flag("--fold", fold, "Inference of one image with batch normalisation folded into the convolutions");
  app.add_option("--batch", batch, "Images, other than the workload has")->check(CLI::PositiveNumber);
  app.add_option("--side", side, "Height and width of the images, other than the workload's")
      ->check(CLI::PositiveNumber);
  app.add_option("--width", width, "Channels of a U-Net's first level, other than the workload's")
      ->check(CLI::PositiveNumber);
  app.add_option("--steps", steps, "How many to time")->check(CLI::PositiveNumber);
  app.add_option("--warm-up", warm_up, "Steps before those, which are not timed")->check(CLI::NonNegativeNumber);
  bench::add_machine_options(app);
  app.add_option("--check", check,
                 "Writes weights, input, output and gradients to this file, and what the workload is");
  app.add_flag("--serve", serve,
               "Prints \"ready\" before the first step, then for every number read that many timed steps");
  CLI11_PARSE(app, argc, argv);

  try {
    bench::Workload w = bench::workload(name);
    const Kind kind = fold ? Kind::folded : infer ? Kind::infer : Kind::train;
    if (kind != Kind::train) w.batch = 1;
    if (batch > 0) w.batch = batch;
    if (side > 0) w.side = side;
    if (width > 0) w.model.width = width;
    if (!check.empty()) {
      write_check(check, w, kind);
      describe(w, kind);
      return 0;
    }
    const double before = bench::status_megabytes("VmHWM");
    Work work(w, kind);
    if (serve) {
      fmt::print("ready\n");
      std::fflush(stdout);
      for (int count = 0; std::cin >> count;) time_steps(work, count, before);
      return 0;
    }
    for (int i = 0; i < warm_up; ++i) work.run();
    time_steps(work, steps, before);
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "step: {}\n", error.what());
    return 2;
  }
}
