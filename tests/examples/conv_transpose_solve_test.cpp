#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <tuple>

#include "tests/support/program.hpp"

using namespace tessera::test;

namespace {

/// A layer of one axis as it acts: kernel, stride, crop at the begin, crop at the end.
using Layer = std::tuple<int, int, int, int>;
using Output = int;

/// Every layer within the bounds by the frameworks' own size rules, without the library: what `n` pixels become.
std::map<Output, std::set<Layer>> brute_force(int n) {
  std::map<Output, std::set<Layer>> layers;
  for (int s = 1; s <= 8; ++s)
    for (int k = 1; k <= 2 * s + 5; ++k) {
      const int natural = (n - 1) * s + k;
      const auto add = [&](int begin, int output) {
        if (output >= 1) layers[output].insert({k, s, begin, natural - begin - output});
      };
      add(k > s ? (k - s) / 2 : 0, n * s);   // Keras 'same'
      add(0, (n - 1) * s + std::max(k, s));  // Keras 'valid'
      for (int op = 0; op < s; ++op) {
        add(0, natural + op);                  // Keras 'valid' with output_padding
        const int total = k + k % 2 - 2 + op;  // Keras 'same' with output_padding
        add(k - 1 - std::min((total + 1) / 2, k - 1), (n - 1) * s + k % 2 + op);
        for (int begin = 0; begin < k; ++begin)  // numbers, as in ONNX
          for (int end = 0; end < k; ++end) add(begin, natural - begin - end + op);
      }
    }
  return layers;
}

int number_after(const std::string& text, const std::string& option) {
  const std::size_t at = text.find(option);
  REQUIRE(at != std::string::npos);
  return std::stoi(text.substr(at + option.size()));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// The layer that a printed command stands for, its crop worked out anew from the words.
Layer layer_of(const std::string& command, int n, int output) {
  const int k = number_after(command, "--kernel-size "), s = number_after(command, "--strides ");
  const int natural = (n - 1) * s + k;
  const std::string padding = command.substr(command.find("--padding ") + 10);
  const bool with_op = command.find("--output-padding") != std::string::npos;
  int begin = 0;
  if (padding.starts_with("same") && with_op) {
    const int total = k + k % 2 - 2 + number_after(command, "--output-padding ");
    begin = k - 1 - std::min((total + 1) / 2, k - 1);
  } else if (padding.starts_with("same")) {
    begin = k > s ? (k - s) / 2 : 0;
  } else if (!padding.starts_with("valid")) {
    begin = std::stoi(padding);
  }
  return {k, s, begin, natural - begin - output};
}

std::string size_of(int n) { return fmt::format("{}x{}", n, n); }

}  // namespace

TEST_CASE("conv_transpose --solve finds every layer that brute force finds, and no other") {
  for (const auto& sizes : {std::pair(4, 16), {4, 12}, {1, 5}, {3, 2}, {7, 13}, {2, 23}}) {
    const int n = sizes.first, wish = sizes.second;
    CAPTURE(n);
    CAPTURE(wish);
    const Ran ran =
        run_program("conv_transpose", fmt::format("--input-shape {}x1 --solve {} --full", size_of(n), size_of(wish)));
    REQUIRE(ran.status == 0);
    const auto expected = brute_force(n)[wish];
    std::set<Layer> found;
    for (const auto& line : lines_of(ran.text))
      if (line.starts_with("  conv_transpose") && line.find("&&") == std::string::npos) {
        const std::string command = line.substr(0, line.find("#"));
        CHECK_MESSAGE(found.insert(layer_of(command, n, wish)).second, command);
      }
    CHECK(found == expected);
  }
}

TEST_CASE("conv_transpose --solve finds every chain of two layers that brute force finds") {
  using Chain = std::tuple<int, int, int, int, int>;  // kernel and stride of both, and the size between
  for (const auto& sizes : {std::pair(4, 16), {2, 9}}) {
    const int n = sizes.first, wish = sizes.second;
    CAPTURE(n);
    CAPTURE(wish);
    std::set<Chain> expected;
    std::size_t crops = 0;
    for (const auto& [between, firsts] : brute_force(n)) {
      const auto seconds = brute_force(between)[wish];
      crops += firsts.size() * seconds.size();
      for (const auto& first : firsts)
        for (const auto& second : seconds)
          expected.insert({std::get<0>(first), std::get<1>(first), std::get<0>(second), std::get<1>(second), between});
    }
    const Ran ran =
        run_program("conv_transpose", fmt::format("--input-shape {}x1 --solve {} --full", size_of(n), size_of(wish)));
    std::set<Chain> found;
    for (const auto& line : lines_of(ran.text))
      if (const std::size_t joint = line.find(" && "); joint != std::string::npos) {
        const std::string first = line.substr(0, joint), second = line.substr(joint);
        found.insert({number_after(first, "--kernel-size "), number_after(first, "--strides "),
                      number_after(second, "--kernel-size "), number_after(second, "--strides "),
                      number_after(second, "--input-shape ")});
      }
    CHECK(found == expected);
    CHECK(ran.text.find(fmt::format("Two layers, each treating both axes alike: {} kernels and strides (here with the "
                                    "best crop), {} with every crop",
                                    expected.size(), crops)) != std::string::npos);
  }
}

TEST_CASE("conv_transpose --solve puts even overlap first, then the least work") {
  const Ran ran = run_program("conv_transpose", "--input-shape 4x4x3 --filters 3 --solve 16x16 --limit 100");
  std::pair<bool, int> before{false, 0};
  const std::regex note("# (even|uneven), ([0-9]+) multiply-adds");
  int seen = 0;
  for (const auto& line : lines_of(ran.text)) {
    if (line.starts_with("Two layers")) before = {false, 0};
    std::smatch match;
    if (!std::regex_search(line, match, note)) continue;
    const std::pair<bool, int> now{match[1] == "uneven", std::stoi(match[2])};
    CHECK(before <= now);
    before = now;
    ++seen;
  }
  CHECK(seen == 75 + 100);
  CHECK(lines_of(ran.text)[2] ==
        "  conv_transpose --input-shape 4x4x3 --filters 3 --kernel-size 4 --strides 4 --padding same  # even, 2304 "
        "multiply-adds, 3 more ways to crop; also --padding valid, 0");
}

TEST_CASE("conv_transpose --solve gives each axis its own choice where none serves both") {
  const Ran ran = run_program("conv_transpose", "--input-shape 4x6x1 --solve 16x12 --limit 1");
  CHECK(ran.text.find("no one choice serves both axes") != std::string::npos);
  CHECK(ran.text.find(
            "  conv_transpose --input-shape 4x6x1 --filters 1 --kernel-size 4x2 --strides 4x2 --padding same  # "
            "even, 192 multiply-adds") != std::string::npos);
}

TEST_CASE("conv_transpose --solve offers the nearest size for an impossible wish") {
  const Ran ran = run_program("conv_transpose", "--input-shape 4x4x1 --solve 1000x1000");
  CHECK(ran.status == 0);
  CHECK(ran.text.find("None. The nearest that can be had is 436x436:") != std::string::npos);
  int largest = 0;
  for (const auto& [between, layers] : brute_force(4))
    largest = std::max(largest, brute_force(between).rbegin()->first);
  CHECK(largest == 436);
}
