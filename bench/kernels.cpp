// kernels: times every convolution of the workloads, of the tests' case table and of odd shapes, in the three
// directions (Google Benchmark: --benchmark_filter=REGEX picks, --benchmark_format=json for machines).
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <tessera/core/parallel.hpp>
#include <tessera/core/simd_target.hpp>

#include "conv_work.hpp"
#include "machine.hpp"

namespace {

void time_convolution(benchmark::State& state, const tessera::ConvGeometry& geometry, bench::Direction direction,
                      double peak_gigaflops) {
  bench::ConvWork work(geometry);
  for (auto step : state) work.run(direction);
  using benchmark::Counter;
  const auto flags = Counter::kIsIterationInvariantRate;
  state.counters["GFLOP/s"] = Counter(work.flops() / 1e9, flags);
  state.counters["of_peak"] = Counter(work.flops() / 1e9 / peak_gigaflops, flags);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  CLI::App app("Times convolutions; takes Google Benchmark's options, too.");
  bench::add_machine_options(app);
  CLI11_PARSE(app, argc, argv);
  const double peak = bench::peak_gigaflops();
  benchmark::AddCustomContext("peak", fmt::format("{:.1f} GFLOP/s in f32 on {} threads, {}", peak,
                                                  tessera::num_threads(), tessera::simd_target()));
  const std::pair<std::string, std::vector<bench::ConvShape>> groups[] = {
      {"workloads", bench::workload_shapes()}, {"cases", bench::case_table_shapes()}, {"odd", bench::odd_shapes()}};
  for (const auto& [group, shapes] : groups)
    for (const bench::ConvShape& shape : shapes)
      for (const bench::Direction direction : bench::directions)
        benchmark::RegisterBenchmark(
            fmt::format("{}/{}/{}/{}", group, shape.name, bench::describe(shape.geometry), name_of(direction)).c_str(),
            time_convolution, shape.geometry, direction, peak)
            ->UseRealTime()
            ->Unit(benchmark::kMicrosecond)
            ->MinTime(0.05);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
