#include <algorithm>
#include <map>
#include <tessera/core/autograd.hpp>
#include <tessera/core/error.hpp>
#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/core/ops/concat.hpp>
#include <tessera/core/ops/elementwise.hpp>
#include <tessera/core/ops/pad.hpp>
#include <tessera/core/ops/reduce.hpp>
#include <tessera/core/ops/softmax.hpp>
#include <tessera/layers/summary.hpp>
#include <tessera/train/inference.hpp>

namespace tessera {
namespace {

constexpr std::int64_t estimated_at = 64;  // pixels a side

/// Where a tensor's numbers lie, which several tensors of a trace may share.
const void* memory_of(const Tensor& tensor) {
  const void* memory = nullptr;
  dispatch_all(tensor.dtype(), [&](auto zero) { memory = tensor.data<decltype(zero)>(); });
  return memory;
}

/// Bytes of the activations that are alive at once. Each lives one op longer than its last use: the layer that was
/// given it still holds it while what it runs next makes its output.
std::int64_t peak_of(const Trace& trace) {
  struct Life {
    std::int64_t bytes;
    std::size_t first, last;
  };
  std::map<const void*, Life> lives;
  const auto use = [&](const Tensor& tensor, std::size_t op, bool made) {
    if (!tensor.defined()) return;
    const void* memory = memory_of(tensor);
    const auto bytes = tensor.numel() * static_cast<std::int64_t>(size_of(tensor.dtype()));
    const auto life = lives.find(memory);
    const std::size_t last = std::min(op + 1, trace.ops.size() - 1);
    if (life != lives.end()) life->second.last = last;
    // Inputs that no op made are weights, or the image.
    else if (made || op == 0)
      lives.emplace(memory, Life{bytes, op, last});
  };
  for (std::size_t i = 0; i < trace.ops.size(); ++i) {
    for (const Tensor& input : trace.ops[i].inputs) use(input, i, false);
    for (const Tensor& output : trace.ops[i].outputs) use(output, i, true);
  }
  std::vector<std::int64_t> changes(trace.ops.size() + 1);
  for (const auto& [memory, life] : lives) {
    changes[life.first] += life.bytes;
    changes[life.last + 1] -= life.bytes;
  }
  std::int64_t alive = 0, peak = 0;
  for (const std::int64_t change : changes) peak = std::max(peak, alive += change);
  return peak;
}

double bytes_per_pixel(SegmentationModel& model) {
  const Size2D size = model.input_sizes().enlarged(estimated_at);
  const Trace traced = trace(model, {1, size.height, size.width, model.in_channels()});
  return static_cast<double>(peak_of(traced)) / static_cast<double>(size.height * size.width);
}

/// Images [N, H, W, C] mirrored top to bottom (axis 1) or left to right (axis 2).
Tensor mirrored(const Tensor& images, std::int64_t axis) {
  Tensor result = Tensor::empty(images.shape());
  std::int64_t outer = 1, inner = 1;
  for (std::int64_t a = 0; a < axis; ++a) outer *= images.size(a);
  for (std::int64_t a = axis + 1; a < images.rank(); ++a) inner *= images.size(a);
  const std::int64_t length = images.size(axis);
  const float* from = images.data<float>();
  float* to = result.mutable_data<float>();
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::int64_t i = 0; i < length; ++i)
      std::copy_n(from + (o * length + length - 1 - i) * inner, inner, to + (o * length + i) * inner);
  return result;
}

}  // namespace

Tensor class_scores(SegmentationModel& model, const Tensor& images) {
  const NoGrad no_grad;
  const EvalScope eval(model);
  const Size2D size = image_size(images), padded = model.input_sizes().enlarged(size);
  const bool fits = padded == size;
  Tensor scores =
      model(fits ? images : pad(images, {{}, {0, padded.height - size.height}, {0, padded.width - size.width}, {}}));
  return fits ? scores : slice(slice(scores, 1, 0, size.height), 2, 0, size.width);
}

std::int64_t inference_memory(SegmentationModel& model, Size2D image) {
  return static_cast<std::int64_t>(bytes_per_pixel(model) * static_cast<double>(image.height * image.width));
}

Tensor best_classes(const Tensor& scores) { return argmax(scores, {-1}); }

Inference::Inference(SegmentationModel& model, InferenceOptions options) : model_(&model), options_(options) {
  if (!(options.overlap >= 0 && options.overlap <= 0.75))
    throw ValueError(fmt::format("overlap: expected 0 to 0.75 of a tile, got {}", options.overlap));
}

std::optional<Size2D> Inference::tiles_of(Size2D image, std::int64_t images) {
  Size2D tile = options_.tile;
  if (tile == Size2D{}) {
    if (bytes_per_pixel_ == 0) bytes_per_pixel_ = bytes_per_pixel(*model_);
    const auto pixels = static_cast<double>(images * image.height * image.width);
    if (bytes_per_pixel_ * pixels <= static_cast<double>(options_.memory)) return std::nullopt;
    tile = options_.default_tile;
  }
  const InputSizes& sizes = model_->input_sizes();
  tile = sizes.enlarged({std::min(tile.height, image.height), std::min(tile.width, image.width)});
  if (tile.height >= image.height && tile.width >= image.width) return std::nullopt;
  return tile;
}

void Inference::score_rows(const Tensor& images, const UseRows& use) {
  const NoGrad no_grad;
  const std::optional<Size2D> tile = tiles_of(image_size(images), images.size(0));
  if (!tile && options_.flips == Flips::none) return use(0, class_scores(*model_, images));
  const auto use_logarithms = [&](std::int64_t first, const Tensor& shares) {
    // A probability that vanished in rounding must not become an infinite loss.
    use(first, log(maximum(shares, 1e-30)));
  };
  if (!tile) return use_logarithms(0, probabilities(images));
  tile_rows(
      images, {.tile = *tile, .overlap = options_.overlap, .grid = model_->input_sizes().smallest},
      [this](const Tensor& part) { return probabilities(part); }, use_logarithms);
}

Tensor Inference::scores(const Tensor& images) {
  std::vector<Tensor> bands;
  score_rows(images, [&](std::int64_t, const Tensor& rows) { bands.push_back(rows); });
  return bands.size() == 1 ? bands[0] : concat(bands, 1);
}

Tensor Inference::classes(const Tensor& images) {
  std::vector<Tensor> bands;
  score_rows(images, [&](std::int64_t, const Tensor& rows) { bands.push_back(best_classes(rows)); });
  return bands.size() == 1 ? bands[0] : concat(bands, 1);
}

/// Of the images, or averaged with those of their mirror images.
Tensor Inference::probabilities(const Tensor& images) {
  Tensor sum = softmax(class_scores(*model_, images));
  std::vector<std::vector<std::int64_t>> mirrors;
  if (options_.flips != Flips::none) mirrors.push_back({2});
  if (options_.flips == Flips::all) mirrors.insert(mirrors.end(), {{1}, {1, 2}});
  for (const std::vector<std::int64_t>& axes : mirrors) {
    Tensor turned = images;
    for (const std::int64_t axis : axes) turned = mirrored(turned, axis);
    turned = softmax(class_scores(*model_, turned));
    for (const std::int64_t axis : axes) turned = mirrored(turned, axis);
    sum = add(sum, turned);
  }
  return mirrors.empty() ? sum : mul(sum, 1 / static_cast<double>(1 + mirrors.size()));
}

}  // namespace tessera
