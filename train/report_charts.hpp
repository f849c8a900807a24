#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tessera/data/dataset.hpp>
#include <tessera/train/metrics.hpp>
#include <vector>

namespace tessera {

/// Text as it may stand between tags and in quoted attributes of HTML.
std::string html_escaped(std::string_view text);

/// One line of a chart.
struct CurveSeries {
  std::string name;                             ///< "training loss"
  std::string color;                            ///< the CSS class "series-COLOR" of the report's style sheet
  std::vector<std::optional<double>> values{};  ///< one an epoch; empty or not finite: a gap
};

/// A chart over epochs, as HTML.
struct Curves {
  std::string title;
  std::vector<CurveSeries> series{};
  std::vector<std::int64_t> epochs{};  ///< on the horizontal axis, ascending
  std::int64_t marked = 0;             ///< an epoch with a vertical line; 0: none
  std::optional<double> top{};         ///< of the vertical axis, which begins at 0; by default what the values need
};
std::string curves_html(const Curves& curves);

/// The confusion matrix as an SVG picture: rows are true, columns predicted classes, a cell the darker the larger its
/// share of the row.
std::string confusion_svg(const ConfusionMatrix& confusion, const Labels& labels);

}  // namespace tessera
