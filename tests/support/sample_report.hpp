#pragma once

#include <cmath>
#include <string>
#include <tessera/core/random.hpp>
#include <tessera/train/pictures.hpp>
#include <tessera/train/report.hpp>

namespace tessera::test {

/// A report of a run that was never made, with what is hard to show: long names, letters that HTML gives a meaning, a
/// class that is nowhere, values that are no numbers.
inline Report sample_report(std::int64_t epochs, std::int64_t classes = 11) {
  const RandomStream random(7, stream_of("sample report"));
  std::uint64_t element = 0;
  Labels labels{.classes = classes, .ignore_index = 255};
  for (std::int64_t k = 0; k < classes; ++k) labels.names.push_back("class " + std::to_string(k));
  labels.names[1] = "a class whose name is as long as somebody once thought that it should be";
  if (classes > 2) labels.names[2] = "<script>alert('&\"')</script>";
  if (classes > 3) labels.names[3] = "Straßenbegrenzungspfähle";

  Evaluation evaluation{.confusion = ConfusionMatrix(classes, 255), .boundary = BoundaryScores(classes)};
  const std::int64_t side = 40, absent = classes > 4 ? 4 : -1;
  std::vector<ReportExample> examples;
  const std::vector<Rgb> colors = class_colors(classes);
  for (std::int64_t n = 0; n < 5; ++n) {
    Tensor image = Tensor::empty({side, side + 20, 3}), truth = Tensor::empty({side, side + 20}, i32);
    Tensor prediction = Tensor::empty({side, side + 20}, i32);
    for (std::int64_t i = 0; i < truth.numel(); ++i) {
      const std::int64_t y = i / (side + 20), x = i % (side + 20);
      const auto label = static_cast<std::int32_t>((x / 9 + y / 11 * 3 + n) % classes);
      const bool wrong = random.integer(element++, 12) < n + 1;
      truth.mutable_data<std::int32_t>()[i] = y < 3 ? 255 : label == absent ? 0 : label;
      const auto other = static_cast<std::int32_t>(random.integer(element++, classes));
      prediction.mutable_data<std::int32_t>()[i] = wrong && other != absent ? other : label == absent ? 0 : label;
      for (std::int64_t c = 0; c < 3; ++c)
        image.mutable_data<float>()[i * 3 + c] =
            static_cast<float>(0.3 + 0.1 * static_cast<double>(label + c) / static_cast<double>(classes) +
                               random.uniform(element++, 0, 0.4));
    }
    ConfusionMatrix own(classes, 255);
    own.add(truth, prediction);
    evaluation.confusion.add(own);
    evaluation.boundary.add(boundary_f1(truth, prediction, classes, 255, 0.03));
    const auto place = static_cast<std::size_t>(n);
    const std::vector<const char*> ranks{"best", "best", "middle", "worst", "worst"};
    const std::string name = n == 3 ? "0016E5_<07959>_a-name-without-any-place-where-a-line-could-break_and_more_of_it"
                                    : "image " + std::to_string(n);
    evaluation.per_image.push_back({name, evaluation.images++, own.scores().pixel_accuracy, own.scores().mean_iou});
    examples.push_back({ranks[place], name, own.scores().mean_iou, data_uri(encode_png(visible(image))),
                        data_uri(encode_png(colored(truth, colors))), data_uri(encode_png(colored(prediction, colors))),
                        data_uri(encode_png(error_map(image, truth, prediction, 255)))});
  }

  Report report{.title = "unet on <streets> & \"cells\"",
                .state = "epoch " + std::to_string(epochs) + " of 60",
                .labels = labels,
                .colors = colors,
                .best_epoch = epochs > 2 ? epochs - 2 : epochs,
                .evaluated_epoch = epochs > 2 ? epochs - 2 : epochs,
                .evaluation = evaluation,
                .examples = examples,
                .machine = machine_facts(),
                .options = {{"data", "/somewhere/in/a/very/long/path/without/any/space/in/it/streets"},
                            {"augmentation", "flip, scale 0.75 to 1.5, brightness 0.2, contrast 0.2"},
                            {"loss", "ce+0.5*dice"},
                            {"lr", "0.002"}}};
  for (std::int64_t epoch = 1; epoch <= epochs; ++epoch) {
    const double t = static_cast<double>(epoch) / 30;
    report.history.push_back(
        {.epoch = epoch,
         .seconds = 32.5 * static_cast<double>(epoch),
         .lr = 0.002 * std::pow(1 - static_cast<double>(epoch - 1) / 60, 0.9),
         .train_loss = 0.3 + 1.9 * std::exp(-4 * t) + random.uniform(element++, 0, 0.05),
         .val_loss = epoch == 7 ? NAN : 0.42 + 1.7 * std::exp(-4 * t) + random.uniform(element++, 0, 0.2),
         .val_pixel_accuracy = 0.9 - 0.5 * std::exp(-4 * t),
         .val_miou = 0.62 - 0.55 * std::exp(-3 * t) - random.uniform(element++, 0, 0.04),
         .val_iou = evaluation.confusion.scores().iou,
         .images_per_second = 11.3});
  }
  return report;
}

}  // namespace tessera::test
