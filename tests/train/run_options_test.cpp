#include <doctest/doctest.h>

#include <tessera/core/error.hpp>
#include <tessera/train/run_options.hpp>

using namespace tessera;

namespace {

std::string refusal(const std::string& name, const std::string& text) {
  try {
    RunOptions options;
    set_option(options, name, text);
  } catch (const ValueError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("an option is set by its name, with hyphens or underscores") {
  RunOptions options;
  set_option(options, "batch-size", "6");
  set_option(options, "weight_decay", "0");
  set_option(options, "lr", "2e-3");
  set_option(options, "augment", "turn,rotate=15");
  set_option(options, "size", "160x208");
  set_option(options, "seed", "18446744073709551615");
  CHECK(options.batch_size == 6);
  CHECK(options.optimizer.weight_decay == 0);
  CHECK(options.optimizer.lr == 0.002);
  CHECK(options.augment == "turn,rotate=15");
  CHECK(options.size == Size2D(160, 208));
  CHECK(options.seed == 18'446'744'073'709'551'615U);
}

TEST_CASE("a wrong value is refused with the option's name and what it takes") {
  CHECK(refusal("epochs", "0") == "epochs: expected a whole number from 1 to 1000000000, got 0; the nearest is 1");
  CHECK(refusal("epochs", "3.5") == "epochs: expected a whole number from 1 to 1000000000, got 3.5");
  CHECK(refusal("lr", "0") == "lr: expected a number above 0, got 0");
  CHECK(refusal("clip-norm", "inf") == "clip-norm: expected a number from 0 on, got inf");
  CHECK(refusal("seed", "") == "seed: expected a whole number from 0 on, got nothing");
  CHECK(refusal("augment", "turns").find("augment: no transform is called \"turns\"") == 0);
  CHECK(refusal("augment", "turns").find("the nearest is turn") != std::string::npos);
  for (const char* nothing : {"", " "})
    CHECK(refusal("augment", nothing).find("expected transforms such as flip,rotate=10, or none") != std::string::npos);
  CHECK(refusal("schedule", "linear") == "schedule: expected one of poly, cosine, step, constant, got linear");
  CHECK(refusal("loss", "ce+hinge").find("loss: no loss is called \"hinge\"") == 0);
}

TEST_CASE("an unknown option is refused with the nearest one there is") {
  CHECK(refusal("batchsize", "4") == "there is no option \"batchsize\"; the nearest is \"batch-size\"");
  CHECK(refusal("weigth_decay", "0") == "there is no option \"weigth_decay\"; the nearest is \"weight-decay\"");
  CHECK(refusal("learning_rate", "1").find("the nearest is \"lr\"") != std::string::npos);
  CHECK(refusal("bs", "1").find("the nearest is \"batch-size\"") != std::string::npos);
  CHECK(refusal("batch", "1").find("the nearest is \"batch-size\"") != std::string::npos);
  CHECK(refusal("xyzzy", "1") == "there is no option \"xyzzy\"; segment train --help lists them");
}

TEST_CASE("every option that has a value gives a text that sets it again") {
  RunOptions options{.data = "cells", .out = "runs/a b"};
  options.model = {.name = "unet", .width = 8, .depth = 2, .normalization = "group"};
  options.optimizer.lr = 0.1;
  options.optimizer.weight_decay = 1e-300;
  options.seed = 7;
  options.size = {24, 32};
  options.augment = "flip";
  RunOptions copy;
  for (const RunOption& option : run_options())
    if (const std::string text = option.get(options); !text.empty()) option.set(copy, text);
  CHECK(to_toml(copy) == to_toml(options));
  CHECK(recorded_options(copy) == recorded_options(options));
  CHECK(to_toml(options).find("\n# Network\nmodel = \"unet\"\nwidth = 8\n") != std::string::npos);
  CHECK(to_toml(options).find("\n# out = \"runs/a b\"\n") != std::string::npos);
}

TEST_CASE("what is recorded of a run does not depend on where its data lies, nor on threads") {
  RunOptions one{.data = "cells", .out = "a"}, two{.data = "/home/ann/cells", .out = "b"};
  two.threads = 3;
  two.max_minutes = 5;
  CHECK(recorded_options(one) == recorded_options(two));
  two.optimizer.schedule = "cosine";
  CHECK(recorded_options(one) != recorded_options(two));
}

TEST_CASE("sizes are a number or a height and a width") {
  CHECK(parse_size("64") == Size2D(64));
  CHECK(parse_size("180x240") == Size2D(180, 240));
  CHECK(parse_size("180,240") == Size2D(180, 240));
  for (const char* text : {"", "0", "-3", "3x", "3x4x5", "3,4,5", "big"}) CHECK_THROWS_AS(parse_size(text), ValueError);
}
