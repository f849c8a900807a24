#include <doctest/doctest.h>

#include <fstream>
#include <stdexcept>
#include <tessera/core/error.hpp>
#include <tessera/train/history.hpp>

#include "tests/support/small_run.hpp"

using namespace tessera;
using test::execute_silently;
using test::file_bytes;
using test::small_run;
namespace fs = std::filesystem;

namespace {

/// Trains, interrupted again and again after `polls` questions (two an epoch in training, four in validation).
int train_in_pieces(const RunOptions& options, std::int64_t polls) {
  int pieces = 1;
  for (RunEnd end = execute_silently(prepare_run(options), polls); end == RunEnd::interrupted; ++pieces) {
    if (pieces > 100) throw std::runtime_error("the run does not get on");
    end = execute_silently(resume_run(options), polls);
  }
  return pieces;
}

void check_same(const fs::path& one, const fs::path& other) {
  for (const char* file : {"last.safetensors", "best.safetensors"}) {
    CHECK(!file_bytes(one / file).empty());
    CHECK_MESSAGE(file_bytes(one / file) == file_bytes(other / file), file);
  }
  CHECK(test::timeless_history(one) == test::timeless_history(other));
}

struct Variant {
  const char* name;
  void (*change)(RunOptions&);
  std::vector<std::int64_t> polls = {5, 7};
};

const Variant variants[] = {
    {"adamw", [](RunOptions&) {}},
    {"sgd, averaged weights, two batches a step",
     [](RunOptions& o) {
       o.optimizer.name = "sgd";
       o.ema = 0.99;
       o.accumulate = 2;
       o.passes = 2;
       o.batch_size = 1;
     }},
    {"rmsprop, warm-up, clipping, groups",
     [](RunOptions& o) {
       o.optimizer.name = "rmsprop";
       o.optimizer.schedule = "cosine";
       o.warmup_epochs = 1.5;
       o.clip_norm = 0.5;
       o.model.normalization = "group";
     }},
    {"adam, averaged weights, sum of losses",
     [](RunOptions& o) {
       o.optimizer.name = "adam";
       o.optimizer.schedule = "step";
       o.ema = 0.5;
       o.loss = "ce+0.5*dice";
       o.seed = 5;
     }},
    {"dropout",
     [](RunOptions& o) {
       o.model = {.name = "erfnet"};
       o.epochs = 2;
     },
     {7}},
};

std::string refusal(const RunOptions& options) {
  try {
    resume_run(options);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("a run that is interrupted and resumed writes the files of one that was not") {
  const test::TemporaryFolder folder;
  for (const Variant& variant : variants) {
    CAPTURE(variant.name);
    RunOptions options = small_run(folder, "whole");
    variant.change(options);
    execute_silently(prepare_run(options));
    options.out = folder / "pieces";
    options.save_every = 1e-9;
    for (const std::int64_t polls : variant.polls) {
      CHECK(train_in_pieces(options, polls) >= 2);
      check_same(folder / "whole", folder / "pieces");
    }
    fs::remove_all(folder / "whole");
    fs::remove_all(folder / "pieces");
  }
}

TEST_CASE("a run that ended after an epoch goes on with the next") {
  const test::TemporaryFolder folder;
  execute_silently(prepare_run(small_run(folder, "whole")));
  RunOptions options = small_run(folder, "pieces");
  options.max_minutes = 1e-9;
  execute_silently(prepare_run(options));
  CHECK(test::history_of(folder / "pieces").size() == 1);
  options.max_minutes = 0;
  execute_silently(resume_run(options));
  check_same(folder / "whole", folder / "pieces");
  const std::string before = file_bytes(folder / "pieces/last.safetensors");
  execute_silently(resume_run(options));  // there is nothing left to do
  CHECK(file_bytes(folder / "pieces/last.safetensors") == before);
  check_same(folder / "whole", folder / "pieces");
}

TEST_CASE("a run that was killed goes on from what it saved last, whatever it had begun to write") {
  const test::TemporaryFolder folder;
  execute_silently(prepare_run(small_run(folder, "whole")));
  RunOptions options = small_run(folder, "killed");
  options.save_every = 1e-9;
  for (const int deadly_poll : {1, 2, 5, 9}) {
    CAPTURE(deadly_poll);
    int polls = 0;
    Run run = prepare_run(options);
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> nowhere(std::fopen("/dev/null", "w"), std::fclose);
    const auto kill = [&]() -> bool { return ++polls == deadly_poll ? throw std::runtime_error("killed") : false; };
    CHECK_THROWS_AS(execute(run, nowhere.get(), kill), std::runtime_error);
    std::ofstream(folder / "killed/history.jsonl", std::ios::app) << json_line({.epoch = 3}) << "\n{\"epo";
    execute_silently(resume_run(options));
    check_same(folder / "whole", folder / "killed");
    fs::remove_all(folder / "killed");
  }
}

TEST_CASE("a resumed run refuses options that would change its result, and takes the others") {
  const test::TemporaryFolder folder;
  const RunOptions options = small_run(folder, "run");
  execute_silently(prepare_run(options), 5);

  RunOptions changed = options;
  changed.optimizer.lr = 0.02;
  CHECK(refusal(changed) ==
        "lr: the run to go on with has 0.01, and 0.02 would change its result; begin a new run for that");
  changed = options;
  changed.epochs = 5;
  CHECK(refusal(changed) ==
        "epochs: the run to go on with has 3, and 5 would change its result; the poly schedule is laid out over the "
        "epochs; only with schedule constant may they change");
  changed = options;
  changed.model.width = 8;
  CHECK(refusal(changed).starts_with("width: "));
  fs::copy(folder / "data", folder / "more", fs::copy_options::recursive);
  for (const char* kind : {"images", "masks"})
    fs::copy_file(folder / "more/train" / kind / "image0.png", folder / "more/train" / kind / "image9.png");
  changed = options;
  changed.data = folder / "more";
  CHECK(refusal(changed).starts_with("training images: the run to go on with has 4, and 5 would"));
  fs::remove(folder / "more/train/images/image0.png");  // as many as before, of which one is another
  fs::remove(folder / "more/train/masks/image0.png");
  CHECK(refusal(changed).starts_with("training images' names: the run to go on with has names "));

  std::ofstream(folder / "colours.txt") << "ground 0 0 0\nthing 1 1 1\nvoid 9 9 9\n";
  changed = options;
  changed.color_map = folder / "colours.txt";
  CHECK(refusal(changed).find("the classes' names, colours or mask values are not those") != std::string::npos);

  changed = options;
  changed.threads = 1;
  changed.save_every = 0;
  changed.patience = 9;
  CHECK(refusal(changed) == "accepted");
}

TEST_CASE("with a constant schedule a run may be prolonged, and is then what the longer run would have been") {
  const test::TemporaryFolder folder;
  RunOptions options = small_run(folder, "short");
  options.optimizer.schedule = "constant";
  execute_silently(prepare_run(options));
  options.epochs = 5;
  execute_silently(resume_run(options));
  options.out = folder / "long";
  execute_silently(prepare_run(options));
  CHECK(file_bytes(folder / "short/last.safetensors") == file_bytes(folder / "long/last.safetensors"));
  CHECK(test::timeless_history(folder / "short") == test::timeless_history(folder / "long"));
}

TEST_CASE("a run without a checkpoint begins anew when it is resumed") {
  const test::TemporaryFolder folder;
  execute_silently(prepare_run(small_run(folder, "whole")));
  execute_silently(resume_run(small_run(folder, "none")));
  check_same(folder / "whole", folder / "none");
}
