#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <fstream>
#include <tessera/core/error.hpp>
#include <tessera/train/class_weights.hpp>

#include "tests/support/temporary_folder.hpp"

namespace tessera {
namespace {

/// Three masks of 2 x 2 pixels; 9 is ignored and no pixel is of class 3.
class ThreeMasks final : public Dataset {
 public:
  std::int64_t size() const override { return 3; }
  std::int64_t channels() const override { return 1; }
  const Labels& labels() const override { return labels_; }
  Sample get(std::int64_t index) const override {
    const std::vector<std::vector<std::int32_t>> masks = {{0, 0, 0, 1}, {0, 0, 9, 9}, {0, 1, 1, 2}};
    return {Tensor::zeros({2, 2, 1}), Tensor::from(masks.at(static_cast<std::size_t>(index)), {2, 2}), "a"};
  }
  Labels labels_{4, 9, {}};
};

TEST_CASE("pixels are counted by class, and beside them those of the images that hold the class") {
  std::atomic<int> advanced = 0;
  const ClassPixels counts = count_class_pixels(ThreeMasks(), [&] { ++advanced; });
  CHECK(counts.pixels == std::vector<std::int64_t>{6, 3, 1, 0});
  CHECK(counts.in_company == std::vector<std::int64_t>{10, 8, 4, 0});
  CHECK(advanced == 3);
}

TEST_CASE("class weights follow their formulas, and a class without pixels gets 0") {
  const ThreeMasks data;
  // Frequencies 0.6, 0.375, 0.25; their median is 0.375.
  CHECK(class_weights_from_spec("median", data) == std::vector<double>{0.375 / 0.6, 1, 1.5, 0});
  const std::vector<double> inverse = class_weights_from_spec("inverse", data);
  CHECK(inverse[0] == doctest::Approx(10.0 / 24));
  CHECK(inverse[2] == doctest::Approx(2.5));
  CHECK(inverse[3] == 0);
  const std::vector<double> root = class_weights_from_spec("root", data);
  CHECK(root[0] == doctest::Approx(std::sqrt(10.0 / 24)));
  CHECK(root[3] == 0);
  const std::vector<double> enet = class_weights_from_spec("enet", data);
  CHECK(enet[0] == doctest::Approx(1 / std::log(1.62)));
  CHECK(enet[2] == doctest::Approx(1 / std::log(1.12)));
  CHECK(enet[3] == 0);
  CHECK(class_weights_from_spec("none", data).empty());
}

TEST_CASE("median frequency of an even number of classes is the mean of the middle two") {
  const std::vector<double> weights = median_frequency_weights({{1, 2, 4, 8}, {10, 10, 10, 10}});
  CHECK(weights[0] == doctest::Approx(3));
  CHECK(weights[3] == doctest::Approx(0.375));
}

TEST_CASE("median frequency weights of CamVid are those that users of SegNet compute by hand") {
  // Pixels and files of each class in the training part at 480 x 360, and the weights that follow from the paper's
  // formula: alexgkendall/caffe-segnet, issue 37. The last class is the void, weighed along there.
  const ClassPixels counts{
      {10682767, 14750079, 623349, 20076880, 2845085, 6166762, 743859, 714595, 3719877, 405385, 184967, 2503995},
      {366, 365, 366, 367, 349, 319, 351, 173, 360, 317, 201, 367}};
  ClassPixels whole = counts;
  for (std::int64_t& files : whole.in_company) files *= 480 * 360;
  const std::vector<double> expected = {0.256527308, 0.185282667, 4.396287575, 0.136869322, 0.918473131, 0.387319864,
                                        3.533074291, 1.812685267, 0.724619798, 5.855012981, 8.136508447, 1.097409921};
  const std::vector<double> weights = median_frequency_weights(whole);
  for (std::size_t k = 0; k < expected.size(); ++k) CHECK(weights[k] == doctest::Approx(expected[k]).epsilon(1e-8));
}

TEST_CASE("class weights are read from numbers and from files") {
  ThreeMasks data;
  CHECK(class_weights_from_spec("1,2.5,0,0.3", data) == std::vector<double>{1, 2.5, 0, 0.3});
  const test::TemporaryFolder folder;
  std::ofstream(folder / "plain.txt") << "# weights\n1\n2\n\n3\n4\n";
  CHECK(class_weights_from_spec(folder / "plain.txt", data) == std::vector<double>{1, 2, 3, 4});
  std::ofstream(folder / "named.txt") << "tree 4\nroad 1\nside walk 2\ncar 3\n";
  CHECK(class_weights_from_spec(folder / "named.txt", data) == std::vector<double>{4, 1, 2, 3});
  data.labels_.names = {"road", "side walk", "car", "tree"};
  CHECK(class_weights_from_spec(folder / "named.txt", data) == std::vector<double>{1, 2, 3, 4});

  data.labels_.names[3] = "trees";
  CHECK_THROWS_WITH_AS(
      class_weights_from_spec(folder / "named.txt", data),
      (std::string(folder / "named.txt") + ": no weight for the class \"trees\"; the nearest name there is \"tree\"")
          .c_str(),
      ValueError);
  std::ofstream(folder / "bad.txt") << "1\nroad -2\n";
  CHECK_THROWS_AS(class_weights_from_spec(folder / "bad.txt", data), IoError);
  CHECK_THROWS_WITH_AS(class_weights_from_spec("1,2", data),
                       "class weights: expected a number for each of 4 classes, got 2 in \"1,2\"", ValueError);
  CHECK_THROWS_WITH_AS(class_weights_from_spec("1,x,2,3", data),
                       "class weights: expected numbers of 0 or more, got \"x\" in \"1,x,2,3\"", ValueError);
  CHECK_THROWS_WITH_AS(class_weights_from_spec("0,0,0,0", data),
                       "class weights: expected one above 0, got \"0,0,0,0\": there would be nothing to learn",
                       ValueError);
  std::ofstream(folder / "zeros.txt") << "0\n0\n0\n0\n";
  CHECK_THROWS_WITH_AS(class_weights_from_spec(folder / "zeros.txt", data), doctest::Contains("expected one above 0"),
                       ValueError);
  CHECK_THROWS_WITH_AS(
      class_weights_from_spec("medium", data),
      "class weights: \"medium\" is neither none, median, inverse, root, enet, numbers such as 1,2.5,0.3, nor "
      "a file",
      IoError);
}

TEST_CASE("class weights as text come back to the same bits") {
  const std::vector<double> weights = {1.0 / 3, 1e-7, 50.49834, 0};
  CHECK(weights_from_numbers(to_spec(weights)) == weights);
  CHECK(weights_from_numbers(to_spec({})).empty());
}

}  // namespace
}  // namespace tessera
