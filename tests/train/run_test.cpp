#include <doctest/doctest.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <fstream>
#include <span>
#include <tessera/core/error.hpp>
#include <tessera/core/parallel.hpp>
#include <tessera/data/image.hpp>
#include <tessera/data/misfit.hpp>
#include <tessera/train/class_weights.hpp>
#include <tessera/train/predict.hpp>
#include <tessera/train/run.hpp>

#include "tests/support/message_of.hpp"
#include "tests/support/small_run.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using test::file_bytes;
using test::history_of;
using test::small_run;
namespace fs = std::filesystem;

namespace {

void train(const RunOptions& options) { test::execute_silently(prepare_run(options)); }

}  // namespace

TEST_CASE("runs that differ in threads and paths alone write the same checkpoints") {
  const test::TemporaryFolder folder;
  const int threads = num_threads();
  set_num_threads(1);
  train(small_run(folder, "one"));
  set_num_threads(2);
  train(small_run(folder, "two"));
  set_num_threads(threads);
  for (const char* file : {"last.safetensors", "best.safetensors"}) {
    CHECK(!file_bytes(folder / "one" / file).empty());
    CHECK(file_bytes(folder / "one" / file) == file_bytes(folder / "two" / file));
  }
  RunOptions other_seed = small_run(folder, "three");
  other_seed.seed = 1;
  train(other_seed);
  CHECK(file_bytes(folder / "one" / "last.safetensors") != file_bytes(folder / "three" / "last.safetensors"));
}

TEST_CASE("a run learns, and its history, checkpoints and pictures tell so") {
  const test::TemporaryFolder folder;
  RunOptions options = small_run(folder, "run");
  options.epochs = 12;
  train(options);

  const std::vector<nlohmann::json> history = history_of(folder / "run");
  REQUIRE(history.size() == 12);
  CHECK(history.back()["epoch"] == 12);
  CHECK(history.back()["train_loss"] < history.front()["train_loss"]);
  CHECK(history.back()["val_iou"].size() == 2);
  CHECK(history.back()["val_miou"] > 0.9);

  const Checkpoint best = load_checkpoint(folder / "run" / "best.safetensors");
  CHECK(load_checkpoint(folder / "run" / "last.safetensors").epoch == 12);
  CHECK(best.labels.classes == 2);
  CHECK(best.labels.ignore_index == 9);
  double highest = 0;
  std::int64_t first = 0;
  for (const nlohmann::json& line : history)
    if (line["val_miou"] > highest) {
      highest = line["val_miou"];
      first = line["epoch"];
    }
  CHECK(best.epoch == first);
  CHECK(fs::exists(folder / "run" / "pictures" / "image0.png"));
  const std::string report = file_bytes(folder / "run" / "report.html");
  CHECK(report.find("unet on data</title>") != std::string::npos);
  CHECK(report.find(">12 epochs</span>") != std::string::npos);
  CHECK(report.find("http-equiv") == std::string::npos);
  CHECK(report.find("class=\"example\"") != std::string::npos);

  SUBCASE("evaluating the checkpoint gives the numbers of its epoch") {
    const auto model = rebuild_model(best);
    const Evaluation evaluation = evaluate(*model, open_data(options.data, "val", best), best);
    CHECK(evaluation.images == 4);
    CHECK(*evaluation.confusion.scores().mean_iou == highest);
    Checkpoint of_shapes = best;  // batches of a folder are of one image, also where those trained on were all one size
    of_shapes.options["data"] = "shapes";
    CHECK(evaluate(*model, open_data(options.data, "val", best), of_shapes).loss == evaluation.loss);
  }
  SUBCASE("predicting from the checkpoint gives a class for every pixel") {
    Predictor predict(best);
    const Tensor mask = predict(predict.read(fs::path(options.data) / "val" / "images" / "image1.png"));
    CHECK(mask.shape() == Shape{34, 40});
    const Tensor truth = read_mask(fs::path(options.data) / "val" / "masks" / "image1.png");
    int wrong = 0;
    for (std::int64_t i = 0; i < truth.numel(); ++i)
      wrong += truth.data<std::int32_t>()[i] != 9 && truth.data<std::int32_t>()[i] != mask.data<std::int32_t>()[i];
    CHECK(wrong < 0.1 * static_cast<double>(truth.numel()));
  }
}

TEST_CASE("a loss that is not finite stops the run and names the step; what was saved stays") {
  const test::TemporaryFolder folder;
  RunOptions options = small_run(folder, "run");
  options.optimizer = {.name = "sgd", .lr = 1e30, .schedule = "constant"};
  const auto stopped_by = [&](std::int64_t polls) {
    return test::message_of<Error>([&] { test::execute_silently(prepare_run(options), polls); });
  };
  constexpr std::int64_t never = 1000, after_a_step = 1;
  CHECK(stopped_by(never) ==
        "epoch 1, step 2: the loss is not finite, and first of all the output of encoder1.second.conv (conv2d); a "
        "lower learning rate than 1e+30 or --clip-norm 1 or --warmup 1 may help");
  CHECK(file_bytes(folder / "run" / "report.html").find("data-running") == std::string::npos);

  // Nor are the weights that a step blew up saved before a loss has shown it.
  CHECK(stopped_by(after_a_step).starts_with("epoch 1, step 2: the loss is not finite"));
  CHECK(!fs::exists(folder / "run/last.safetensors"));
  options.save_every = 1e-9;
  CHECK(stopped_by(never).starts_with("epoch 1, step 2: the loss is not finite"));
  CHECK(!fs::exists(folder / "run/last.safetensors"));
}

TEST_CASE("bad options and bad data are refused before training begins") {
  const test::TemporaryFolder folder;
  const auto refusal = [](const RunOptions& options) {
    try {
      prepare_run(options);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  const RunOptions good = small_run(folder, "run");

  RunOptions options = good;
  options.epochs = -1;
  CHECK(refusal(options) == "epochs: expected a whole number from 1 to 1000000000, got -1; the nearest is 1");
  options = good;
  options.optimizer.lr = -0.5;
  CHECK(refusal(options) == "lr: expected a number above 0, got -0.5");
  options = good;
  options.loss = "hinge";
  CHECK(refusal(options).find("hinge") != std::string::npos);
  options = good;
  options.model.name = "resnet";
  CHECK(refusal(options).find("resnet") != std::string::npos);
  options = good;
  options.ignore_index = no_label;
  options.classes = 2;
  CHECK(refusal(options).find("masks/image0.png") != std::string::npos);
  CHECK(!fs::exists(folder / "run"));

  options = good;
  options.warmup_epochs = 1000;
  CHECK(refusal(options).find("warmup: expected less than the ") != std::string::npos);
  options = good;
  prepare_run(options);
  CHECK(!fs::exists(folder / "run"));  // nothing is written yet
  options.out = folder / "data/train/images/image0.png/run";
  CHECK_THROWS_WITH_AS(train(options), doctest::Contains("cannot make the output folder"), IoError);
  fs::copy(folder / "data", folder / "blank", fs::copy_options::recursive);
  for (const auto& mask : fs::directory_iterator(folder / "blank/train/masks"))
    write_png(mask.path(), Tensor::zeros({35, 40}, u8));
  options = good;
  options.data = folder / "blank";
  CHECK(refusal(options).find("every mask holds the value 0 alone") != std::string::npos);
  options.classes = 2;
  for (const auto& mask : fs::directory_iterator(folder / "blank/train/masks")) {
    const auto row = fs::path(mask).stem().string().back() - '0';
    write_png(mask.path(), Tensor::full({33 + row, 40}, 9, u8));
  }
  CHECK(refusal(options) == options.data + ": every pixel of the training masks is ignored: there is nothing to learn");
  options.ignore_index = 7;
  CHECK(refusal(options).find("masks/image0.png") != std::string::npos);
  fs::remove(folder / "data/val/masks/image2.png");
  CHECK(refusal(good).find("image2.png has no mask") != std::string::npos);
}

TEST_CASE("the rate rises over the warm-up, counted in epochs") {
  const test::TemporaryFolder folder;
  RunOptions options = small_run(folder, "run");
  options.warmup_epochs = 2;
  options.optimizer.schedule = "constant";
  train(options);
  const std::vector<nlohmann::json> history = history_of(folder / "run");
  CHECK(history[0]["lr"] == doctest::Approx(0.01 * (0.01 + 0.99 / 4)));
  CHECK(history[1]["lr"] == doctest::Approx(0.01 * (0.01 + 0.99 * 3 / 4)));
  CHECK(history[2]["lr"] == 0.01);
}

TEST_CASE("a run ends after the epochs of its patience without a better mIoU") {
  const test::TemporaryFolder folder;
  RunOptions options = small_run(folder, "run");
  options.optimizer.lr = 1e-12;  // every epoch predicts the same
  options.model.normalization = "none";
  options.epochs = 9;
  options.patience = 2;
  train(options);
  CHECK(history_of(folder / "run").size() == 3);
  CHECK(load_checkpoint(folder / "run" / "best.safetensors").epoch == 1);
}

TEST_CASE("with --ema the averages are validated and saved as the weights, and those trained beside them") {
  const test::TemporaryFolder folder;
  RunOptions options = small_run(folder, "run");
  options.ema = 0.9;
  train(options);
  const Checkpoint last = load_checkpoint(folder / "run" / "last.safetensors");
  const Tensor trained = last.training.at("trained/head.kernel");
  CHECK(test::difference(last.weights.at("head.kernel"), trained) > 1e-5);
  const auto model = rebuild_model(last);
  const Evaluation evaluation = evaluate(*model, open_data(options.data, "val", last), last);
  CHECK(evaluation.loss == history_of(folder / "run").back()["val_loss"]);

  RunOptions plain = small_run(folder, "plain");
  train(plain);
  CHECK(test::difference(load_checkpoint(folder / "plain" / "last.safetensors").weights.at("head.kernel"), trained) ==
        0);
}

TEST_CASE("where neither passes nor epochs are given, an epoch makes some fifty steps") {
  const test::TemporaryFolder folder;
  RunOptions options = small_run(folder, "run");
  options.epochs = 0;
  const std::int64_t images = prepare_run(options).train->size();
  REQUIRE(images == 4);
  CHECK(prepare_run(options).options.passes == 25);  // of 2 steps
  options.accumulate = 2;
  CHECK(prepare_run(options).options.passes == 50);
  options.epochs = 3;
  CHECK(prepare_run(options).options.passes == 1);
}

TEST_CASE("classes of a folder are weighted by the roots of their shares unless told otherwise") {
  const test::TemporaryFolder folder;
  RunOptions options = small_run(folder, "run");
  const Run run = prepare_run(options);
  CHECK(run.options.class_weights == to_spec(class_weights_from_spec("root", *run.train)));
  CHECK(run.options.class_weights != "none");
  options.class_weights = "none";
  CHECK(prepare_run(options).options.class_weights == "none");
  CHECK(prepare_run({.data = "shapes", .out = folder / "shapes"}).options.class_weights == "none");
}

TEST_CASE("a run notes what the values of the masks suggest, as an audit does") {
  const test::TemporaryFolder folder;
  RunOptions options = small_run(folder, "run");
  const auto notes = [&] {
    const Run run = prepare_run(options);
    return fmt::format("{}", fmt::join(run.notes, "\n"));
  };
  CHECK(notes() == "");
  for (const auto& entry : fs::recursive_directory_iterator(folder / "data"))
    if (entry.is_regular_file() && entry.path().parent_path().filename() == "masks") {
      Tensor mask = read_mask(entry.path());
      for (std::int32_t& value : std::span(mask.mutable_data<std::int32_t>(), static_cast<std::size_t>(mask.numel())))
        if (value != 9) ++value;
      write_png(entry.path(), mask);
    }
  CHECK(
      notes() ==
      "note: no class is 0: training takes the values 1 to 2 as the classes 0 to 1; if 0 is a class, pass --classes 3");
  CHECK(prepare_run(options).train->labels().classes == 2);
  options.classes = 3;
  CHECK(notes() == "");
  CHECK(prepare_run(options).train->labels().encoding.empty());
}

TEST_CASE("how masks of 0 and 255, or counted from 1, are read is an option of the run, so that it can be resumed") {
  for (const std::int32_t foreground : {255, 2}) {
    const test::TemporaryFolder folder;
    RunOptions options = small_run(folder, "run");
    for (const auto& entry : fs::recursive_directory_iterator(folder / "data"))
      if (entry.is_regular_file() && entry.path().parent_path().filename() == "masks") {
        Tensor mask = read_mask(entry.path());
        for (std::int32_t& value : std::span(mask.mutable_data<std::int32_t>(), static_cast<std::size_t>(mask.numel())))
          value = value == 9 ? 9 : value == 1 ? foreground : foreground == 2 ? 1 : 0;
        write_png(entry.path(), mask);
      }
    options.epochs = 1;
    options.optimizer.schedule = "constant";
    Run run = prepare_run(options);
    const RunOptions written = run.options;
    CHECK(written.mask_values == (foreground == 2 ? "1,2" : "0,255"));
    CHECK(written.classes == 2);
    test::execute_silently(std::move(run));
    RunOptions more = written;
    more.epochs = 2;
    test::execute_silently(resume_run(more));
    const Checkpoint last = load_checkpoint(folder / "run/last.safetensors");
    CHECK(last.epoch == 2);
    CHECK(last.labels.encoding.values.at(foreground) == 1);
    options.epochs = 2;
    options.out = folder / "whole";
    train(options);
    CHECK(file_bytes(folder / "whole/last.safetensors") == file_bytes(folder / "run/last.safetensors"));
    const Evaluation evaluation = evaluate(*rebuild_model(last), open_data(options.data, "val", last), last);
    CHECK(evaluation.absent_classes().empty());
  }
}

TEST_CASE("a run does not make classes of masks that were blended, unless it is told how many there are") {
  const test::TemporaryFolder folder;
  RunOptions options = small_run(folder, "run");
  for (const auto& entry : fs::recursive_directory_iterator(folder / "data"))
    if (entry.is_regular_file() && entry.path().parent_path().filename() == "masks") {
      Tensor mask = read_mask(entry.path());
      auto* label = mask.mutable_data<std::int32_t>();
      for (std::int64_t i = 0; i < mask.numel(); ++i)
        label[i] = std::min<std::int32_t>(static_cast<std::int32_t>(i % mask.size(1)) / 4, 4) * 2;  // 0, 2, 4, 6 and 8
      for (std::int64_t y = 0; y < mask.size(0); ++y)
        for (std::int64_t x = 4; x < 20; x += 4) label[y * mask.size(1) + x] -= 1;
      write_png(entry.path(), mask);
    }
  CHECK_THROWS_WITH_AS(prepare_run(options),
                       doctest::Contains("train/masks: 4 of the 9 values stand at the borders of others only (1, 3, 5, "
                                         "7): the masks were blended when they were resized"),
                       Error);
  CHECK_THROWS_WITH_AS(prepare_run(options),
                       doctest::Contains("resizing; if they are classes, pass --classes; `segment inspect "), Error);
  options.classes = 9;
  CHECK(prepare_run(options).notes.empty());
}

TEST_CASE("a run notes whole paths, so that it can be resumed from any folder") {
  const test::TemporaryFolder folder;
  RunOptions options = small_run(folder, "run");
  const fs::path data = options.data;
  options.data = fs::relative(data).string() + "/../data";
  REQUIRE(fs::path(options.data).is_relative());
  CHECK(fs::path(prepare_run(options).options.data) == data);
}

TEST_CASE("a run that begins where another one was moves that one aside") {
  const test::TemporaryFolder folder;
  RunOptions options = small_run(folder, "run");
  options.epochs = 1;
  train(options);
  const std::string weights = test::file_bytes(folder / "run/last.safetensors");
  options.seed = 1;
  train(options);
  CHECK(test::file_bytes(folder / "run.1/last.safetensors") == weights);
  CHECK(test::file_bytes(folder / "run/last.safetensors") != weights);
  prepare_run(options);  // as a preview does: it trains nothing
  CHECK(!fs::exists(folder / "run.2"));

  // Where the run is the folder that the program, and maybe the data, is in.
  const fs::path before = fs::current_path();
  fs::current_path(folder / "run");
  fs::copy(folder / "data", "data", fs::copy_options::recursive);
  options.data = "data";
  options.out = ".";
  train(options);
  CHECK(fs::current_path() == folder / "run");
  fs::current_path(before);
  for (const char* run : {"run", "run.2"})
    for (const char* part : {"options.toml", "history.jsonl", "report.html", "pictures/image0.png", "best.safetensors",
                             "last.safetensors"})
      CHECK_MESSAGE(fs::exists(folder / run / part), run, '/', part);
  CHECK(!fs::exists(folder / "run.2/data"));
}

TEST_CASE("a validation loss that is not finite ends the run before it is saved") {
  const test::TemporaryFolder folder;
  RunOptions options = small_run(folder, "run");
  options.epochs = 2;
  options.batch_size = 4;  // one step an epoch
  options.model.normalization = "none";
  options.optimizer.name = "sgd";
  options.optimizer.lr = 1e30;
  CHECK_THROWS_WITH_AS(train(options), doctest::Contains("epoch 1, step 1: the validation loss is not finite"), Error);
  CHECK(!fs::exists(folder / "run/last.safetensors"));
  CHECK(!fs::exists(folder / "run/best.safetensors"));
}

TEST_CASE("a file that breaks while the run goes on is left out from then on, and resuming remembers it") {
  const test::TemporaryFolder folder;
  RunOptions options = small_run(folder, "run");
  const fs::path image = folder / "data/train/images/image1.png";
  Run run = prepare_run(options);
  fs::resize_file(image, 40);
  CHECK(test::execute_silently(std::move(run), 9) == RunEnd::interrupted);
  CHECK(load_checkpoint(folder / "run/last.safetensors").left_out == std::set<std::int64_t>{1});
  const auto lists = [&](const std::string& text) {
    return file_bytes(folder / "run/report.html").find(text) != std::string::npos;
  };
  CHECK(test::execute_silently(resume_run(options), 4) == RunEnd::interrupted);
  CHECK(lists("Images left out <small>1</small>"));
  CHECK(lists("<li>" + image.string() + ": "));

  fs::copy_file(folder / "data/train/images/image2.png", image, fs::copy_options::overwrite_existing);
  fs::copy_file(folder / "data/train/masks/image2.png", folder / "data/train/masks/image1.png",
                fs::copy_options::overwrite_existing);
  test::execute_silently(resume_run(options));
  CHECK(load_checkpoint(folder / "run/last.safetensors").epoch == 3);
  CHECK(lists("<li>" + image.string() + ": could not be read before the run was resumed</li>"));

  options.strict = true;
  options.out = folder / "strict";
  Run strict = prepare_run(options);
  fs::resize_file(image, 40);
  CHECK_THROWS_AS(test::execute_silently(std::move(strict)), IoError);
}

TEST_CASE("a mask of other values than the options allow ends the run, also in the middle of it") {
  const test::TemporaryFolder folder;
  for (const char* part : {"train", "val"}) {
    const RunOptions options = small_run(folder, part);
    Run run = prepare_run(options);
    const fs::path mask = folder / "data" / part / "masks/image1.png";
    const Tensor before = read_mask(mask);
    write_png(mask, Tensor::full(before.shape(), 7, u8));
    CHECK_THROWS_WITH_AS(
        test::execute_silently(std::move(run)),
        doctest::Contains((mask.string() + ": 1360 of 1360 pixels lie beyond the 2 classes 0 to 1").c_str()),
        MisfitError);
    CHECK_THROWS_WITH_AS(test::execute_silently(prepare_run(options)), doctest::Contains("; `segment inspect "), Error);
    write_png(mask, before);
  }
}

TEST_CASE("a run whose report and pictures cannot be written comes to its end and prints its results") {
  const test::TemporaryFolder folder;
  RunOptions options = small_run(folder, "run");
  // Nothing takes the place of a folder that holds something, nor does a folder that of a file.
  fs::create_directories(folder / "run/report.html/taken");
  std::ofstream(folder / "run/pictures") << "taken";
  const fs::path log = folder / "log";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(log.c_str(), "w"), std::fclose);
  Run run = prepare_run(options);
  CHECK(execute(run, out.get()) == RunEnd::finished);
  const std::string said = file_bytes(log);
  const auto says = [&](const std::string& text) { return said.find(text) != std::string::npos; };
  const std::string report = (folder / "run/report.html").string() + ": cannot ";
  CHECK(says("warning: " + report));
  CHECK(says("; training goes on\n"));
  CHECK(says("all 3 epochs are done\nwarning: " + report));
  CHECK(says("warning: " + (folder / "run/pictures/image0.png").string() + ": cannot "));
  CHECK(says("; the run is complete without it\n"));
  CHECK(says("best epoch on the validation part: "));
  CHECK(says("mIoU"));
  CHECK(!says("\nreport: "));
  CHECK(!says("\npictures "));
  CHECK(load_checkpoint(folder / "run/last.safetensors").epoch == 3);
}

TEST_CASE("names of the classes and the masks' palette are kept, and tables and the report show them") {
  const test::TemporaryFolder folder;
  RunOptions options = small_run(folder, "run");
  const std::vector<Rgb> palette = {{10, 20, 30}, {250, 120, 0}};
  std::vector<Rgb> colors = palette;
  colors.resize(10);
  for (const auto& mask : fs::directory_iterator(folder / "data/train/masks"))
    write_png(mask.path(), read_mask(mask.path()).to(u8), colors);
  std::ofstream(folder / "names.txt") << "bare ground\ncell\n";
  options.class_names = fs::relative(folder / "names.txt");
  options.epochs = 1;
  Run run = prepare_run(options);
  CHECK(run.options.class_names == (folder / "names.txt").string());
  test::execute_silently(std::move(run));
  const Checkpoint best = load_checkpoint(folder / "run/best.safetensors");
  CHECK(best.labels.names == std::vector<std::string>{"bare ground", "cell"});
  CHECK(best.labels.colors == palette);
  CHECK(to_text(ConfusionMatrix(2, 9), best.labels).find("bare ground") != std::string::npos);
  const std::string report = file_bytes(folder / "run/report.html");
  CHECK(report.find("bare ground") != std::string::npos);
  CHECK(report.find("#fa7800") != std::string::npos);
  test::execute_silently(resume_run(options));

  const auto refusal = [&] { return test::message_of<ValueError>([&] { prepare_run(options); }); };
  options.class_names = "ground,cell,wall";
  CHECK(refusal() ==
        "class-names: expected a name for each of 2 classes, got 3; --classes 3 where the masks lack the last ones");
  options.classes = 2;
  CHECK(refusal() == "class-names: expected a name for each of 2 classes, got 3");
  options.classes = 0;
  std::ofstream(folder / "map.txt") << "ground 10 20 30\ncell 250 120 0\nvoid 0 0 0\n";
  options.color_map = folder / "map.txt";
  CHECK(refusal() == "class-names: " + (folder / "map.txt").string() + " names the classes already");
  options.class_names = "";
  CHECK(prepare_run(options).checkpoint.labels.colors.empty());  // those of the encoding are the ones
}
