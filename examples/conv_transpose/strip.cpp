#include "strip.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <tessera/core/autograd.hpp>
#include <tessera/core/ops/conv2d.hpp>
#include <tessera/interop/atomic_file.hpp>
#include <vector>

#include "matrices.hpp"

namespace conv_transpose {
namespace {

constexpr std::int64_t cell = 34, gap = 40, top = 44;

/// What a cell looks like beside its number.
enum class Look : std::uint8_t { plain, lit, touched, cropped, appended };

struct Picture {
  std::string body;
  std::int64_t x = 16, height = 0;
};

using Element = std::function<std::pair<double, Look>(std::int64_t row, std::int64_t column)>;

const char* class_of(Look look) {
  constexpr const char* names[] = {"p", "l", "t", "c", "a"};
  return names[static_cast<std::size_t>(look)];
}

/// Adds a grid of numbers to the right of what is there, its columns as wide as its longest number.
void add_grid(Picture& picture, const std::string& title, Size2D size, const Element& element) {
  struct Cell {
    std::string number;
    Look look;
  };
  std::vector<Cell> cells;
  std::size_t longest = 0;
  for (std::int64_t row = 0; row < size.height; ++row)
    for (std::int64_t column = 0; column < size.width; ++column) {
      const auto [value, look] = element(row, column);
      cells.push_back({number_text(value), look});
      longest = std::max(longest, cells.back().number.size());
    }
  const std::int64_t cell_width = std::max(cell, static_cast<std::int64_t>(longest) * 8 + 8);
  picture.body += fmt::format("<text x='{}' y='30' class='h'>{}</text>\n", picture.x, title);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto place = static_cast<std::int64_t>(i);
    const std::int64_t x = picture.x + place % size.width * cell_width, y = top + place / size.width * cell;
    picture.body += fmt::format(
        "<rect x='{}' y='{}' width='{}' height='{}' class='{}'/><text x='{}' y='{}' class='n{}'>{}</text>\n", x, y,
        cell_width, cell, class_of(cells[i].look), x + cell_width / 2, y + cell / 2 + 4,
        cells[i].look == Look::cropped ? " g" : "", cells[i].number);
  }
  picture.x += std::max<std::int64_t>(size.width * cell_width, static_cast<std::int64_t>(title.size()) * 8) + gap;
  picture.height = std::max(picture.height, top + size.height * cell);
}

/// The sums before the crop, after the first `stamps` input pixels: the library's layer on the others set to zero.
Tensor canvas(const Options& options, const Case& given, std::int64_t stamps) {
  const NoGrad no_grad;
  Tensor input = Tensor::zeros({1, options.input.height, options.input.width, options.layer.in_channels});
  float* pixels = input.mutable_data<float>();
  const Tensor values = given.input.to(f32);
  std::copy_n(values.data<float>(), stamps * options.layer.in_channels, pixels);
  ConvTransposeOptions natural = options.op();
  natural.padding = valid;
  natural.output_padding = 0;
  return conv2d_transpose(input, given.kernel.to(f32), {}, natural);
}

class Strip {
 public:
  Strip(const Options& options, const Case& given, const Result& result)
      : options_(options), given_(given), result_(result), geometry_(options.geometry()) {}

  std::string draw() {
    const std::int64_t pixels = options_.input.height * options_.input.width;
    const auto& layer = options_.layer;
    const auto of = [](const std::string& name, std::int64_t count) {
      return count == 1 ? name : fmt::format("{}, channel 0 of {}", name, count);
    };
    const std::string input = options_.batch == 1 ? "input" : fmt::format("input, image 0 of {}", options_.batch);
    add_grid(picture_, of(input, layer.in_channels), options_.input, [&](auto row, auto column) {
      return std::pair(given_.input.at({0, row, column, 0}), Look::plain);
    });
    add_grid(picture_, "kernel", layer.kernel_size, [&](auto row, auto column) {
      return std::pair(given_.kernel.at({row, column, 0, 0}), Look::plain);
    });
    for (const std::int64_t stamps : {std::int64_t{1}, std::int64_t{2}})
      if (stamps < pixels) add_stamps(fmt::format("stamp {}", stamps), stamps);
    add_sums(pixels);
    add_grid(picture_, of("output", layer.filters), geometry_.input, [&](auto row, auto column) {
      const Size2D natural = natural_size();
      const bool appended = row + geometry_.pad.top >= natural.height || column + geometry_.pad.left >= natural.width;
      return std::pair(result_.output.at({0, row, column, 0}), appended ? Look::appended : Look::plain);
    });
    return document();
  }

 private:
  Size2D natural_size() const {
    return {geometry_.input.height + geometry_.pad.top + geometry_.pad.bottom,
            geometry_.input.width + geometry_.pad.left + geometry_.pad.right};
  }

  /// The canvas after some stamps; the last stamp's tile is lit where its taps lie.
  void add_stamps(const std::string& title, std::int64_t stamps) {
    const Tensor sums = canvas(options_, given_, stamps);
    const Size2D stride = geometry_.stride, dilation = geometry_.dilation, kernel = geometry_.kernel;
    const std::int64_t y = (stamps - 1) / options_.input.width * stride.height;
    const std::int64_t x = (stamps - 1) % options_.input.width * stride.width;
    const auto tapped = [](std::int64_t offset, std::int64_t step, std::int64_t taps) {
      return offset >= 0 && offset % step == 0 && offset / step < taps;
    };
    add_grid(picture_, title, {sums.size(1), sums.size(2)}, [&](auto row, auto column) {
      const bool lit =
          tapped(row - y, dilation.height, kernel.height) && tapped(column - x, dilation.width, kernel.width);
      return std::pair(sums.at({0, row, column, 0}), lit ? Look::lit : Look::touched);
    });
  }

  /// All stamps added up, what is cropped greyed out.
  void add_sums(std::int64_t pixels) {
    const Tensor sums = canvas(options_, given_, pixels);
    const Sides pad = geometry_.pad;
    add_grid(picture_, fmt::format("all {} stamps, the crop in grey", pixels), {sums.size(1), sums.size(2)},
             [&](auto row, auto column) {
               const bool cropped = row < pad.top || column < pad.left || row >= sums.size(1) - pad.bottom ||
                                    column >= sums.size(2) - pad.right;
               return std::pair(sums.at({0, row, column, 0}), cropped ? Look::cropped : Look::plain);
             });
  }

  std::string document() const {
    const std::int64_t width = picture_.x - gap + 16, height = picture_.height + 16;
    return fmt::format(
               "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0} {1}' width='{0}' height='{1}' role='img'>\n"
               "<title>{2}</title>\n",
               width, height, command_of(options_)) +
           "<style>svg{background:#fff;font:12px "
           "system-ui,sans-serif}rect{stroke:#8a94a0;fill:#fff}.n{text-anchor:middle;"
           "fill:#1b1f24}.h{font-size:14px;font-weight:600;fill:#1b1f24}.l{fill:#ffd98a}.t{fill:#f4f6f8}.c{fill:#"
           "d5d9de;"
           "stroke-dasharray:3}.g{fill:#6b7480}.a{fill:#e3efff}@media(prefers-color-scheme:dark){svg{background:#"
           "14171b}"
           "rect{stroke:#5b6570;fill:#1d2228}.n,.h{fill:#e8ecf0}.l{fill:#6d5310}.t{fill:#181c21}.c{fill:#343a42}"
           ".g{fill:#99a3ae}.a{fill:#1d3557}}</style>\n" +
           picture_.body + "</svg>\n";
  }

  const Options& options_;
  const Case& given_;
  const Result& result_;
  ConvGeometry geometry_;
  Picture picture_;
};

}  // namespace

void write_strip(const Options& options, const Case& given, const Result& result) {
  write_whole(options.svg, Strip(options, given, result).draw());
}

}  // namespace conv_transpose
