#pragma once

#include <filesystem>
#include <tessera/core/random.hpp>
#include <tessera/data/image.hpp>

namespace tessera::test {

/// Writes a small data set: grey images of noise, brighter on the right, whose masks are 1 there and 9 in the corner.
inline void write_example_data(const std::filesystem::path& folder, std::int64_t images = 4) {
  const RandomStream random(1, stream_of("example data"));
  std::uint64_t element = 0;
  for (const char* part : {"train", "val"}) {
    std::filesystem::create_directories(folder / part / "images");
    std::filesystem::create_directories(folder / part / "masks");
    for (std::int64_t i = 0; i < images; ++i) {
      const std::int64_t height = 33 + i, width = 40;
      Tensor image = Tensor::empty({height, width}, u8), mask = Tensor::empty({height, width}, u8);
      auto* pixel = image.mutable_data<std::uint8_t>();
      auto* label = mask.mutable_data<std::uint8_t>();
      const std::int64_t edge = 10 + random.integer(element++, 20);
      for (std::int64_t y = 0; y < height; ++y)
        for (std::int64_t x = 0; x < width; ++x) {
          *pixel++ = static_cast<std::uint8_t>((x >= edge ? 150 : 50) + random.integer(element++, 50));
          *label++ = static_cast<std::uint8_t>(y < 2 && x < 2 ? 9 : x >= edge ? 1 : 0);
        }
      const std::string name = "image" + std::to_string(i) + ".png";
      write_png(folder / part / "images" / name, image);
      write_png(folder / part / "masks" / name, mask);
    }
  }
}

}  // namespace tessera::test
