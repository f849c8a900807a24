// profile: where the time of a training step, or of inference, goes: by op, and with --layers by layer.
#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <tessera/tessera.hpp>

#include "machine.hpp"
#include "workloads.hpp"

namespace {

using namespace tessera;
using Pass = OpListener::Pass;

/// Milliseconds a step of one op in one pass, added up over its calls.
struct Row {
  std::string op, path;
  double forward = 0, backward = 0;
  double gigaflop = 0;  ///< of both passes together
};

/// Gives the time since the op before to the op that has just ended.
class Profile {
 public:
  void start() { last_ = Clock::now(); }
  void end(std::string_view op, const std::string& path, Pass pass) {
    const Clock::time_point now = Clock::now();
    const double spent = std::chrono::duration<double, std::milli>(now - last_).count();
    Row& row = row_of(op, path);
    (pass == Pass::forward ? row.forward : row.backward) += spent;
    last_ = Clock::now();
  }

  /// Rows of one step out of `steps`, the longest first; those of one op together unless `by_layer`.
  std::vector<Row> rows(int steps, bool by_layer) const {
    std::vector<Row> found;
    for (const Row& row : rows_) {
      const std::string path = by_layer ? row.path : "";
      auto same =
          std::find_if(found.begin(), found.end(), [&](const Row& r) { return r.op == row.op && r.path == path; });
      if (same == found.end()) same = found.insert(found.end(), Row{row.op, path});
      same->forward += row.forward / steps;
      same->backward += row.backward / steps;
      same->gigaflop += row.gigaflop;
    }
    std::sort(found.begin(), found.end(),
              [](const Row& a, const Row& b) { return a.forward + a.backward > b.forward + b.backward; });
    return found;
  }

  void add_work(const bench::Workload& w, bool infer) {
    for (const bench::NetworkConv& conv : bench::convolutions(w))
      row_of(conv.transposed ? "conv2d_transpose" : "conv2d", conv.path).gigaflop +=
          2e-9 * static_cast<double>(conv.geometry.multiply_adds()) *
          (infer              ? 1
           : conv.reads_image ? 2
                              : 3);
  }

 private:
  using Clock = std::chrono::steady_clock;

  Row& row_of(std::string_view op, const std::string& path) {
    for (Row& row : rows_)
      if (row.op == op && row.path == path) return row;
    return rows_.emplace_back(Row{std::string(op), path});
  }

  Clock::time_point last_;
  std::vector<Row> rows_;
};

Profile profile(const bench::Workload& w, bool infer, int steps) {
  const auto model = make_model(w.model);
  model->initialize(1);
  model->train(!infer);
  const Tensor x = bench::image_waves(w), labels = bench::striped_labels(w);
  Adam optimizer(model->parameters(), {.lr = 1e-3});
  Profile result;
  const auto run = [&] {
    if (infer) {
      const NoGrad no_grad;
      (*model)(x);
      return;
    }
    optimizer.zero_grad();
    result.end("zero_grad", "", Pass::backward);
    softmax_cross_entropy((*model)(x), labels).mean().backward();
    result.end("engine, after the last op", "", Pass::backward);
    optimizer.step();
    result.end("adam", "", Pass::backward);
  };
  for (int i = 0; i < 3; ++i) run();
  result = Profile();
  {
    const OpListener listener(
        [&](std::string_view op, const std::string& path, Pass pass) { result.end(op, path, pass); });
    for (int i = 0; i < steps; ++i) {
      result.start();
      run();
    }
  }
  result.add_work(w, infer);  // traces a network, which is not to be listened to
  return result;
}

void print(const std::string& title, const std::vector<Row>& rows, double peak) {
  double total = 0;
  std::size_t width = 10;
  for (const Row& row : rows) {
    total += row.forward + row.backward;
    width = std::max(width, row.op.size() + 1 + row.path.size());
  }
  fmt::print("\n{}: {:.2f} ms\n{:<{}}  {:>10}  {:>11}  {:>6}  {:>8}  {:>7}\n", title, total, "op", width, "forward ms",
             "backward ms", "share", "GFLOP/s", "of peak");
  for (const Row& row : rows) {
    const double time = row.forward + row.backward, rate = row.gigaflop / time * 1e3;
    fmt::print("{:<{}}  {:>10.3f}  {:>11.3f}  {:>5.1f}%", row.path.empty() ? row.op : row.path + " " + row.op, width,
               row.forward, row.backward, 100 * time / total);
    if (row.gigaflop > 0) fmt::print("  {:>8.1f}  {:>6.0f}%", rate, 100 * rate / peak);
    fmt::print("\n");
  }
}

nlohmann::json to_json(const std::vector<Row>& rows) {
  nlohmann::json list;
  for (const Row& row : rows)
    list.push_back({{"op", row.op},
                    {"path", row.path},
                    {"forward_ms", row.forward},
                    {"backward_ms", row.backward},
                    {"gflop", row.gigaflop}});
  return list;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Shows where a step's time goes. Time is given to the op that ends; GFLOP/s count direct convolution, so that "
      "Winograd may exceed the peak.");
  std::vector<std::string> names;
  bool infer = false, layers = false;
  int steps = 10;
  std::string json;
  app.add_option("workloads", names, "tiny64, tiny128, unet16, unet32; all by default");
  app.add_flag("--infer", infer, "Inference of one image instead of a training step");
  app.add_flag("--layers", layers, "A row for every layer");
  app.add_option("--steps", steps, "Steps that are averaged, after three that are not")->check(CLI::PositiveNumber);
  bench::add_machine_options(app);
  app.add_option("--json", json, "Saves the rows to this file");
  CLI11_PARSE(app, argc, argv);
  try {
    if (names.empty())
      for (const bench::Workload& w : bench::workloads()) names.push_back(w.name);
    const double peak = bench::peak_gigaflops();
    nlohmann::json results;
    for (const std::string& name : names) {
      bench::Workload w = bench::workload(name);
      if (infer) w.batch = 1;
      const Profile measured = profile(w, infer, steps);
      const std::string title = fmt::format("{} {}", name, infer ? "infer" : "train");
      print(title, measured.rows(steps, layers), peak);
      results[title] = to_json(measured.rows(steps, layers));
    }
    if (!json.empty()) std::ofstream(json) << results.dump(1) << '\n';
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "profile: {}\n", error.what());
    return 2;
  }
}
