#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <tessera/train/progress.hpp>
#include <tessera/train/report.hpp>
#include <tessera/train/report_charts.hpp>

#include "embedded.hpp"

namespace tessera {
namespace {

std::string percent(const std::optional<double>& share) {
  return share ? fmt::format("{:.1f}", 100 * *share) : std::string("–");
}

std::optional<double> finite(double value) { return std::isfinite(value) ? std::optional(value) : std::nullopt; }

std::string section(const std::string& title, const std::string& hint, const std::string& body) {
  return fmt::format("<section>\n<h2>{}</h2>\n{}{}\n</section>\n", title,
                     hint.empty() ? "" : fmt::format("<p class=\"hint\">{}</p>\n", hint), body);
}

std::string tile(const std::string& name, const std::string& value, const std::string& remark) {
  return fmt::format("<div class=\"tile\"><span>{}</span><b>{}</b><small>{}</small></div>", name, value,
                     html_escaped(remark));
}

std::string tiles(const Report& report) {
  if (report.history.empty()) return "";
  const EpochRecord& last = report.history.back();
  const EpochRecord* best = &last;
  for (const EpochRecord& record : report.history)
    if (record.epoch == report.best_epoch) best = &record;
  const auto share = [](double value) { return std::isfinite(value) ? fmt::format("{:.1f} %", 100 * value) : "–"; };
  const auto number = [](double value) { return std::isfinite(value) ? fmt::format("{:.4g}", value) : "–"; };
  const std::string of =
      report.best_epoch > 0 ? fmt::format("epoch {}, the best", best->epoch) : fmt::format("epoch {}", best->epoch);
  return "<div class=\"tiles\">" + tile("mIoU", share(best->val_miou), of) +
         tile("pixel accuracy", share(best->val_pixel_accuracy), of) +
         tile("validation loss", number(best->val_loss), of) +
         tile("training", duration(last.seconds), last.epoch == 1 ? "1 epoch" : fmt::format("{} epochs", last.epoch)) +
         tile("speed", fmt::format("{:.3g}", last.images_per_second), "images per second") + "</div>\n";
}

std::vector<Curves> curves_of(const Report& report) {
  std::vector<std::int64_t> epochs;
  CurveSeries train{"training", "a"}, val{"validation", "b"}, miou{"mIoU", "c"}, accuracy{"pixel accuracy", "d"},
      lr{"rate", "e"};
  for (const EpochRecord& record : report.history) {
    epochs.push_back(record.epoch);
    train.values.push_back(finite(record.train_loss));
    val.values.push_back(finite(record.val_loss));
    miou.values.push_back(finite(record.val_miou));
    accuracy.values.push_back(finite(record.val_pixel_accuracy));
    lr.values.push_back(finite(record.lr));
  }
  return {{.title = "Loss", .series = {train, val}, .epochs = epochs, .marked = report.best_epoch},
          {.title = "Validation", .series = {miou, accuracy}, .epochs = epochs, .marked = report.best_epoch, .top = 1},
          {.title = "Learning rate", .series = {lr}, .epochs = epochs, .marked = report.best_epoch}};
}

/// What the page's script shows for the epoch under the pointer: for each chart its series' values.
std::string curve_data(const std::vector<Curves>& charts) {
  nlohmann::json data = nlohmann::json::array();
  for (const Curves& chart : charts) {
    nlohmann::json series = nlohmann::json::array();
    for (const CurveSeries& one : chart.series) {
      nlohmann::json values = nlohmann::json::array();
      for (const auto& value : one.values) values.push_back(value ? nlohmann::json(*value) : nlohmann::json(nullptr));
      series.push_back(values);
    }
    data.push_back({{"epochs", chart.epochs}, {"series", series}});
  }
  return data.dump();  // numbers alone, so nothing in it can end the script
}

std::string swatch(const Rgb& color) {
  return fmt::format("<i class=\"swatch\" style=\"background:#{:02x}{:02x}{:02x}\"></i>", color[0], color[1], color[2]);
}

std::string class_table(const Report& report) {
  const SegmentationScores scores = report.evaluation->confusion.scores();
  const auto outlines = report.evaluation->boundary.by_class();
  std::vector<std::int64_t> pixels(scores.iou.size());
  std::int64_t all = 0;
  for (std::size_t k = 0; k < pixels.size(); ++k) {
    for (std::size_t p = 0; p < pixels.size(); ++p)
      pixels[k] += report.evaluation->confusion.count(static_cast<std::int64_t>(k), static_cast<std::int64_t>(p));
    all += pixels[k];
  }
  std::string rows;
  const auto row = [&](const std::string& name, const auto& iou, const auto& dice, const auto& accuracy,
                       const auto& outline, const std::optional<double>& share) {
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td><span class=\"bar\" style=\"--value:{:.1f}%\">{}</span></td><td>{}</td><td>{}"
        "</td><td>{}</td><td>{}</td></tr>\n",
        name, 100 * iou.value_or(0), percent(iou), percent(dice), percent(accuracy), percent(outline),
        share ? percent(share) : "");
  };
  for (std::size_t k = 0; k < pixels.size(); ++k)
    row((k < report.colors.size() ? swatch(report.colors[k]) : "") + html_escaped(class_name(report.labels, k)),
        scores.iou[k], scores.dice[k], scores.accuracy[k], outlines[k],
        all > 0 ? std::optional(static_cast<double>(pixels[k]) / static_cast<double>(all)) : std::nullopt);
  rows += "</tbody><tfoot>";
  row("mean", scores.mean_iou, scores.mean_dice, scores.class_accuracy, mean_of(outlines), std::nullopt);
  return "<div class=\"scroll\"><table class=\"classes\"><thead><tr><th>class</th><th>IoU</th><th>Dice</th>"
         "<th>accuracy</th><th>boundary F1</th><th>share of pixels</th></tr></thead><tbody>\n" +
         rows + "</tfoot></table></div>";
}

std::string class_hint(const Report& report) {
  const std::vector<std::size_t> absent = report.evaluation->absent_classes();
  const SegmentationScores scores = report.evaluation->confusion.scores();
  std::string hint = fmt::format(
      "All numbers in percent, over all pixels of the {} validation images. Frequency-weighted IoU {}; boundary F1 {}, "
      "outlines within {:.3g} % of the diagonal; mean of each image's own mIoU {}.",
      report.evaluation->images, percent(scores.frequency_weighted_iou), percent(report.evaluation->boundary.mean()),
      100 * report.evaluation->boundary_tolerance, percent(report.evaluation->per_image_mean_iou()));
  if (!absent.empty())
    hint += fmt::format(" {} of {} classes are neither in the masks nor predicted; no mean counts them.", absent.size(),
                        scores.iou.size());
  return hint;
}

std::string examples_html(const Report& report) {
  std::string out;
  const auto picture = [](const std::string& uri, const char* what, const std::string& name) {
    return fmt::format("<figure><img src=\"{}\" alt=\"{} of {}\"><figcaption>{}</figcaption></figure>", uri, what,
                       html_escaped(name), what);
  };
  for (const ReportExample& example : report.examples)
    out += fmt::format(
        "<div class=\"example\"><h3><span class=\"rank {0}\">{0}</span> {1} <small>mIoU {2} %</small></h3>"
        "<div class=\"pictures\">{3}{4}{5}{6}</div></div>\n",
        html_escaped(example.rank), html_escaped(example.name), percent(example.mean_iou),
        picture(example.input, "input", example.name), picture(example.truth, "truth", example.name),
        picture(example.prediction, "prediction", example.name), picture(example.errors, "errors", example.name));
  std::string legend;
  for (std::size_t k = 0; k < report.colors.size() && k < 40; ++k)
    legend += "<span>" + swatch(report.colors[k]) + html_escaped(class_name(report.labels, k)) + "</span>";
  return fmt::format("<p class=\"legend classes\">{}</p>\n{}", legend, out);
}

std::string facts_html(const std::string& title, const Facts& facts) {
  std::string rows;
  for (const auto& [name, value] : facts)
    rows += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", html_escaped(name), html_escaped(value));
  return fmt::format("<div><h3>{}</h3><table class=\"facts\">{}</table></div>", title, rows);
}

std::string left_out_html(const std::vector<std::string>& reasons) {
  constexpr std::size_t shown = 20;
  std::string items;
  for (std::size_t i = 0; i < std::min(shown, reasons.size()); ++i)
    items += fmt::format("<li>{}</li>\n", html_escaped(reasons[i]));
  if (reasons.size() > shown) items += fmt::format("<li>and {} more</li>\n", reasons.size() - shown);
  return fmt::format("<ul class=\"files\">\n{}</ul>", items);
}

std::string replaced(std::string_view text, std::string_view mark, std::string_view by) {
  const std::size_t at = text.find(mark);
  return std::string(text.substr(0, at)).append(by).append(text.substr(at + mark.size()));
}

}  // namespace

std::string report_html(const Report& report) {
  const std::vector<Curves> charts = curves_of(report);
  std::string body = tiles(report), drawn;
  for (const Curves& chart : charts) drawn += curves_html(chart);
  if (!report.history.empty())
    body += section("Curves", report.best_epoch > 0 ? "The vertical line is the best epoch, by validation mIoU." : "",
                    "<div class=\"charts\">" + drawn + "</div>");
  if (report.evaluation) {
    const std::string of = fmt::format(" <small>epoch {}</small>", report.evaluated_epoch);
    body += section("Classes" + of, class_hint(report), class_table(report));
    body +=
        section("Confusion" + of, "Percent of the true pixels of a row's class that were predicted as the column's.",
                "<div class=\"scroll\">" + confusion_svg(report.evaluation->confusion, report.labels) + "</div>");
    if (!report.examples.empty())
      body += section("Validation images" + of,
                      "Ranked by their own mIoU. Errors are red; pixels that do not count are light grey.",
                      examples_html(report));
  }
  if (!report.left_out.empty())
    body +=
        section(fmt::format("Images left out <small>{}</small>", report.left_out.size()),
                "They could not be read: neither training nor validation counts them.", left_out_html(report.left_out));
  body += section("Run", "",
                  "<div class=\"columns\">" + facts_html("Options", report.options) +
                      facts_html("Machine", report.machine) + "</div>");

  // What a user may have named comes last, so that no mark is looked for in it.
  std::string page = replaced(embedded::report_html, "/*style*/", embedded::report_css);
  page = replaced(page, "/*script*/", embedded::report_js);
  page = replaced(page, "/*curves*/", curve_data(charts));
  page = replaced(page, "<!--running-->", report.running ? " data-running" : "");
  page = replaced(page, "<!--refresh-->",
                  report.running ? "<noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>" : "");
  page = replaced(page, "<!--title-->", html_escaped(report.title));
  page = replaced(page, "<!--heading-->", html_escaped(report.title));
  page = replaced(
      page, "<!--state-->",
      fmt::format("<span class=\"state{}\">{}</span>", report.running ? " running" : "", html_escaped(report.state)));
  return replaced(page, "<!--body-->", body);
}

}  // namespace tessera
