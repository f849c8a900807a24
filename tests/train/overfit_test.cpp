#include <doctest/doctest.h>

#include <memory>
#include <tessera/train/overfit.hpp>

#include "tests/support/small_run.hpp"

using namespace tessera;

namespace {

Overfit overfit(const RunOptions& options, std::int64_t steps) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> nowhere(std::fopen("/dev/null", "w"), std::fclose);
  Progress progress(nowhere.get());
  Run run = prepare_run(options);
  return overfit_one_batch(run, progress, steps);
}

}  // namespace

TEST_CASE("a network that can learn one batch passes, and one that cannot gets advice") {
  const test::TemporaryFolder folder;
  RunOptions options = test::small_run(folder, "run");
  const Overfit learned = overfit(options, 300);
  CHECK(learned.passed);
  CHECK(learned.advice.empty());
  CHECK(learned.loss < learned.first_loss);
  CHECK(to_text(learned).starts_with("passed: one batch, "));

  options.optimizer.lr = 1e-9;
  const Overfit still = overfit(options, 20);
  CHECK(!still.passed);
  CHECK(still.steps == 20);
  CHECK(to_text(still).find("the loss hardly moves: try --lr 1e-08") != std::string::npos);

  options.optimizer = {.name = "sgd", .lr = 1e20};
  const Overfit rising = overfit(options, 20);
  CHECK(!rising.passed);
  CHECK(to_text(rising).find("try --lr 1e+19") != std::string::npos);
}
