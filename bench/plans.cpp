// plans: times every plan on the shapes that kernels, cliffs and the workloads have, and shows which one the library
// takes and what it loses by it.
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <tessera/core/conv_plan.hpp>
#include <tessera/core/error.hpp>

#include "conv_work.hpp"
#include "machine.hpp"

int main(int argc, char** argv) {
  CLI::App app("Times convolutions under each plan: where `automatic` is well above the best, its rule is wrong.");
  double seconds = 0.01, limit = 1.15;
  app.add_option("--seconds", seconds, "How long each is tried at least")->capture_default_str();
  app.add_option("--limit", limit, "Lists shapes where automatic takes so many times the best; 0 for all")
      ->capture_default_str();
  bench::add_machine_options(app);
  std::int64_t channels = 1000000;
  app.add_option("--channels", channels, "Only shapes with a side of at most so many channels (of a group)");
  std::string only;
  app.add_option("--only", only, "Only shapes whose name contains this");
  CLI11_PARSE(app, argc, argv);
  using tessera::ConvPlan;
  try {
    std::vector<bench::ConvShape> shapes = bench::workload_shapes();
    for (const auto& more : {bench::case_table_shapes(), bench::odd_shapes()})
      shapes.insert(shapes.end(), more.begin(), more.end());
    fmt::print("{:<38} {:<40} {:<15} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>6}\n", "name", "shape", "direction",
               "automatic", "direct", "flat", "planar", "permuted", "dots", "winograd", "loss");
    for (const bench::ConvShape& shape : shapes) {
      const tessera::ConvGeometry& g = shape.geometry;
      if (shape.name.find(only) == std::string::npos) continue;
      if (std::min(g.in_channels, g.out_channels) / g.groups > channels) continue;
      bench::ConvWork work(g);
      for (const bench::Direction direction : bench::directions) {
        std::vector<double> rates;
        for (const ConvPlan plan : {ConvPlan::automatic, ConvPlan::direct, ConvPlan::flat, ConvPlan::planar,
                                    ConvPlan::permuted, ConvPlan::dots, ConvPlan::winograd}) {
          tessera::set_conv_plan(plan);
          rates.push_back(work.flops() / bench::best_seconds(work, direction, seconds) / 1e9);
        }
        const double loss = *std::max_element(rates.begin(), rates.end()) / rates[0];
        if (loss >= limit)
          fmt::print("{:<38} {:<40} {:<15} {:>9.1f} {:>6.2f}\n", shape.name, bench::describe(g), name_of(direction),
                     fmt::join(rates, " "), loss);
      }
    }
    return 0;
  } catch (const tessera::Error& error) {
    fmt::print(stderr, "plans: {}\n", error.what());
    return 2;
  }
}
