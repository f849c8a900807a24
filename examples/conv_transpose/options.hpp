#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <tessera/layers/conv2d_transpose.hpp>

namespace conv_transpose {

using namespace tessera;

/// How the numbers are made that no file gives.
enum class Values : std::uint8_t { ones, ramp, random };

/// What the command line asks: a layer, its input, and what to do with them.
struct Options {
  Conv2DTransposeOptions layer;
  std::int64_t batch = 1;
  Size2D input;
  Values values = Values::ramp;
  std::uint64_t seed = 0;

  std::filesystem::path load, save, html, svg;
  std::optional<Size2D> solve, expect;
  /// Which of these the command line names: --solve keeps to them.
  struct {
    bool kernel_size = false, strides = false, padding = false, output_padding = false;
  } given;
  std::int64_t limit = 12;  ///< lines of each kind that solve prints
  bool verify = false, compare = false, full = false;

  Shape input_shape() const { return {batch, input.height, input.width, layer.in_channels}; }
  Shape kernel_shape() const {
    return {layer.kernel_size.height, layer.kernel_size.width, layer.filters / layer.groups, layer.in_channels};
  }
  ConvTransposeOptions op() const {
    return {.strides = layer.strides,
            .padding = layer.padding,
            .output_padding = layer.output_padding,
            .dilation_rate = layer.dilation_rate,
            .groups = layer.groups};
  }
  /// Every size of the layer, by the library; its `input` is the output.
  ConvGeometry geometry() const { return conv2d_transpose_geometry(input_shape(), kernel_shape(), op()); }
  /// The size of all tiles together, before anything is cropped or appended.
  Size2D natural_size() const;
};

/// The options of a command line; nothing where it asked for help, which is printed. ValueError in one line, IoError
/// for the file to load.
std::optional<Options> parse(int argc, const char* const* argv);

/// ValueError unless the number, or both of the size, are 1 or more.
void check_positive(const char* option, std::int64_t value);
void check_positive(const char* option, Size2D size);

/// ValueError unless the layer can be made, gives an output and all of its tensors are small enough to be printed.
void check(const Options& options);

/// "16x8": always both.
std::string text_of(Size2D size);
/// "4x4x3", or "3x4x4" for channels_first.
std::string input_text(const Options& options);
/// The shape of a batch of images in the layer's data format: "[1, 4, 4, 3]".
std::string shape_text(const Options& options, Size2D image, std::int64_t channels);
/// "same", "valid", "1" or "0x0x1x1" (top, left, bottom, right).
std::string text_of(const Padding& padding);
/// The command line that asks for this layer.
std::string command_of(const Options& options);
/// The same without what --solve looks for.
std::string question_of(const Options& options);

}  // namespace conv_transpose
