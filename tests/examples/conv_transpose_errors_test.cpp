#include <doctest/doctest.h>

#include <fstream>

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
      {"--input-shape 100x100x1 --kernel-size 3 --svg x.svg",
       "conv_transpose: a picture of 102x102 output pixels before the crop cannot be read; the most it draws is 64x64: "
       "take "
       "a smaller --input-shape"},
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

TEST_CASE("conv_transpose names the file that is no safetensors file") {
  const TemporaryFolder folder;
  const std::string path = (folder / "text.safetensors").string();
  std::ofstream(path) << "hello";
  const Ran ran = run_program("conv_transpose", "--load " + path);
  CHECK(ran.status == 2);
  CHECK(ran.text.starts_with(path + ": "));
  CHECK(ran.text.find('\n') == ran.text.size() - 1);
}
