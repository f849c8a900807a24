#include <doctest/doctest.h>

#include <cmath>
#include <tessera/core/error.hpp>
#include <tessera/data/image.hpp>
#include <tessera/interop/safetensors.hpp>
#include <tessera/train/prediction_files.hpp>

#include "tests/support/message_of.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
namespace fs = std::filesystem;

namespace {

void write_image(const fs::path& path) {
  fs::create_directories(path.parent_path());
  if (path.extension() == ".png")
    write_png(path, Tensor::zeros({2, 2}, u8));
  else
    write_pnm(path, Tensor::zeros({2, 2}, u8));
}

}  // namespace

TEST_CASE("predictions are named by their image's stem, and where two have it by the whole name") {
  const test::TemporaryFolder folder;
  for (const char* name : {"in/a.png", "in/a.pgm", "in/b.png", "more/c.png"}) write_image(folder / name);
  const auto tasks = prediction_tasks({folder / "in", folder / "more/c.png", folder / "in/b.png"}, folder / "out",
                                      ProbabilityFormat::none, 2);
  std::vector<std::string> names;
  for (const PredictionTask& task : tasks) names.push_back(task.name);
  CHECK(names == std::vector<std::string>{"a_pgm", "a_png", "b", "c"});
  CHECK(tasks[0].image == folder / "in/a.pgm");
}

TEST_CASE("images of one name are told apart by the folders that they lie in") {
  const test::TemporaryFolder folder;
  for (const char* name : {"train/images/a.png", "val/images/a.png", "val/images/b.png"}) write_image(folder / name);
  const auto names_in = [&](const std::vector<std::string>& paths) {
    std::vector<std::string> names;
    std::vector<fs::path> files;
    for (const std::string& path : paths) files.push_back(folder / path);
    for (const PredictionTask& task : prediction_tasks(files, folder / "out", ProbabilityFormat::none, 2))
      names.push_back(task.name);
    return names;
  };
  CHECK(names_in({"train/images", "val/images"}) == std::vector<std::string>{"train_images_a", "val_images_a", "b"});
  write_image(folder / "more/a.png");
  CHECK(names_in({"more", "val/images/a.png"}) == std::vector<std::string>{"more_a", "images_a"});
  write_image(folder / "more/a.pgm");
  CHECK(names_in({"more", "val/images/a.png"}) == std::vector<std::string>{"a_pgm", "a_png", "a"});
}

const std::string accepted = "nothing was thrown";

TEST_CASE("predictions that would lie in each other's or an image's place are refused before any is made") {
  const test::TemporaryFolder folder;
  for (const char* name : {"in/a.png", "in/a_overlay.png", "in/b.png", "in/b_probability_1.png"})
    write_image(folder / name);
  const auto refusal = [&](const std::vector<std::string>& paths, const std::string& out,
                           ProbabilityFormat probabilities = ProbabilityFormat::none) {
    std::vector<fs::path> files;
    for (const std::string& path : paths) files.push_back(folder / path);
    return test::message_of<Error>([&] { prediction_tasks(files, folder / out, probabilities, 2); });
  };
  CHECK(refusal({"in/a.png", "in/a_overlay.png"}, "out").find("would both be written to") != std::string::npos);
  CHECK(refusal({"in/b.png", "in/b_probability_1.png"}, "out") == accepted);
  CHECK(refusal({"in/b.png", "in/b_probability_1.png"}, "out", ProbabilityFormat::png) != accepted);
  CHECK(refusal({"in/b.png"}, "in").find("would take its place: choose another output folder") != std::string::npos);
  CHECK(refusal({"in/b.png"}, "more/../in") != accepted);
  CHECK(prediction_tasks({"none.png"}, "out", ProbabilityFormat::none, 3).size() == 1);  // reading it reports it
  fs::create_directories(folder / "empty");
  CHECK(refusal({"empty"}, "out").find("holds no PNG, JPEG or PNM file") != std::string::npos);
}

TEST_CASE("a prediction is written as indices, overlay and probabilities") {
  const test::TemporaryFolder folder;
  const Tensor image = Tensor::full({1, 2, 1}, 0.2);
  const Prediction prediction{Tensor::from<std::int32_t>({1, 0}, {1, 2}),
                              Tensor::from<float>({0.25F, 0.75F, 0.8F, 0.2F}, {1, 2, 2})};
  const std::vector<Rgb> colors{{0, 0, 0}, {101, 0, 255}};
  write_prediction(folder.path(), "a", image, prediction, colors, ProbabilityFormat::safetensors);
  CHECK(test::values(read_mask(folder / "a.png")) == std::vector<double>{1, 0});
  CHECK(test::values(read_image(folder / "a_overlay.png").pixels) == std::vector<double>{76, 26, 153, 51, 51, 51});
  const Tensor shares = read_safetensors(folder / "a_probabilities.safetensors").tensors.at("probabilities");
  CHECK(shares.shape() == Shape{1, 2, 2});
  CHECK(shares.at({0, 0, 1}) == doctest::Approx(0.75));

  write_prediction(folder.path(), "b", image, prediction, colors, ProbabilityFormat::png);
  CHECK(test::values(read_image(folder / "b_probability_1.png").pixels) == std::vector<double>{49151, 13107});
  CHECK(read_image(folder / "b_probability_0.png").bits == 16);
  CHECK_THROWS_AS(write_prediction(folder / "none", "a", image, prediction, colors, ProbabilityFormat::none), IoError);
}
