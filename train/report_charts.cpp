#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tessera/train/evaluate.hpp>
#include <tessera/train/report_charts.hpp>

namespace tessera {
namespace {

// Of a chart, in its own units; at the width of a phone one is about a pixel.
constexpr double width = 340, height = 200, left = 48, right = 10, above = 10, below = 24;

struct Axis {
  double top = 1, step = 0.25;
};

/// A round step that divides 0 to `largest` into three to six parts.
Axis axis_up_to(double largest) {
  if (!(largest > 0) || !std::isfinite(largest)) largest = 1;
  const double power = std::pow(10, std::floor(std::log10(largest / 3)));
  double step = power;
  for (const double factor : {1.0, 2.0, 5.0, 10.0})
    if (largest / (factor * power) <= 5) {
      step = factor * power;
      break;
    }
  return {step * std::ceil(largest / step - 1e-9), step};
}

bool drawn(const std::optional<double>& value) { return value && std::isfinite(*value); }

/// What stands at an axis, in few letters: "0.25", "1.5e-4".
std::string short_number(double value) {
  if (value == 0 || value >= 1e-3) return fmt::format("{:.3g}", value);
  const int exponent = static_cast<int>(std::floor(std::log10(value) + 1e-9));
  return fmt::format("{:.2g}e{}", value / std::pow(10, exponent), exponent);
}

class Chart {
 public:
  explicit Chart(const Curves& curves) : curves_(curves) {
    double largest = 0;
    for (const CurveSeries& series : curves.series)
      for (const auto& value : series.values)
        if (drawn(value)) largest = std::max(largest, *value);
    axis_ = axis_up_to(curves.top.value_or(largest));
    first_ = curves.epochs.empty() ? 1 : static_cast<double>(curves.epochs.front());
    last_ = curves.epochs.empty() ? 1 : static_cast<double>(curves.epochs.back());
  }

  std::string svg() const {
    std::string out = fmt::format(R"(<svg viewBox="0 0 {} {}" role="img" aria-label="{}">)", width, height,
                                  html_escaped(curves_.title));
    for (double value = 0; value <= axis_.top * (1 + 1e-9); value += axis_.step)
      out += fmt::format(
          R"(<line class="grid" x1="{:g}" x2="{:g}" y1="{:.1f}" y2="{:.1f}"/><text class="tick" x="{:g}" y="{:.1f}" text-anchor="end">{}</text>)",
          left, width - right, y(value), y(value), left - 6, y(value) + 3.5, short_number(value));
    out += epoch_ticks();
    if (curves_.marked > 0)
      out += fmt::format(R"(<line class="mark" x1="{0:.1f}" x2="{0:.1f}" y1="{1:g}" y2="{2:g}"/>)",
                         x(static_cast<double>(curves_.marked)), above, height - below);
    for (const CurveSeries& series : curves_.series) out += line_of(series);
    return out +
           fmt::format(R"(<line class="cross" y1="{:g}" y2="{:g}" visibility="hidden"/></svg>)", above, height - below);
  }

 private:
  double x(double epoch) const {
    const double room = width - left - right;
    return last_ > first_ ? left + room * (epoch - first_) / (last_ - first_) : left + room / 2;
  }
  double y(double value) const {
    return above + (height - above - below) * (1 - std::clamp(value / axis_.top, 0.0, 1.0));
  }

  std::string epoch_ticks() const {
    const auto step = static_cast<std::int64_t>(std::max(1.0, axis_up_to(last_ - first_).step));
    std::string out;
    const auto tick = [&](std::int64_t epoch) {
      out += fmt::format(R"(<text class="tick" x="{:.1f}" y="{:g}" text-anchor="middle">{}</text>)",
                         x(static_cast<double>(epoch)), height - 8, epoch);
    };
    const auto first = static_cast<std::int64_t>(first_), last = static_cast<std::int64_t>(last_);
    tick(first);
    for (std::int64_t epoch = (first / step + 1) * step; epoch < last; epoch += step)
      if (x(static_cast<double>(epoch)) - x(first_) > 24 && x(last_) - x(static_cast<double>(epoch)) > 24) tick(epoch);
    if (last > first) tick(last);
    return out;
  }

  std::string line_of(const CurveSeries& series) const {
    std::string path, dots;
    bool pen_down = false;
    for (std::size_t i = 0; i < series.values.size() && i < curves_.epochs.size(); ++i) {
      const auto& value = series.values[i];
      if (!drawn(value)) {
        pen_down = false;
        continue;
      }
      const double px = x(static_cast<double>(curves_.epochs[i])), py = y(*value);
      path += fmt::format("{}{:.1f} {:.1f}", pen_down ? "L" : "M", px, py);
      // A line needs two points.
      const bool alone = !pen_down && (i + 1 == series.values.size() || !drawn(series.values[i + 1]));
      if (alone)
        dots += fmt::format(R"(<circle class="dot series-{}" cx="{:.1f}" cy="{:.1f}" r="3"/>)", series.color, px, py);
      pen_down = true;
    }
    return fmt::format(R"(<path class="line series-{}" d="{}"/>{})", series.color, path, dots);
  }

  const Curves& curves_;
  Axis axis_;
  double first_ = 1, last_ = 1;
};

/// At most `most` letters; UTF-8 sequences stay whole.
std::string shortened(const std::string& text, std::size_t most) {
  std::size_t letters = 0, at = 0, cut = 0;
  for (; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) continue;
    if (letters++ == most - 1) cut = at;
  }
  return letters <= most ? text : text.substr(0, cut) + "…";
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string out;
  for (const char letter : text) switch (letter) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += letter;
    }
  return out;
}

std::string curves_html(const Curves& curves) {
  std::string legend;
  for (const CurveSeries& series : curves.series) {
    const bool any = !series.values.empty() && drawn(series.values.back());
    legend += fmt::format(R"(<span><i class="key series-{}"></i>{} <b>{}</b></span>)", series.color,
                          html_escaped(series.name), any ? fmt::format("{:.4g}", *series.values.back()) : "–");
  }
  return fmt::format(R"(<figure class="chart"><figcaption><h3>{}</h3><p class="legend">{}</p></figcaption>{}</figure>)",
                     html_escaped(curves.title), legend, Chart(curves).svg());
}

std::string confusion_svg(const ConfusionMatrix& confusion, const Labels& labels) {
  const std::int64_t classes = confusion.classes();
  const bool numbers = classes <= 16;
  const double cell = classes <= 6 ? 44 : numbers ? 30 : std::max(4.0, 480.0 / static_cast<double>(classes));
  const bool named = cell >= 10;
  const double names = named ? 134 : 10, side = cell * static_cast<double>(classes), top = named ? 34 : 24;
  std::string out = fmt::format(
      R"(<svg class="confusion" style="width:{0:g}px" viewBox="0 0 {0:g} {1:g}" role="img" aria-label="confusion matrix"><text class="tick" x="{2:g}" y="12">predicted</text>)",
      names + side + 4, top + side + 4, names);
  for (std::int64_t truth = 0; truth < classes; ++truth) {
    const double y = top + cell * static_cast<double>(truth), middle = y + cell / 2 + 3.5;
    const std::string name = class_name(labels, static_cast<std::size_t>(truth));
    if (named) {
      out += fmt::format(R"(<text class="name" x="{:g}" y="{:.1f}" text-anchor="end"><title>{}</title>{}</text>)",
                         names - 28, middle, html_escaped(name), html_escaped(shortened(name, 15)));
      out += fmt::format(R"(<text class="tick" x="{:g}" y="{:.1f}" text-anchor="end">{}</text>)", names - 8, middle,
                         truth);
      out += fmt::format(R"(<text class="tick" x="{:.1f}" y="{:g}" text-anchor="middle">{}</text>)",
                         names + cell * (static_cast<double>(truth) + 0.5), top - 6, truth);
    }
    std::int64_t all = 0;
    for (std::int64_t k = 0; k < classes; ++k) all += confusion.count(truth, k);
    for (std::int64_t k = 0; k < classes; ++k) {
      const std::int64_t count = confusion.count(truth, k);
      if (count == 0 && !numbers) continue;
      const double share = all > 0 ? static_cast<double>(count) / static_cast<double>(all) : 0,
                   x = names + cell * static_cast<double>(k);
      out += fmt::format(
          R"(<g><title>{} → {}: {} pixels, {:.1f} % of the class</title><rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" class="cell{}" style="--share:{:.1f}%"/>)",
          html_escaped(name), html_escaped(class_name(labels, static_cast<std::size_t>(k))), count, 100 * share,
          x + 0.5, y + 0.5, cell - 1, cell - 1, truth == k ? " right" : "", 100 * std::sqrt(share));
      if (numbers && all > 0)
        out += fmt::format(R"(<text class="share{}" x="{:.1f}" y="{:.1f}" text-anchor="middle">{:.0f}</text>)",
                           share > 0.4 ? " on-dark" : "", x + cell / 2, middle, 100 * share);
      out += "</g>";
    }
  }
  return out + "</svg>";
}

}  // namespace tessera
