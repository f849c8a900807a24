#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <tessera/data/image.hpp>

#include "tests/support/golden.hpp"
#include "tests/support/temporary_folder.hpp"

namespace tessera {
namespace {

/// The largest difference of two images of one shape.
std::int32_t difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  const Tensor left = a.to(i32), right = b.to(i32);
  std::int32_t largest = 0;
  for (std::int64_t i = 0; i < a.numel(); ++i)
    largest = std::max(largest, std::abs(left.data<std::int32_t>()[i] - right.data<std::int32_t>()[i]));
  return largest;
}

TEST_CASE("files by other writers are read: channels, bits, palettes, interlacing and orientation") {
  const test::Golden golden("images.safetensors");
  const test::TemporaryFolder folder;
  const auto path = folder / "image";
  for (const auto& each : golden.cases()) {
    CAPTURE(each["name"]);
    std::string bytes;
    for (const std::int32_t byte : golden.get(each, "file").span<std::int32_t>()) bytes += static_cast<char>(byte);
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    CHECK(difference(read_image(path).pixels, golden.get(each, "pixels")) <= each["tolerance"].get<int>());
    if (golden.has(each, "labels")) CHECK(difference(read_mask(path), golden.get(each, "labels")) == 0);
  }
}

}  // namespace
}  // namespace tessera
