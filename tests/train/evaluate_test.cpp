#include <doctest/doctest.h>

#include <tessera/layers/losses/loss_spec.hpp>
#include <tessera/train/evaluate.hpp>

using namespace tessera;

namespace {

/// Scores of every pixel: its channels as they are.
class Echo : public SegmentationModel {
 public:
  Echo() : SegmentationModel("Echo", 3, 3, {}) {}
  Tensor forward(const Tensor& x) override { return x; }
};

/// Two images of 1 x 4 pixels, whose brightest channel is what Echo predicts.
class TwoImages : public Dataset {
 public:
  std::int64_t size() const override { return 2; }
  std::int64_t channels() const override { return 3; }
  const Labels& labels() const override { return labels_; }
  Sample get(std::int64_t index) const override {
    const std::vector<std::int32_t> predicted = index == 0 ? std::vector{0, 0, 1, 1} : std::vector{0, 0, 0, 1};
    std::vector<float> colors(12);
    for (std::size_t i = 0; i < 4; ++i) colors[3 * i + static_cast<std::size_t>(predicted[i])] = 1;
    return {Tensor::from(colors, {1, 4, 3}), Tensor::from<std::int32_t>({0, 0, 1, 9}, {1, 4}),
            index == 0 ? "good" : "bad"};
  }

 private:
  Labels labels_{3, 9, {"ground", "tree", "a class that is nowhere"}};
};

Evaluation evaluate_two_images(const EvaluationOptions& options = {}) {
  Echo model;
  Loader loader(std::make_shared<TwoImages>(), {.batch_size = 1, .shuffle = false});
  return evaluate(model, loader, loss_from_spec("ce", {.ignore_index = 9}), options);
}

}  // namespace

TEST_CASE("an evaluation counts pixels over all images, and scores every image of its own") {
  const Evaluation evaluation = evaluate_two_images();
  CHECK(evaluation.images == 2);
  CHECK(evaluation.confusion.count(0, 0) == 4);
  CHECK(evaluation.confusion.count(1, 0) == 1);
  CHECK(evaluation.confusion.count(1, 1) == 1);
  CHECK(*evaluation.confusion.scores().mean_iou == doctest::Approx((4.0 / 5 + 1.0 / 2) / 2));
  REQUIRE(evaluation.per_image.size() == 2);
  CHECK(evaluation.per_image[1].name == "bad");
  CHECK(evaluation.per_image[1].index == 1);
  CHECK(*evaluation.per_image[0].mean_iou == 1);
  CHECK(*evaluation.per_image[1].mean_iou == doctest::Approx((2.0 / 3 + 0) / 2));
  CHECK(*evaluation.per_image_mean_iou() == doctest::Approx((1 + 1.0 / 3) / 2));
  CHECK(evaluation.absent_classes() == std::vector<std::size_t>{2});
  CHECK(*evaluation.boundary.mean() == doctest::Approx(0.5));  // the second image has no outline where the truth has
}

TEST_CASE("an evaluation's text names the absent class and what each mean is over") {
  const Evaluation evaluation = evaluate_two_images({.boundary_tolerance = 0.02});
  const Labels labels = TwoImages().labels();
  const std::string text = to_text(evaluation, labels);
  CHECK(text.find("ground                      80.00    88.89      100.00   50.00     66.67") != std::string::npos);
  CHECK(text.find("a class that is nowhere         -        -           -       -      0.00") != std::string::npos);
  CHECK(text.find("mIoU                      0.6500  mean over 2 of 3 classes; neither in the masks nor predicted: a "
                  "class that is nowhere") != std::string::npos);
  CHECK(text.find("within 2 % of the image's diagonal") != std::string::npos);
  CHECK(text.find("per-image mIoU            0.6667") != std::string::npos);
}

TEST_CASE("a confusion matrix is printed in percent of each row, with the largest confusions in words") {
  const Evaluation evaluation = evaluate_two_images();
  const std::string text = to_text(evaluation.confusion, TwoImages().labels());
  CHECK(text.find("\n  0 ground                  100.0   0.0   0.0\n") != std::string::npos);
  CHECK(text.find("\n  1 tree                     50.0  50.0   0.0\n") != std::string::npos);
  CHECK(text.find("\n  2 a class that is nowhere     -     -     -\n") != std::string::npos);
  CHECK(text.find("  tree taken for ground: 1 pixels, 50.0 % of the class") != std::string::npos);

  ConfusionMatrix many(100);
  many.add(Tensor::from({42, 42, 7}, {3}), Tensor::from({42, 41, 7}, {3}));
  CHECK(to_text(many, {}) == "most frequent confusions\n  class 42 taken for class 41: 1 pixels, 50.0 % of the class");
  CHECK(to_text(ConfusionMatrix(30), {}) == "no pixel was confused");
}
