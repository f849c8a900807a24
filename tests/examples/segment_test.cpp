#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <tessera/data/image.hpp>

#include "tests/support/example_data.hpp"
#include "tests/support/file_bytes.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace tessera;
using test::program;
using test::Ran;
using test::run_command;
using test::segment;
namespace fs = std::filesystem;

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
  const Ran unknown = segment("train --data shapes --bathc-size=8");
  CHECK(unknown.status == 2);
  CHECK(has(unknown, "segment train has no option --bathc-size; the nearest is --batch-size"));
  CHECK(has(segment("inspect cells --htlm=x"), "segment inspect has no option --htlm; the nearest is --html"));
  CHECK(has(segment("train --data shapes --batch 8"), "has no option --batch; the nearest is --batch-size"));
  CHECK(has(segment("train --learning-rate 1"), "has no option --learning-rate; the nearest is --lr"));
  CHECK(has(segment("train --lr-rate 1"), "has no option --lr-rate; the nearest is --lr"));
  CHECK(
      has(segment("summary unet --xyzzy"), "segment summary has no option --xyzzy; segment summary --help lists them"));
  CHECK(has(segment("eval"),
            "there is no command eval, only train, evaluate, predict, inspect, summary; the nearest is "
            "evaluate\n"));
  CHECK(has(segment("fit"), "there is no command fit, only train, evaluate, predict, inspect, summary\n"));
  CHECK(has(segment("inspect here there"), "did not expect \"there\""));
  CHECK(has(segment("predict m x --out y --probabilities tiff"), "expected one of safetensors, png, got tiff"));
  CHECK(has(segment("predict m x --out y --overlap 2"), "--overlap: expected a number from 0 to 0.75, got 2\n"));
  CHECK(has(segment("predict m x --out y --memory 0"), "--memory: expected a number from 0.001 to 1000000, got 0\n"));
  CHECK(has(segment("train --data shapes --loss foo"), "error: --loss: no loss is called \"foo\""));
  CHECK(has(segment("train --data shapes --augment brightness=3"),
            "--augment: brightness: expected an amount of 0 to 1"));
  CHECK(has(segment("train --data shapes --augment ''"),
            "--augment: expected transforms such as flip,rotate=10, or none"));
  CHECK(has(segment("train --data shapes --epochs 2 --epochs 3"), "error: --epochs is given more than once"));
  CHECK(has(segment("train --data shapes --epochs"), "error: --epochs: expected N after it, got nothing\n"));
  CHECK(segment("train --data shapes --loss 0*ce").status == 2);
  CHECK(has(segment("train --data shapes --class-weights 0,0,0,0"), "error: class weights: expected one above 0"));
  CHECK(segment("train --data shapes --class-weights 0,0,0,0").status == 2);
  const Ran picture = segment("train --data shapes --preview-augmentation a/sheet.jpg");
  CHECK(picture.status == 2);
  CHECK(has(picture, "expected a name that ends in .png, got a/sheet.jpg; the nearest is a/sheet.png"));
  const test::TemporaryFolder folder;
  const std::string there = "cd " + folder.path().string() + " && ";
  CHECK(run_command(there + program("segment") + " train --data shapes --warmup 9 --epochs 3").status == 2);
  CHECK(run_command(there + program("segment") + " train --data shapes --preview-augmentation sheet.png").status == 0);
  CHECK(fs::exists(folder / "sheet.png"));
  CHECK_FALSE(fs::exists(folder / "runs"));
  const Ran twice = segment("summary unet --model tiny");
  CHECK(twice.status == 2);
  CHECK(has(twice, "--model: the network is unet"));
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
  CHECK(has(value, "; `segment inspect " + (folder / "data").string() + "` lists all that is wrong there\n"));
  fs::create_directories(folder / "empty/images");
  fs::create_directories(folder / "empty/masks");
  const Ran empty = segment("inspect " + (folder / "empty").string());
  CHECK(empty.status == 2);
  CHECK(has(empty, "empty: found no image with a mask that can be used; expected "));
  CHECK(has(empty, "empty/{train,val}/{images,masks}"));
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
  fs::create_directories(folder / "lonely/images");
  fs::copy(folder / "data/train", folder / "lonely",
           fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  fs::remove(folder / "lonely/masks/image0.png");
  CHECK(segment("inspect " + (folder / "lonely").string()).status == 1);
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
  CHECK(measures["left_out"].empty());
  CHECK(measures["miou"] > 0.9);
  CHECK(measures["iou"].size() == 2);
  CHECK(measures["boundary_f1"] > 0.5);
  CHECK(measures["boundary_tolerance"] == 0.0075);
  CHECK(measures["per_image"][2]["name"] == "image2");
  CHECK(measures["absent_classes"].empty());
  const Ran table = segment("evaluate " + model + " --data " + data + " --boundary-tolerance 0.05");
  CHECK(table.status == 0);
  CHECK(has(table, "within 5 % of the image's diagonal"));
  CHECK(has(table, "confusion: % of the true pixels"));

  for (const std::string& printing :
       {"evaluate " + model + " --data " + data, "evaluate " + model + " --data " + data + " --json", "inspect " + data,
        "summary " + model,
        "train --data " + data + " --ignore-index 9 --preview-augmentation " + (folder / "sheet.png").string(),
        std::string("train --help")}) {
    CAPTURE(printing);
    const Ran full = segment(printing + " 2>&1 > /dev/full");
    CHECK(full.status == 1);
    CHECK(has(full, "standard output: cannot be written"));
  }

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
  const Ran missing = segment("predict " + model + " " + images + " " + (folder / "none.png").string() + " --out " +
                              (folder / "more").string());
  CHECK(missing.status == 1);
  CHECK(has(missing, "none.png"));
  CHECK(has(missing, "4 of 5 images predicted"));

  // All of a folder that holds images and masks itself, but for a file that cannot be read; by the run's folder.
  fs::copy(folder / "data/val", folder / "test", fs::copy_options::recursive);
  CHECK(has(segment("evaluate " + run + " --data " + (folder / "test").string()), "all of "));
  std::ofstream(folder / "test/images/image1.png") << "broken";
  const Ran in_part = segment("evaluate " + run + " --data " + (folder / "test").string());
  CHECK(in_part.status == 1);
  CHECK(has(in_part, "images/image1.png"));
  CHECK(has(in_part, "3 images"));
  const Ran listed = segment("evaluate " + run + " --data " + (folder / "test").string() + " --json 2> /dev/null");
  const nlohmann::json left_out = nlohmann::json::parse(listed.text)["left_out"];
  REQUIRE(left_out.size() == 1);
  CHECK(left_out[0].get<std::string>().find((folder / "test/images/image1.png").string() + ": ") == 0);
  write_png(folder / "test/masks/image2.png", Tensor::full({35, 40}, 77, u8));
  const Ran wrong = segment("evaluate " + run + " --data " + (folder / "test").string());
  CHECK(wrong.status == 2);
  CHECK(has(wrong, "masks/image2.png"));
  CHECK(has(wrong, "the network was trained on 2 classes: pass --ignore-index 77 if 77 means unlabelled"));
  CHECK(!has(wrong, "--classes"));

  // Masks of other values than those trained on, and data of another number of classes.
  const std::string others = folder / "others";
  for (const char* part : {"images", "masks"}) fs::create_directories(fs::path(others) / part);
  fs::copy(folder / "data/val/images/image0.png", fs::path(others) / "images");
  Tensor mask = read_mask(folder / "data/val/masks/image0.png");
  for (std::int64_t i = 0; i < mask.numel(); ++i) {
    std::int32_t& label = mask.mutable_data<std::int32_t>()[i];
    label = label == 9 ? 0 : 100 * (label + 1);
  }
  write_png(fs::path(others) / "masks/image0.png", mask);
  const Ran unknown_values = segment("evaluate " + run + " --data " + others);
  CHECK(unknown_values.status == 2);
  CHECK(has(unknown_values, "the network was trained on 2 classes: pass --mask-values with the value of each class"));
  const Ran read_anew =
      segment("evaluate " + run + " --data " + others + " --mask-values 100,200 --ignore-index 0 --json 2> /dev/null");
  CHECK(read_anew.status == 0);
  const nlohmann::json first_image = nlohmann::json::parse(read_anew.text);
  CHECK(first_image["pixel_accuracy"] == measures["per_image"][0]["pixel_accuracy"]);
  CHECK(first_image["loss"] < 1);
  CHECK(has(segment("evaluate " + run + " --data " + others + " --mask-values 0,100,200"),
            "mask-values: the network has 2 classes, this says 3"));
  const Ran generated = segment("evaluate " + run + " --data shapes");
  CHECK(generated.status == 2);
  CHECK(has(generated, "the generated shapes have 4 classes and 3 channels, the network has 2 and 1"));

  const Ran tiled = segment("predict " + model + " " + images + " --tile 16 --overlap 0.5 --all-flips " +
                            "--probabilities png --out " + (folder / "masks").string());
  CHECK(tiled.status == 0);
  CHECK(has(tiled, "4 of 4 images predicted"));
  CHECK(read_image(folder / "masks/image2_probability_1.png").bits == 16);
  fs::remove(folder / "masks/image1.png");
  CHECK(has(segment("predict " + model + " " + images + " --skip-existing --out " + (folder / "masks").string()),
            "1 of 4 images predicted, 3 skipped"));
  CHECK(fs::exists(folder / "masks/image1.png"));
  const Ran none =
      segment("predict " + model + " " + (folder / "none.png").string() + " --out " + (folder / "more").string());
  CHECK(has(none, "0 of 1 images predicted\n"));
  const Ran no_run = segment("evaluate " + data + " --data " + data);
  CHECK(no_run.status == 2);
  CHECK(has(no_run, data + ": expected a checkpoint, or the folder of a run that has finished an epoch"));
  const Ran over_input = segment("predict " + model + " " + images + " --out " + images);
  CHECK(over_input.status == 2);
  CHECK(has(over_input, "would take its place"));
  const Ran with_tiles = segment("evaluate " + model + " --data " + data + " --flips --tile 32 --json");
  CHECK(nlohmann::json::parse(with_tiles.text)["miou"] > 0.8);

  const Ran summed = segment("summary " + model + " --size 40");
  CHECK(summed.status == 0);
  CHECK(has(summed, "[1, 40, 40, 2]"));
  CHECK(has(summed, "memory for one image, measured"));
  CHECK(has(summed, "ms a pass"));
  const Ran wide = segment("summary " + model + " --width 64");
  CHECK(wide.status == 2);
  CHECK(has(wide, "--width: " + model + " says what its network is"));
}

TEST_CASE("a network is summed up by its name, also as JSON") {
  const Ran summed = segment("summary erfnet --classes 11 --size 60x80 --json --threads 1");
  CHECK(summed.status == 0);
  const nlohmann::json summary = nlohmann::json::parse(summed.text);
  CHECK(summary["input"] == nlohmann::json({1, 64, 80, 3}));
  CHECK(summary["output"] == nlohmann::json({1, 64, 80, 11}));
  CHECK(summary["seconds"] > 0);
  CHECK(summary["memory"]["measured"] == true);
  CHECK(summary["memory"]["training"] > summary["memory"]["inference"]);
  std::int64_t parameters = 0, products = 0;
  for (const nlohmann::json& layer : summary["layers"]) {
    parameters += layer["parameters"].get<std::int64_t>();
    products += layer["multiply_adds"].get<std::int64_t>();
  }
  CHECK(summary["parameters"] == parameters);
  CHECK(summary["multiply_adds"] == products);
  const Ran unknown = segment("summary enet");
  CHECK(unknown.status == 2);
  CHECK(has(unknown,
            "enet: there is no such checkpoint, and no network of that name: expected one of tiny, unet, fcn, "
            "erfnet; the nearest is unet"));
}

TEST_CASE("training options come from TOML and JSON files, too, and a command line beats them") {
  const test::TemporaryFolder folder;
  test::write_example_data(folder / "da #ta");
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder / name) << text;
    return " --config " + (folder / name).string();
  };
  const std::string toml = write("a.toml", "# a run\ndata = \"" + (folder / "da #ta").string() +
                                               "\"  # cells\nignore-index = 9\nwidth=4\ndepth = 1\nsize = \"24x32\"\n"
                                               "epochs = 2\nloss = \"ce+0.5*dice\"\naugment = \"flip\"\n");
  const Ran trained = segment("train --epochs 1" + toml + " --out " + (folder / "one").string());
  CHECK(trained.status == 0);
  CHECK(has(trained, "1 epochs of 1 steps of 4 images of 24x32, loss ce+0.5*dice"));

  const std::string options = test::file_bytes(folder / "one/options.toml");
  for (const char* line : {"\nepochs = 1\n", "\nwidth = 4\n", "\nnorm = \"batch\"\n", "\nclasses = 2\n",
                           "\nlr = 0.002\n", "\nsize = \"24x32\"\n", "\nbatch-size = 4\n", "\nseed = 0\n"})
    CHECK_MESSAGE(options.find(line) != std::string::npos, line, options);
  CHECK(segment("train --config " + (folder / "one/options.toml").string() + " --out " + (folder / "two").string())
            .status == 0);
  for (const char* file : {"last.safetensors", "best.safetensors"})
    CHECK(test::file_bytes(folder / "one" / file) == test::file_bytes(folder / "two" / file));

  const std::string json =
      write("b.json", R"({"data": ")" + (folder / "da #ta").string() +
                          R"(", "ignore_index": 9, "width": 4, "depth": 1, "size": "24x32", "epochs": 1,
                              "loss": "ce+0.5*dice"})");
  CHECK(segment("train" + json + " --out " + (folder / "three").string()).status == 0);
  CHECK(test::file_bytes(folder / "one/last.safetensors") == test::file_bytes(folder / "three/last.safetensors"));

  // A size may be a list, too.
  const std::string rest = " --ignore-index 9 --width 4 --depth 1 --epochs 1 --loss ce+0.5*dice --data '" +
                           (folder / "da #ta").string() + "' --out " + (folder / "four").string();
  for (const std::string& list : {write("c.json", R"({"size": [24, 32]})"), write("c.toml", "size = [24, 32]\n")}) {
    CHECK(segment("train" + list + rest).status == 0);
    CHECK(test::file_bytes(folder / "one/last.safetensors") == test::file_bytes(folder / "four/last.safetensors"));
  }
}

TEST_CASE("an options file that is not understood is refused in one line with the nearest name") {
  const test::TemporaryFolder folder;
  const auto refused = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder / name) << text;
    const Ran ran = segment("train --data shapes --config " + (folder / name).string());
    CHECK(ran.status == 2);
    CHECK(has(ran, name + ": "));
    return ran.text;
  };
  CHECK(refused("a.toml", "epoch = 3\n").find("there is no option \"epoch\"; the nearest is \"epochs\"\n") !=
        std::string::npos);
  CHECK(refused("b.toml", "[training]\nepochs = 3\n").find("without sections, got [training]") != std::string::npos);
  CHECK(refused("c.toml", "epochs = -3\n").find("epochs: expected a whole number") != std::string::npos);
  CHECK(refused("d.json", "{\"epochs\":\n 3").find("d.json: line 2, column 3: syntax error while parsing object") !=
        std::string::npos);
  CHECK(refused("d.json", "{epochs: 3}").find("json.exception") == std::string::npos);
  CHECK(refused("e.json", "[3]").find("expected an object") != std::string::npos);
  CHECK(has(segment("train --config " + (folder / "no.toml").string()), "no.toml: no such file"));
}
