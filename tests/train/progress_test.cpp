#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <tessera/train/progress.hpp>

#include "tests/support/temporary_folder.hpp"

using namespace tessera;

TEST_CASE("durations are minutes and seconds, with hours where there are some") {
  CHECK(duration(7.4) == "0:07");
  CHECK(duration(750) == "12:30");
  CHECK(duration(3723) == "1:02:03");
  CHECK(duration(-1) == "0:00");
}

TEST_CASE("the progress line has loss, learning rate, mIoU, images a second and the time left") {
  ProgressState state{.epoch = 3, .epochs = 20, .step = 120, .steps = 200};
  state.loss = 0.31249;
  state.lr = 0.00183;
  state.images_per_second = 411.6;
  state.seconds_left = 65;
  CHECK(progress_line(state) ==
        "epoch 3/20 [############--------] 120/200  loss 0.3125  lr 0.0018  mIoU -  412 images/s  1:05 left");
  state.miou = 0.9131;
  CHECK(progress_line(state).find("mIoU 0.913") != std::string::npos);
}

TEST_CASE("where there is no terminal, lines are plain and only those that end an epoch come at once") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "log";
  {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "w"), std::fclose);
    Progress progress(file.get());
    progress.update({.epoch = 1, .epochs = 12, .step = 1, .steps = 2});
    EpochRecord record{.epoch = 1, .seconds = 2};
    record.train_loss = 0.5;
    record.val_miou = 0.75;
    progress.epoch_done(record, 12);
  }
  std::ifstream file(path);
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}) ==
        "epoch  1/12  loss 0.5000  val loss 0.0000  accuracy 0.0000  mIoU 0.7500  0 images/s  0:02\n");
}
