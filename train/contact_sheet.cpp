#include <fmt/format.h>

#include <algorithm>
#include <tessera/core/error.hpp>
#include <tessera/data/image.hpp>
#include <tessera/data/mask_encoding.hpp>
#include <tessera/data/shuffle.hpp>
#include <tessera/train/contact_sheet.hpp>
#include <tessera/train/pictures.hpp>
#include <tessera/train/report_charts.hpp>
#include <tessera/train/report_examples.hpp>

namespace tessera {
namespace {

constexpr std::int64_t largest_side = 320;

constexpr const char* style = R"(
:root { color-scheme: light dark; --line: #8886; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 1.5rem auto; max-width: 80rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
pre { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; padding: .8rem; font-size: .85rem; }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; padding: 0; list-style: none; }
.legend i { display: inline-block; width: .9em; height: .9em; border: 1px solid var(--line); margin-right: .4em; }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: 1rem; }
figure { margin: 0; border: 1px solid var(--line); border-radius: 6px; padding: .5rem; }
figure div { display: grid; grid-template-columns: 1fr 1fr; gap: .4rem; }
img { width: 100%; display: block; image-rendering: auto; }
figcaption { font-size: .85rem; overflow-wrap: anywhere; margin-top: .4rem; }
)";

std::string legend(const FolderAudit& audit, const std::vector<Rgb>& colors) {
  std::int64_t all = 0;
  for (const std::int64_t pixels : audit.class_pixels.pixels) all += pixels;
  std::string items;
  for (std::size_t k = 0; k < audit.class_pixels.pixels.size(); ++k)
    items += fmt::format(
        "<li><i style=\"background:rgb({},{},{})\"></i>{} {:.2f}%</li>", colors[k][0], colors[k][1], colors[k][2],
        k < audit.names.size() ? html_escaped(audit.names[k]) : fmt::format("class {}", k),
        100 * static_cast<double>(audit.class_pixels.pixels[k]) / static_cast<double>(std::max<std::int64_t>(all, 1)));
  return items.empty() ? "" : fmt::format("<ul class=\"legend\">{}</ul>\n", items);
}

std::string uri(const Tensor& picture) { return data_uri(encode_png(picture)); }

/// The picture beside the image: the image under the mask's colours, or the mask itself where its colours mean nothing
/// to us yet.
Tensor mask_picture(const FolderDataset::Pair& pair, const Tensor& image, const MaskEncoding& encoding,
                    const std::vector<Rgb>& colors) {
  Tensor mask;
  try {
    mask = read_mask(pair.mask, encoding);
  } catch (const IoError&) {
    return visible(read_picture(pair.mask));
  }
  return overlay(image, mask, colors);
}

std::string figures(const PartAudit& part, const MaskEncoding& encoding, const std::vector<Rgb>& colors,
                    const ContactSheetOptions& options) {
  std::vector<std::int64_t> order =
      shuffled(static_cast<std::int64_t>(part.usable.size()), RandomStream(options.seed, stream_of("contact sheet")));
  order.resize(std::min(order.size(), static_cast<std::size_t>(options.images)));
  std::string text;
  for (const std::int64_t i : order) {
    const FolderDataset::Pair& pair = part.usable[static_cast<std::size_t>(i)];
    const Tensor image = read_picture(pair.image);
    text += fmt::format(
        "<figure><div><img alt=\"image\" src=\"{}\"><img alt=\"mask over image\" src=\"{}\"></div>"
        "<figcaption>{}, {} x {}</figcaption></figure>\n",
        uri(shrunk(visible(image), largest_side)),
        uri(shrunk(mask_picture(pair, image, encoding, colors), largest_side)),
        html_escaped(pair.image.filename().string()), image.size(1), image.size(0));
  }
  return text;
}

}  // namespace

std::string contact_sheet(const FolderAudit& audit, const ContactSheetOptions& options) {
  const MaskEncoding encoding =
      options.encoding.empty() ? encoding_of(audit.advice.mask_values, audit.advice.ignore_index) : options.encoding;
  const std::vector<Rgb> colors = class_colors(Labels{.classes = audit.advice.classes, .encoding = encoding});
  std::string page = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\"><title>Images and masks</title><style>{}</style></head><body>\n"
      "<h1>Images and masks</h1>\n{}<pre>{}</pre>\n",
      style, legend(audit, colors), html_escaped(to_text(audit)));
  for (const PartAudit& part : audit.parts)
    page += fmt::format("<h2>{}</h2>\n<div class=\"pairs\">\n{}</div>\n", html_escaped(part.folder.string()),
                        figures(part, encoding, colors, options));
  return page + "</body></html>\n";
}

}  // namespace tessera
