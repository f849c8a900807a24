#pragma once

#include <functional>
#include <optional>
#include <string>
#include <tessera/data/dataset.hpp>
#include <tessera/data/image.hpp>
#include <tessera/train/evaluate.hpp>
#include <vector>

namespace tessera {

/// One image of the validation part as a report shows it, each picture as a PNG in a data URI.
struct ReportExample {
  std::string rank;  ///< "best", "middle" or "worst"
  std::string name;
  std::optional<double> mean_iou;
  std::string input, truth, prediction, errors;
};

/// The images that came out best, in the middle and worst by their own mean IoU, `each` of every kind where there are
/// enough, as places in `evaluation.per_image`. Images without a mean IoU are left out.
struct RankedImages {
  std::vector<std::size_t> best, middle, worst;
};
RankedImages ranked(const Evaluation& evaluation, std::size_t each = 2);

/// Draws those images; one that cannot be read is left out.
std::vector<ReportExample> draw_examples(const Evaluation& evaluation, const Dataset& data,
                                         const std::function<Tensor(const Tensor& image)>& predict,
                                         const std::vector<Rgb>& colors);

/// "data:image/png;base64,..."
std::string data_uri(const std::vector<std::uint8_t>& png);

}  // namespace tessera
