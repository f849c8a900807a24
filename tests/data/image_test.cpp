#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <tessera/core/error.hpp>
#include <tessera/data/image.hpp>
#include <tests/support/temporary_folder.hpp>

namespace tessera {
namespace {

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void put(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// The message that `call` ends in, without the file's name in front.
template <class E>
std::string refusal(const std::filesystem::path& path, const std::function<void()>& call) {
  try {
    call();
  } catch (const E& error) {
    const std::string text = error.what(), name = path.string() + ": ";
    REQUIRE(text.substr(0, name.size()) == name);
    return text.substr(name.size());
  }
  return "accepted";
}

std::string read_refusal(const std::filesystem::path& path) {
  return refusal<IoError>(path, [&] { read_image(path); });
}

/// Pixels that number themselves.
Tensor counting(const Shape& shape, DType dtype, int step) {
  Tensor pixels = Tensor::empty(shape, dtype);
  dispatch_all(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* out = pixels.mutable_data<T>();
    for (std::int64_t i = 0; i < pixels.numel(); ++i) out[i] = static_cast<T>(i * step % (dtype == u8 ? 256 : 65536));
  });
  return pixels;
}

void check_equal(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  REQUIRE(a.dtype() == b.dtype());
  dispatch_all(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    CHECK(std::equal(a.span<T>().begin(), a.span<T>().end(), b.span<T>().begin()));
  });
}

TEST_CASE("a PNG of 1 to 4 channels and 8 or 16 bits gives back the pixels it was written from") {
  const test::TemporaryFolder folder;
  for (std::int64_t channels = 1; channels <= 4; ++channels)
    for (const DType dtype : {u8, i32}) {
      const Tensor pixels = counting({5, 7, channels}, dtype, dtype == u8 ? 3 : 997);
      write_png(folder / "a.png", pixels);
      const Image image = read_image(folder / "a.png");
      CHECK(image.bits == (dtype == u8 ? 8 : 16));
      check_equal(image.pixels, pixels);
    }
}

TEST_CASE("a PGM and a PPM of 8 or 16 bits give back the pixels they were written from") {
  const test::TemporaryFolder folder;
  for (const std::int64_t channels : {1, 3})
    for (const DType dtype : {u8, i32}) {
      const Tensor pixels = counting({5, 7, channels}, dtype, dtype == u8 ? 3 : 997);
      write_pnm(folder / "a.pnm", pixels);
      check_equal(read_image(folder / "a.pnm").pixels, pixels);
    }
}

TEST_CASE("a palette PNG is colours as a picture and indices as labels") {
  const test::TemporaryFolder folder;
  const auto path = folder / "a.png";
  const Tensor indices = Tensor::from<std::uint8_t>({0, 1, 2, 1}, {2, 2});
  write_png(path, indices, {{10, 20, 30}, {40, 50, 60}, {255, 0, 0}});
  check_equal(read_image(path).pixels,
              Tensor::from<std::uint8_t>({10, 20, 30, 40, 50, 60, 255, 0, 0, 40, 50, 60}, {2, 2, 3}));
  const Image labels = read_image(path, ImageUse::labels);
  check_equal(labels.pixels, indices.view({2, 2, 1}));
  CHECK(labels.palette.at(2) == Rgb{255, 0, 0});
  check_equal(read_mask(path), Tensor::from({0, 1, 2, 1}, {2, 2}));
}

TEST_CASE("an interlaced PNG of 2 bits a sample is stretched as a picture and kept as labels") {
  // 3 x 3 grey pixels 0 1 2 / 3 0 1 / 2 3 0, 2 bits, Adam7.
  const test::TemporaryFolder folder;
  const std::uint8_t bytes[] = {
      0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00,
      0x03, 0x00, 0x00, 0x00, 0x03, 0x02, 0x00, 0x00, 0x00, 0x01, 0x4E, 0xF4, 0xC2, 0x54, 0x00, 0x00, 0x00, 0x12, 0x49,
      0x44, 0x41, 0x54, 0x78, 0xDA, 0x63, 0x60, 0x60, 0x68, 0x00, 0x42, 0x07, 0x86, 0x03, 0x0C, 0x47, 0x00, 0x0C, 0x50,
      0x02, 0xC5, 0x86, 0x2A, 0xA0, 0xA9, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82,
  };
  const auto path = folder / "a.png";
  put(path, std::string(std::begin(bytes), std::end(bytes)));
  check_equal(read_mask(path), Tensor::from({0, 1, 2, 3, 0, 1, 2, 3, 0}, {3, 3}));
  check_equal(read_image(path).pixels, Tensor::from<std::uint8_t>({0, 85, 170, 255, 0, 85, 170, 255, 0}, {3, 3, 1}));
}

TEST_CASE("a JPEG is read as grey or RGB") {
  // An 8 x 8 RGB image of the colour (200, 100, 50) at quality 75, made by libjpeg.
  const test::TemporaryFolder folder;
  const std::uint8_t bytes[] = {
      0xFF, 0xD8, 0xFF, 0xE0, 0x00, 0x10, 0x4A, 0x46, 0x49, 0x46, 0x00, 0x01, 0x01, 0x01, 0x01, 0x2C, 0x01, 0x2C,
      0x00, 0x00, 0xFF, 0xDB, 0x00, 0x43, 0x00, 0x08, 0x06, 0x06, 0x07, 0x06, 0x05, 0x08, 0x07, 0x07, 0x07, 0x09,
      0x09, 0x08, 0x0A, 0x0C, 0x14, 0x0D, 0x0C, 0x0B, 0x0B, 0x0C, 0x19, 0x12, 0x13, 0x0F, 0x14, 0x1D, 0x1A, 0x1F,
      0x1E, 0x1D, 0x1A, 0x1C, 0x1C, 0x20, 0x24, 0x2E, 0x27, 0x20, 0x22, 0x2C, 0x23, 0x1C, 0x1C, 0x28, 0x37, 0x29,
      0x2C, 0x30, 0x31, 0x34, 0x34, 0x34, 0x1F, 0x27, 0x39, 0x3D, 0x38, 0x32, 0x3C, 0x2E, 0x33, 0x34, 0x32, 0xFF,
      0xDB, 0x00, 0x43, 0x01, 0x09, 0x09, 0x09, 0x0C, 0x0B, 0x0C, 0x18, 0x0D, 0x0D, 0x18, 0x32, 0x21, 0x1C, 0x21,
      0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32,
      0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32,
      0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0xFF, 0xC0, 0x00, 0x11,
      0x08, 0x00, 0x08, 0x00, 0x08, 0x03, 0x01, 0x22, 0x00, 0x02, 0x11, 0x01, 0x03, 0x11, 0x01, 0xFF, 0xC4, 0x00,
      0x15, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x00, 0x03, 0xFF, 0xC4, 0x00, 0x14, 0x10, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xC4, 0x00, 0x14, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06, 0xFF, 0xC4, 0x00, 0x14, 0x11, 0x01, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xDA, 0x00, 0x0C,
      0x03, 0x01, 0x00, 0x02, 0x11, 0x03, 0x11, 0x00, 0x3F, 0x00, 0x98, 0x03, 0x46, 0x0F, 0xFF, 0xD9};
  const auto path = folder / "a.jpg";
  const std::string whole(std::begin(bytes), std::end(bytes));
  put(path, whole);
  const Tensor pixels = read_image(path).pixels;
  CHECK(pixels.shape() == Shape{8, 8, 3});
  CHECK(pixels.at({7, 7, 0}) == doctest::Approx(200).epsilon(0.02));
  CHECK(pixels.at({7, 7, 1}) == doctest::Approx(100).epsilon(0.02));
  CHECK(pixels.at({7, 7, 2}) == doctest::Approx(50).epsilon(0.04));
  CHECK(channels_in(path) == 3);
  CHECK(refusal<IoError>(path, [&] { read_mask(path); }).find("a mask cannot be a JPEG") == 0);
  for (std::size_t size = 3; size < whole.size(); ++size) {
    put(path, whole.substr(0, size));
    CHECK(read_refusal(path).find("not a whole JPEG file: ") == 0);
  }
}

TEST_CASE("plain and bitmap PNM files are read, with comments") {
  const test::TemporaryFolder folder;
  const auto path = folder / "a.pnm";
  put(path, "P1\n# black is 1\n3 1\n1 01");
  check_equal(read_image(path).pixels, Tensor::from<std::uint8_t>({0, 255, 0}, {1, 3, 1}));
  check_equal(read_mask(path), Tensor::from({1, 0, 1}, {1, 3}));
  put(path, "P4 10 1\n\xA0\x40");
  check_equal(read_mask(path), Tensor::from({1, 0, 1, 0, 0, 0, 0, 0, 0, 1}, {1, 10}));
  put(path, "P2 2 1 # the largest value follows\n3\n1 3\n");
  check_equal(read_image(path).pixels, Tensor::from<std::uint8_t>({85, 255}, {1, 2, 1}));
  check_equal(read_mask(path), Tensor::from({1, 3}, {1, 2}));
  put(path, "P3 1 1 65535 1 2 65535");
  check_equal(read_image(path).pixels, Tensor::from({1, 2, 65535}, {1, 1, 3}));
}

TEST_CASE("a file's header tells how many channels the image has") {
  const test::TemporaryFolder folder;
  for (std::int64_t channels = 1; channels <= 4; ++channels) {
    write_png(folder / "a.png", Tensor::zeros({2, 3, channels}, channels == 2 ? i32 : u8));
    CHECK(channels_in(folder / "a.png") == channels);
  }
  write_png(folder / "a.png", Tensor::zeros({2, 3}, u8), {{1, 2, 3}});
  CHECK(channels_in(folder / "a.png") == 3);
  std::filesystem::resize_file(folder / "a.png", 50);  // in the palette's successor
  CHECK_THROWS_AS(channels_in(folder / "a.png"), IoError);
  for (int kind = 1; kind <= 6; ++kind) {
    put(folder / "a.pnm", fmt::format("P{} 1 1", kind));
    CHECK(channels_in(folder / "a.pnm") == (kind % 3 == 0 ? 3 : 1));
  }
}

TEST_CASE("every PNG cut short is refused by name") {
  const test::TemporaryFolder folder;
  const auto path = folder / "a.png";
  write_png(path, counting({20, 20, 3}, u8, 7));
  const std::string whole = contents(path);
  for (std::size_t size = 4; size < whole.size(); ++size) {
    put(path, whole.substr(0, size));
    CHECK(read_refusal(path).find("not a whole PNG file: ") == 0);
  }
}

TEST_CASE("a damaged PNG is refused with libpng's reason") {
  const test::TemporaryFolder folder;
  const auto path = folder / "a.png";
  write_png(path, counting({20, 20, 3}, u8, 7));
  std::string bytes = contents(path);
  bytes[bytes.size() - 14] = static_cast<char>(bytes[bytes.size() - 14] ^ 1);  // of the checksum of the pixels
  put(path, bytes);
  CHECK(read_refusal(path).find("not a whole PNG file: IDAT: ") == 0);
}

TEST_CASE("absurdly large images are refused before memory is taken for them") {
  const test::TemporaryFolder folder;
  const auto path = folder / "a";
  put(path, "P5 2000000000 2000000000 255\n");
  CHECK(read_refusal(path) == "2000000000 x 2000000000 pixels are beyond the limit of 134217728 pixels");
  put(path, "P5 10000 10000 255\nabc");
  CHECK(read_refusal(path) == "not a whole PNM file: it is too short for 10000 x 10000 pixels");
  // The header of a PNG of 100000 x 100000 pixels, with its right checksum.
  const std::uint8_t huge[] = {
      0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D, 0x49, 0x48, 0x44,
      0x52, 0x00, 0x01, 0x86, 0xA0, 0x00, 0x01, 0x86, 0xA0, 0x08, 0x02, 0x00, 0x00, 0x00, 0x27,
      0x30, 0x9C, 0x9F, 0x00, 0x00, 0x00, 0x00, 0x49, 0x44, 0x41, 0x54, 0x35, 0xAF, 0x06, 0x1E,
  };
  put(path, std::string(std::begin(huge), std::end(huge)));
  CHECK(read_refusal(path) == "100000 x 100000 pixels are beyond the limit of 134217728 pixels");
}

TEST_CASE("PNM files that make no sense are refused") {
  const test::TemporaryFolder folder;
  const auto path = folder / "a.pnm";
  put(path, "P5 3 x 255\n");
  CHECK(read_refusal(path) == "not a PNM file: expected a number as its height");
  put(path, "P5 0 1 255\n");
  CHECK(read_refusal(path) == "an image of 0 x 1 pixels is empty");
  put(path, "P5 1 1 70000\n12");
  CHECK(read_refusal(path) == "the largest value of a PNM file is 1 to 65535, not 70000");
  put(path, "P2 1 1 5 6\n");
  CHECK(read_refusal(path) == "the sample 6 lies beyond the largest value 5");
  put(path, "P1 1 1\n7");
  CHECK(read_refusal(path) == "the sample 7 lies beyond the largest value 1");
  put(path, "P2 3 1 255 1    2");
  CHECK(read_refusal(path) == "not a whole PNM file: it is cut short");
}

TEST_CASE("files that are no images are refused") {
  const test::TemporaryFolder folder;
  CHECK(read_refusal(folder / "missing") == "cannot open: No such file or directory");
  CHECK(read_refusal(folder.path()) == "is empty or cannot be read");
  put(folder / "empty", "");
  CHECK(read_refusal(folder / "empty") == "is empty or cannot be read");
  put(folder / "text", "hello");
  CHECK(read_refusal(folder / "text") == "is not a PNG, JPEG or PNM file");
}

TEST_CASE("a mask may be grey saved as RGB, but not coloured") {
  const test::TemporaryFolder folder;
  const auto path = folder / "a.png";
  write_png(path, Tensor::from<std::uint8_t>({4, 4, 4, 9, 9, 9}, {1, 2, 3}));
  check_equal(read_mask(path), Tensor::from({4, 9}, {1, 2}));
  write_png(path, Tensor::from<std::uint8_t>({4, 4, 4, 9, 9, 8}, {1, 2, 3}));
  CHECK(refusal<IoError>(path, [&] { read_mask(path); }) ==
        "the mask is coloured (3 channels): expected one class index a pixel, or a --colour-map that lists the "
        "classes' colours");
}

TEST_CASE("channels change only where nothing is lost") {
  const Image grey{Tensor::from<std::uint8_t>({1, 2}, {1, 2, 1}), 8, {}};
  check_equal(with_channels(grey, 3), Tensor::from<std::uint8_t>({1, 1, 1, 2, 2, 2}, {1, 2, 3}));
  check_equal(with_channels(grey, 2), Tensor::from<std::uint8_t>({1, 255, 2, 255}, {1, 2, 2}));
  const Image opaque{Tensor::from({7, 8, 9, 65535}, {1, 1, 4}), 16, {}};
  check_equal(with_channels(opaque, 3), Tensor::from({7, 8, 9}, {1, 1, 3}));
  CHECK_THROWS_WITH_AS(with_channels(opaque, 1), "expected 1 channel, got 4 that are not grey: save it in grey",
                       ValueError);
  const Image clear{Tensor::from<std::uint8_t>({7, 7, 7, 254}, {1, 1, 4}), 8, {}};
  CHECK_THROWS_WITH_AS(with_channels(clear, 3),
                       "expected 3 channels, got 4 with transparent pixels: save it without its alpha channel",
                       ValueError);
  check_equal(with_channels(clear, 2), Tensor::from<std::uint8_t>({7, 254}, {1, 1, 2}));
}

TEST_CASE("what cannot be an image is refused and leaves no file") {
  const test::TemporaryFolder folder;
  const auto path = folder / "a.png";
  CHECK(refusal<ValueError>(path, [&] {
          write_png(path, Tensor::ones({2, 2}));
        }) == "expected u8 or i32 pixels [H, W] or [H, W, 1 to 4], got f32 [2, 2]");
  CHECK(refusal<ValueError>(path, [&] {
          write_png(path, Tensor::ones({2, 2, 5}, u8));
        }) == "expected u8 or i32 pixels [H, W] or [H, W, 1 to 4], got u8 [2, 2, 5]");
  CHECK(refusal<ValueError>(path, [&] {
          write_png(path, Tensor::from({65536}, {1, 1}));
        }) == "a 16-bit image holds 0 to 65535, got the value 65536");
  CHECK(refusal<ValueError>(path, [&] {
          write_png(path, Tensor::full({1, 1}, 2, u8), {{0, 0, 0}, {1, 1, 1}});
        }) == "the index 2 lies beyond the 2 colours of the palette");
  CHECK(refusal<ValueError>(path, [&] {
          write_pnm(path, Tensor::ones({2, 2, 4}, u8));
        }) == "a PNM file has 1 or 3 channels, got 4");
  CHECK(!std::filesystem::exists(path));
  const auto nowhere = folder / "none/a.png";
  CHECK(refusal<IoError>(nowhere, [&] {
          write_png(nowhere, Tensor::ones({2, 2}, u8));
        }) == "cannot write: No such file or directory");
}

TEST_CASE("a full disk is an error of writing") {
  if (!std::filesystem::exists("/dev/full")) return;
  const test::TemporaryFolder folder;
  std::filesystem::create_symlink("/dev/full", folder / "a.png");
  CHECK(refusal<IoError>(folder / "a.png", [&] {
          write_png(folder / "a.png", Tensor::ones({200, 200}, u8));
        }).find("cannot write: ") == 0);
  CHECK(!std::filesystem::exists(std::filesystem::symlink_status(folder / "a.png")));
}

TEST_CASE("a PNG in memory has the bytes of its file") {
  const test::TemporaryFolder folder;
  const Tensor pixels = counting({5, 7, 3}, u8, 9);
  write_png(folder / "file.png", pixels);
  const std::vector<std::uint8_t> bytes = encode_png(pixels);
  CHECK(std::string(bytes.begin(), bytes.end()) == contents(folder / "file.png"));
  CHECK_THROWS_WITH_AS(encode_png(Tensor::zeros({2, 2})),
                       "PNG image: expected u8 or i32 pixels [H, W] or [H, W, 1 to 4], got f32 [2, 2]", ValueError);
}

}  // namespace
}  // namespace tessera
