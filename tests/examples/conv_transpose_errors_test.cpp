#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <tessera/interop/safetensors.hpp>

#include "tests/support/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE(
    "conv_transpose answers bad input with one line that names the rule and the nearest valid value, and status 2") {
  struct Bad {
    const char* arguments;
    const char* text;
  };
  const Bad cases[] = {
      {"--kernel-size 3", "--input-shape: is required, such as --input-shape 4x4x3"},
      {"--input-shape 4x4x3",
       "--kernel-size: is required, such as --kernel-size 3; or ask --solve 16x16 for the choices"},
      {"--input-shape 4x4 --kernel-size 3",
       "--input-shape: expected whole numbers up to 10^9 such as 4x4x3, got '4x4'"},
      {"--input-shape 4x4x1 --kernel-size 3y",
       "--kernel-size: expected whole numbers up to 10^9 such as 5 or 5x3, got '3y'"},
      {"--input-shape 4x4x1 --kernel-size 0", "--kernel-size: must be 1 or more, got 0; the nearest valid value is 1"},
      {"--input-shape 4x0x1 --kernel-size 3", "--input-shape: must be 1 or more, got 0; the nearest valid value is 1"},
      {"--input-shape 4x4x1 --kernel-size 3 --strides -2",
       "--strides: must be 1 or more, got -2; the nearest valid value is 1"},
      {"--input-shape 4x4x1 --kernel-size 2 --padding 9",
       "conv2d_transpose: the output height would be -13: (4 - 1) * 1 + 2 - 9 - 9; crop at most 4 pixels in all"},
      {"--input-shape 4x4x1 --kernel-size 3 --strides 2 --output-padding 2",
       "conv2d_transpose: output_padding 2 on the height axis must be at least 0 and below the larger of stride 2 and "
       "dilation rate 1; the nearest valid value is 1"},
      {"--input-shape 4x4x6 --filters 4 --kernel-size 3 --groups 5",
       "conv_transpose: .groups = 5 must divide .in_channels = 6 and .filters = 4; the nearest that does is 2"},
      {"--input-shape 40000x40000x1 --kernel-size 2",
       "conv_transpose: an input of 40000x40000 x 1 x 1 is more than the 67108864 numbers (2^26) this program takes; "
       "the "
       "nearest size that fits is 8192x8192"},
      {"--input-shape 4x4x1 --solve 1000000000x1",
       "conv_transpose: a wish of 1000000000x1 x 1 x 1 is more than the 67108864 numbers (2^26) this program takes; "
       "the "
       "nearest size that fits is 67108864x1"},
      {"--input-shape 4x4x1 --kernel-size 3 --padding full",
       "--padding: expected whole numbers up to 10^9 such as 1 or 0x0x1x1 (top, left, bottom, right), or same or "
       "valid, "
       "got 'full'"},
      {"--input-shape 127x127x1 --kernel-size 3 --svg x.svg",
       "conv_transpose: a picture shows every number, of 129x129 output pixels before the crop here; the most it draws "
       "is 128x128: take a smaller --input-shape"},
      {"--input-shape 4x4x512 --filters 512 --kernel-size 3 --html x.html",
       "conv_transpose: a picture holds at most 1048576 numbers (2^20), 512 channels and 512 filters make it 2385920: "
       "take fewer"},
      {"--input-shape 4x4x1 --kernel-size 3 --padding -1",
       "--padding: must be 0 or more, got -1; the nearest valid value is 0"},
      {"--input-shape 4x4x1 --kernel-size 3 --filters 0",
       "--filters: must be 1 or more, got 0; the nearest valid value is 1"},
      {"--input-shape 4x4x1 --kernel-size 3 --batch 0",
       "--batch: must be 1 or more, got 0; the nearest valid value is 1"},
      {"--input-shape 4x4x1 --kernel-size 3 --dilation-rate 0",
       "--dilation-rate: must be 1 or more, got 0; the nearest valid value is 1"},
      {"--input-shape 4x4x1 --kernel-size 1000000000 --strides 1000000000",
       "conv_transpose: a kernel of 1000000000x1000000000 x 1 x 1 is more than the 67108864 numbers (2^26) this "
       "program "
       "takes; the nearest size that fits is 8192x8192"},
      {"--input-shape 4x4x1 --kernel-size 3 --strides 1000000000",
       "conv_transpose: sums before the crop of 3000000003x3000000003 x 1 x 1 is more than the 67108864 numbers (2^26) "
       "this program takes; the nearest size that fits is 8192x8192"},
      {"--input-shape 4x4x1 --kernel-size 3 --expect 1000000000x1000000000",
       "conv_transpose: a wish of 1000000000x1000000000 x 1 x 1 is more than the 67108864 numbers (2^26) this program "
       "takes; the nearest size that fits is 8192x8192"},
      {"--input-shape 4x4x1 --solve 16x16 --strides 17",
       "--strides: --solve searches up to 16, got 17; the nearest valid value is 16"},
      {"--input-shape 4x4x1 --solve 16x16 --output-padding 8",
       "--output-padding: 8 must be at least 0 and below the larger of strides (up to 8) and dilation rate 1; the "
       "nearest valid value is 7"},
      {"--input-shape 4x4x1 --solve 16x16 --strides 2 --output-padding 2",
       "--output-padding: 2 must be at least 0 and below the larger of strides 2 and dilation rate 1; the nearest "
       "valid "
       "value is 1"},
      {"--input-shape 4x4x1 --solve 16x16 --compare", "--solve excludes --compare"},
      {"--load /nowhere.safetensors", "/nowhere.safetensors: cannot open: No such file or directory"},
      {"--bogus", "The following argument was not expected: --bogus"},
  };
  for (const Bad& bad : cases) {
    CAPTURE(bad.arguments);
    const Ran ran = run_program("conv_transpose", bad.arguments);
    CHECK(ran.text == std::string(bad.text) + "\n");
    CHECK(ran.status == 2);
  }
}

TEST_CASE("conv_transpose leaves no file behind when the input is refused") {
  const TemporaryFolder folder;
  const std::string path = (folder / "out.safetensors").string();
  const Ran ran = run_program("conv_transpose", "--input-shape 4x4x1 --kernel-size 2 --padding 9 --save " + path +
                                                    " --html " + (folder / "page.html").string());
  CHECK(ran.status == 2);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("conv_transpose ends with 2 and one line, and leaves no half file, where it cannot write") {
  const TemporaryFolder folder;
  std::ofstream(folder / "file") << "not a folder";
  for (const char* option : {"--save", "--html", "--svg"})
    for (const char* place : {"missing/out", "file/out"}) {
      const std::string path = (folder / place).string();
      const Ran ran = run_program(
          "conv_transpose", std::string("--input-shape 3x3x1 --kernel-size 3 --strides 2 ") + option + " " + path);
      CHECK(ran.status == 2);
      CHECK_MESSAGE(ran.text.starts_with(path + ": "), ran.text);
      CHECK(ran.text.find('\n') == ran.text.size() - 1);
    }
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
  const Ran full = run_program("conv_transpose", "--input-shape 3x3x1 --kernel-size 3 2>&1 >/dev/full; exit $?; :");
  CHECK(full.status == 2);
  CHECK(full.text.find("No space left on device") != std::string::npos);
}

TEST_CASE("conv_transpose names the tensor that does not fit") {
  const TemporaryFolder folder;
  const std::string path = (folder / "case.safetensors").string();
  const auto loaded = [&](const std::map<std::string, Tensor>& tensors, const std::string& options = "") {
    write_safetensors(path, tensors);
    const Ran ran = run_program("conv_transpose", "--load " + path + options);
    CHECK(ran.status == 2);
    CHECK(ran.text.starts_with(path + ": ") == options.empty());
    CHECK(ran.text.find('\n') == ran.text.size() - 1);
    return ran.text.substr(options.empty() ? path.size() + 2 : 0);
  };
  const Tensor input = Tensor::ones({1, 4, 4, 3}), kernel = Tensor::ones({5, 5, 2, 3});
  CHECK(loaded({{"input", input}}) == "holds no tensor named 'kernel'; it holds input\n");
  CHECK(loaded({{"input", Tensor::ones({4, 4, 3})}, {"kernel", kernel}}) ==
        "'input' has shape [4, 4, 3], expected [N, H, W, C]\n");
  CHECK(loaded({{"input", input}, {"kernel", Tensor::ones({5, 5, 2, 4})}}) ==
        "'kernel' [5, 5, 2, 4] takes 4 channels, 'input' [1, 4, 4, 3] has 3\n");
  CHECK(loaded({{"input", input}, {"kernel", kernel.to(f64)}}) == "'kernel' is f64, expected f32 as 'input' is\n");
  CHECK(loaded({{"input", input.to(i32)}, {"kernel", kernel.to(i32)}}) == "'input' is i32, expected F32 or F64\n");
  CHECK(loaded({{"input", input}, {"kernel", kernel}, {"bias", Tensor::ones({3})}}) ==
        "'bias' has shape [3], expected [2]\n");
  CHECK(loaded({{"input", input}, {"kernel", kernel}, {"output_grad", Tensor::ones({1, 9, 9, 2})}}) ==
        "'output_grad' has shape [1, 9, 9, 2], expected [1, 8, 8, 2]\n");
  CHECK(loaded({{"input", input}, {"kernel", kernel}}, " --filters 5") ==
        "--filters: says otherwise than the shapes in " + path + "\n");
}

TEST_CASE("conv_transpose names the file that is no safetensors file") {
  const TemporaryFolder folder;
  const std::string path = (folder / "text.safetensors").string();
  std::ofstream(path) << "hello";
  const Ran ran = run_program("conv_transpose", "--load " + path);
  CHECK(ran.status == 2);
  CHECK(ran.text.starts_with(path + ": "));
  CHECK(ran.text.find('\n') == ran.text.size() - 1);
}
