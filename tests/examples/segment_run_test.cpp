#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <tessera/core/error.hpp>

#include "tests/support/program.hpp"
#include "tests/support/small_run.hpp"

using namespace tessera;
using test::file_bytes;
using test::Ran;
using test::run_command;
using test::segment;
namespace fs = std::filesystem;

namespace {

/// Starts `segment ARGUMENTS`, and once it trains sends what `signals` says to $pid.
Ran signalled(const std::string& arguments, const std::string& log, const std::string& signals) {
  return run_command(test::program("segment") + " " + arguments + " > " + log + " 2>&1 & pid=$!; " +
                     "for i in $(seq 600); do grep -q 'epochs of' " + log + " && break; sleep 0.05; done; " + signals +
                     "; grep -q 'epochs of' " + log + " || kill -KILL $pid; wait $pid; status=$?; cat " + log +
                     "; exit $status");
}

/// Example data and options of a run on it, to which --out is added.
std::string training_on(const test::TemporaryFolder& folder) {
  test::write_example_data(folder / "data");
  return "train --data " + (folder / "data").string() +
         " --ignore-index 9 --model unet --width 4 --depth 1 --size 24 --batch-size 2";
}

}  // namespace

TEST_CASE("Ctrl-C finishes the step, saves and exits with 130; --resume goes on to what the whole run gives") {
  const test::TemporaryFolder folder;
  const std::string options = training_on(folder) + " --epochs 400 --ema 0.99";
  const std::string run = folder / "run";
  const Ran stopped = signalled(options + " --out " + run, folder / "log", "kill -INT $pid");
  CHECK(stopped.status == 130);
  CHECK(has(stopped, "finishing this step and saving; once more leaves at once"));
  CHECK(has(stopped, "and saved; go on with: segment train --resume " + run));
  CHECK(test::history_of(run).size() < 400);

  const Ran resumed = segment("train --resume " + run);
  CHECK(resumed.status == 0);
  CHECK(has(resumed, "goes on after "));
  CHECK(has(resumed, "all 400 epochs are done"));
  CHECK(segment(options + " --out " + (folder / "whole").string()).status == 0);
  for (const char* file : {"last.safetensors", "best.safetensors"})
    CHECK(file_bytes(folder / "run" / file) == file_bytes(folder / "whole" / file));
  CHECK(test::timeless_history(run) == test::timeless_history(folder / "whole"));
}

TEST_CASE("Ctrl-C twice leaves at once") {
  const test::TemporaryFolder folder;
  const Ran left = signalled("train --data shapes --size 128 --batch-size 500 --out " + (folder / "run").string(),
                             folder / "log", "kill -INT $pid; sleep 0.1; kill -INT $pid");
  CHECK(left.status == 130);
  CHECK(!has(left, "and saved"));
  CHECK(!fs::exists(folder / "run/last.safetensors"));
}

TEST_CASE("--resume says in one line what stands in its way") {
  const test::TemporaryFolder folder;
  const std::string run = folder / "run";
  const Ran none = segment("train --resume " + run);
  CHECK(none.status == 2);
  CHECK(has(none, "run/options.toml: no such file"));
  CHECK(segment(training_on(folder) + " --epochs 1 --out " + run).status == 0);
  const Ran changed = segment("train --resume " + run + " --lr 0.5");
  CHECK(changed.status == 2);
  CHECK(has(changed, "lr: the run to go on with has 0.002, and 0.5 would change its result"));
  CHECK(segment("train --resume " + run + " --out elsewhere").status == 2);
  std::ofstream(folder / "run/last.safetensors") << "short";
  const Ran broken = segment("train --resume " + run);
  CHECK(broken.status == 2);
  CHECK(has(broken, "run/last.safetensors: "));
}

TEST_CASE("where the disk is full, the checkpoint of before stays whole and the message says so") {
  const test::TemporaryFolder folder;
  const std::string run = folder / "run";
  // A model that learns nothing: no epoch beats the first, so that only the last checkpoint is to be written.
  CHECK(segment(training_on(folder) + " --epochs 2 --schedule constant --norm group --lr 1e-12 --out " + run).status ==
        0);
  const std::string before = file_bytes(folder / "run/last.safetensors");
  // A file may not be longer than 8 blocks, which is too short for a checkpoint and enough for the rest.
  const Ran full = run_command("ulimit -f 8; " + test::program("segment") + " train --epochs 3 --resume " + run);
  CHECK(full.status == 1);
  CHECK(has(full, "last.safetensors: cannot write"));
  CHECK(has(full, "File too large; what was saved before is whole: segment train --resume " + run));
  CHECK(file_bytes(folder / "run/last.safetensors") == before);
  for (const auto& entry : fs::directory_iterator(run)) CHECK(entry.path().extension() != ".tmp");
  CHECK(segment("train --epochs 3 --resume " + run).status == 0);
  CHECK(load_checkpoint(folder / "run/last.safetensors").epoch == 3);
}

TEST_CASE("an image that cannot be read is named and left out; --strict stops at it") {
  const test::TemporaryFolder folder;
  const std::string options = training_on(folder) + " --epochs 2 --out " + (folder / "run").string();
  const fs::path image = folder / "data/train/images/image1.png";
  fs::resize_file(image, fs::file_size(image) / 2);
  fs::resize_file(folder / "data/val/masks/image2.png", 30);
  const Ran trained = segment(options);
  CHECK(trained.status == 0);
  CHECK(has(trained, "left out for the whole run: " + image.string()));
  CHECK(has(trained, "left out for the whole run: " + (folder / "data/val/masks/image2.png").string()));
  CHECK(load_checkpoint(folder / "run/last.safetensors").left_out == std::set<std::int64_t>{1});
  CHECK(load_checkpoint(folder / "run/last.safetensors").epoch == 2);
  const std::string report = file_bytes(folder / "run/report.html");
  CHECK(report.find("Images left out <small>2</small>") != std::string::npos);
  CHECK(report.find("<li>" + image.string()) != std::string::npos);
  CHECK(report.find("<li>" + (folder / "data/val/masks/image2.png").string()) != std::string::npos);
  const Ran strict = segment(options + " --strict");
  CHECK(strict.status == 2);
  CHECK(has(strict, image.string()));
}

TEST_CASE("in a folder too large to be checked first, too, a mask beyond the classes ends training with status 2") {
  const test::TemporaryFolder folder;
  for (const char* kind : {"images", "masks"}) fs::create_directories(folder / "data" / kind);
  const RandomStream noise(1, 2);
  Tensor image = Tensor::empty({8, 8}, u8), mask = Tensor::zeros({8, 8}, u8);
  for (std::uint64_t i = 0; i < 64; ++i)
    image.mutable_data<std::uint8_t>()[i] = static_cast<std::uint8_t>(noise.bits(i));
  mask.mutable_data<std::uint8_t>()[5] = 1;
  const auto path = [&](const char* kind, int i) { return folder / "data" / kind / (std::to_string(i) + ".png"); };
  write_png(path("images", 0), image);
  write_png(path("masks", 0), mask);
  constexpr int images = 2600;  // a fifth is to validate on
  for (int i = 1; i < images; ++i)
    for (const char* kind : {"images", "masks"}) fs::create_hard_link(path(kind, 0), path(kind, i));
  const std::string options = "train --data " + (folder / "data").string() + " --out " + (folder / "run").string() +
                              " --classes 2 --model tiny --size 8 --batch-size 100 --epochs 1";
  Tensor wrong = mask.clone();
  wrong.mutable_data<std::uint8_t>()[6] = 11;
  const std::string message = "1 of 64 pixels lie beyond the 2 classes 0 to 1: the first is 11 at row 0, column 6";

  fs::remove(path("masks", 12));  // one that start-up does not come to
  write_png(path("masks", 12), wrong);
  const Ran late = segment(options);
  CHECK(late.status == 2);
  CHECK(has(late, "1 epochs of "));
  CHECK(has(late, "masks/12.png: " + message));
  CHECK(has(late, "; `segment inspect " + (folder / "data").string() + "` lists all that is wrong there\n"));
  CHECK(!has(late, "left out"));

  write_png(path("masks", 0), wrong);  // and with it all others
  const Ran early = segment(options);
  CHECK(early.status == 2);
  CHECK(!has(early, "1 epochs of "));
  CHECK(has(early, message));
  CHECK(has(early, "` lists all that is wrong there\n"));
}
