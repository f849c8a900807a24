#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <tessera/data/image.hpp>

#include "tests/support/example_data.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace tessera;
using test::Ran;
using test::run_program;
namespace fs = std::filesystem;

namespace {

Ran segment(const std::string& arguments) { return run_program("segment", arguments); }

bool has(const Ran& outcome, const std::string& text) { return outcome.text.find(text) != std::string::npos; }

}  // namespace

TEST_CASE("every subcommand explains itself with examples") {
  for (const char* command : {"train", "evaluate", "predict", "inspect", "summary"}) {
    const Ran outcome = segment(std::string(command) + " --help");
    CHECK(outcome.status == 0);
    CHECK(has(outcome, "Example"));
    CHECK(has(outcome, std::string("segment ") + command));
  }
}

TEST_CASE("wrong usage ends with status 2 and says what would be right") {
  CHECK(segment("").status == 2);
  CHECK(segment("fit").status == 2);
  CHECK(segment("train").status == 2);
  CHECK(has(segment("train"), "--data is required"));
  CHECK(segment("train --data shapes --epochs 0").status == 2);
  CHECK(segment("train --data shapes --epochs -3").status == 2);
  CHECK(has(segment("train --data shapes --model resnet"), "tiny"));
  CHECK(segment("train --data shapes --size 0").status == 2);
  CHECK(segment("train --data shapes --lr -1").status == 2);
  CHECK(segment("train --data shapes --threads 0").status == 2);
}

TEST_CASE("wrong input ends with status 2 and names the file") {
  const test::TemporaryFolder folder;
  const std::string out = " --out " + (folder / "run").string();
  const Ran none = segment("train --data " + (folder / "nothing").string() + out);
  CHECK(none.status == 2);
  CHECK(has(none, "nothing/train/images"));
  const Ran evaluated = segment("evaluate " + (folder / "no.safetensors").string() + " --data shapes");
  CHECK(evaluated.status == 2);
  CHECK(has(evaluated, "no.safetensors"));
  CHECK(segment("predict " + (folder / "no.safetensors").string() + " cat.png --out x").status == 2);
  CHECK(segment("inspect " + (folder / "nothing").string()).status == 2);

  test::write_example_data(folder / "data");
  const Ran value = segment("train --data " + (folder / "data").string() + " --classes 2" + out);
  CHECK(value.status == 2);
  CHECK(has(value, "masks/image0.png"));
  CHECK(has(value, "--ignore-index 9"));
  const Ran unwritable = segment("train --data " + (folder / "data").string() + " --ignore-index 9 --out " +
                                 (folder / "data/train/images/image0.png/run").string());
  CHECK(unwritable.status == 2);
  CHECK(has(unwritable, "cannot make the output folder"));
}

TEST_CASE("a network is trained, evaluated, used and summed up from the command line") {
  const test::TemporaryFolder folder;
  test::write_example_data(folder / "data");
  const std::string data = folder / "data", run = folder / "run", model = folder / "run/best.safetensors";

  const Ran inspected = segment("inspect " + data);
  CHECK(inspected.status == 0);
  CHECK(has(inspected, "4 images with their masks"));

  const Ran trained = segment("train --data " + data + " --ignore-index 9 --model unet --width 4 --depth 1 --size 24 " +
                              "--epochs 12 --batch-size 2 --lr 0.01 --threads 2 --out " + run);
  CHECK(trained.status == 0);
  CHECK(has(trained, "epoch 12/12"));
  CHECK(has(trained, run + "/history.jsonl"));
  CHECK(fs::exists(folder / "run/pictures/image3.png"));

  const Ran evaluated = segment("evaluate " + model + " --data " + data + " --json");
  CHECK(evaluated.status == 0);
  const nlohmann::json measures = nlohmann::json::parse(evaluated.text);
  CHECK(measures["images"] == 4);
  CHECK(measures["miou"] > 0.9);
  CHECK(measures["iou"].size() == 2);

  const std::string images = data + "/val/images";
  CHECK(segment("predict " + model + " " + images + " --out " + (folder / "masks").string()).status == 0);
  CHECK(read_mask(folder / "masks/image2.png").shape() == Shape{35, 40});
  CHECK(read_image(folder / "masks/image2_overlay.png").pixels.shape() == Shape{35, 40, 3});

  write_png(folder / "colour.png", Tensor::from<std::uint8_t>({1, 2, 3}, {1, 1, 3}));
  const Ran partly = segment("predict " + model + " " + images + " " + (folder / "colour.png").string() + " --out " +
                             (folder / "more").string());
  CHECK(partly.status == 1);
  CHECK(has(partly, "colour.png"));
  CHECK(fs::exists(folder / "more/image0.png"));

  const Ran summed = segment("summary " + model + " --size 40");
  CHECK(summed.status == 0);
  CHECK(has(summed, "[1, 40, 40, 2]"));
}
