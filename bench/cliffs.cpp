// cliffs: looks for shapes whose convolution is far slower than that of the same shape with its channels rounded up to
// 16: all of the tests' case table (with larger images) and some odd ones, in the three directions. Exits with 1 where
// one is below the limit.
#include <CLI/CLI.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <tessera/core/error.hpp>
#include <tessera/core/parallel.hpp>
#include <tessera/core/simd_target.hpp>

#include "conv_work.hpp"
#include "machine.hpp"

namespace {

struct Row {
  std::string name, shape, direction;
  tessera::ConvGeometry geometry, rounded;
  double flops, seconds, rounded_flops, rounded_seconds, move_seconds;
  double rate() const { return flops / seconds / 1e9; }
  double rounded_rate() const { return rounded_flops / rounded_seconds / 1e9; }
  double share() const { return rate() / rounded_rate(); }
  /// The share if multiplying took no time.
  double possible_share() const { return share() * seconds / move_seconds; }
  /// Above 1 it would pay to append channels of zeros.
  double time_share() const { return seconds / rounded_seconds; }
};

/// What a peer needs to run the same.
nlohmann::json to_json(const tessera::ConvGeometry& g) {
  const auto sizes = [](tessera::Size2D size) { return nlohmann::json{size.height, size.width}; };
  return {{"input", {g.batch, g.in_channels, g.input.height, g.input.width}},
          {"filters", g.out_channels},
          {"kernel", sizes(g.kernel)},
          {"stride", sizes(g.stride)},
          {"dilation", sizes(g.dilation)},
          {"groups", g.groups},
          {"pad", {g.pad.left, g.pad.right, g.pad.top, g.pad.bottom}}};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Compares the rate of convolutions whose channels are no multiples of 16 with that of the same shape with its "
      "channels rounded up to 16. What is possible is the share if multiplying took no time, but only to read and to "
      "write all numbers.");
  double limit = 0.4, seconds = 0.01;
  bool all = false;
  std::string json;
  app.add_option("--limit", limit, "The smallest share of that rate that is no cliff")->capture_default_str();
  app.add_option("--seconds", seconds, "How long each is tried at least in a round")->capture_default_str();
  int rounds = 8;
  app.add_option("--rounds", rounds, "Rounds in which a shape and its rounded one take turns")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  bench::add_machine_options(app);
  app.add_flag("--all", all, "Lists the good ones, too");
  app.add_option("--json", json, "Saves all rows to this file");
  CLI11_PARSE(app, argc, argv);

  try {
    const double peak = bench::peak_gigaflops();
    std::vector<bench::ConvShape> shapes = bench::case_table_shapes();
    for (bench::ConvShape& odd : bench::odd_shapes()) shapes.push_back(std::move(odd));
    std::vector<Row> rows;
    for (const bench::ConvShape& shape : shapes) {
      const bench::ConvShape rounded = rounded_up(shape);
      if (rounded.geometry.in_channels == shape.geometry.in_channels &&
          rounded.geometry.out_channels == shape.geometry.out_channels)
        continue;
      bench::ConvWork work(shape.geometry), rounded_work(rounded.geometry);
      for (const bench::Direction direction : bench::directions) {
        // In turns, as a clock that changes between the two would make or hide a cliff.
        double best = 1e9, rounded_best = 1e9, moved = 1e9;
        for (int round = 0; round < rounds; ++round) {
          best = std::min(best, bench::best_seconds(work, direction, seconds));
          rounded_best = std::min(rounded_best, bench::best_seconds(rounded_work, direction, seconds));
          moved = std::min(moved, bench::best_move_seconds(work, direction, seconds / 4));
        }
        rows.push_back({shape.name, bench::describe(shape.geometry), name_of(direction), shape.geometry,
                        rounded.geometry, work.flops(), best, rounded_work.flops(), rounded_best, moved});
      }
    }
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.share() < b.share(); });
    const auto cliffs = std::count_if(rows.begin(), rows.end(), [&](const Row& row) { return row.share() < limit; });
    fmt::print("{:<38} {:<36} {:<15} {:>8} {:>8} {:>6} {:>6} {:>8}\n", "name", "shape", "direction", "GFLOP/s",
               "rounded", "share", "time", "possible");
    for (const Row& row : rows)
      if (all || row.share() < limit)
        fmt::print("{:<38} {:<36} {:<15} {:>8.1f} {:>8.1f} {:>5.0f}% {:>5.0f}% {:>7.0f}%\n", row.name, row.shape,
                   row.direction, row.rate(), row.rounded_rate(), 100 * row.share(), 100 * row.time_share(),
                   100 * row.possible_share());
    fmt::print("{} of {} below {:.0f} % (peak {:.1f} GFLOP/s on {} threads, {})\n", cliffs, rows.size(), 100 * limit,
               peak, tessera::num_threads(), tessera::simd_target());
    if (!json.empty()) {
      nlohmann::json list;
      for (const Row& row : rows)
        list.push_back({{"name", row.name},
                        {"shape", row.shape},
                        {"direction", row.direction},
                        {"gflops", row.rate()},
                        {"rounded_gflops", row.rounded_rate()},
                        {"share", row.share()},
                        {"time_share", row.time_share()},
                        {"possible_share", row.possible_share()},
                        {"seconds", row.seconds},
                        {"geometry", to_json(row.geometry)},
                        {"rounded_geometry", to_json(row.rounded)}});
      std::ofstream(json) << nlohmann::json{{"limit", limit}, {"peak_gflops", peak}, {"rows", list}}.dump(1) << '\n';
    }
    return cliffs == 0 ? 0 : 1;
  } catch (const tessera::Error& error) {
    fmt::print(stderr, "cliffs: {}\n", error.what());
    return 2;
  }
}
