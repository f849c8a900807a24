#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <tuple>
#include <vector>

#include "tests/support/program.hpp"

using namespace tessera::test;

namespace {

/// A layer of one axis as it acts: kernel, stride, crop at the begin, crop at the end.
using Layer = std::tuple<int, int, int, int>;
using Output = int;

/// One wording of a layer: padding ("same", "valid" or "numbers") and output_padding, -1 where there is none.
struct Wording {
  std::string padding;
  int begin, end, output_padding;
};

/// What a search is held to; everything within the bounds by default.
struct Allowed {
  std::function<bool(int kernel, int stride, const Wording& wording)> holds = nullptr;
  std::optional<std::pair<int, int>> numbers = std::nullopt;  ///< a padding in numbers, kept to beyond the bounds too
};

/// Every layer within the bounds by the frameworks' own size rules, without the library: what `n` pixels become; with
/// `only`, those that become this.
std::map<Output, std::set<Layer>> brute_force(int n, const Allowed& allowed = {}, int dilation = 1, int only = 0) {
  std::map<Output, std::set<Layer>> layers;
  for (int s = 1; s <= 8; ++s)
    for (int k = 1; k <= 2 * s + 5; ++k) {
      const int span = (k - 1) * dilation + 1, natural = (n - 1) * s + span;
      const auto add = [&](const Wording& wording, int begin, int output) {
        if (output >= 1 && (only == 0 || output == only) && (!allowed.holds || allowed.holds(k, s, wording)))
          layers[output].insert({k, s, begin, natural - begin - output});
      };
      add({"same", 0, 0, -1}, span > s ? (span - s) / 2 : 0, n * s);
      add({"valid", 0, 0, -1}, 0, (n - 1) * s + std::max(span, s));
      for (int op = 0; op < std::max(s, dilation); ++op) {
        add({"valid", 0, 0, op}, 0, natural + op);
        const int total = span + span % 2 - 2 + op;
        add({"same", 0, 0, op}, span - 1 - std::min((total + 1) / 2, span - 1), (n - 1) * s + span % 2 + op);
        const auto add_numbers = [&](int begin, int end) {  // as in ONNX
          add({"numbers", begin, end, op}, begin, natural - begin - end + op);
        };
        if (allowed.numbers) {
          add_numbers(allowed.numbers->first, allowed.numbers->second);
          continue;
        }
        for (int begin = 0; begin < span; ++begin) {
          const int needed = natural - begin + op - only;  // the one end that gives `only`
          const int first = only == 0 ? 0 : std::max(needed, 0),
                    last = only == 0 ? span - 1 : std::min(needed, span - 1);
          for (int end = first; end <= last; ++end) add_numbers(begin, end);
        }
      }
    }
  return layers;
}

/// The crops in all of every chain of two layers that takes `n` to `wish`.
std::size_t count_chains(int n, int wish, const Allowed& allowed = {}) {
  std::size_t count = 0;
  for (const auto& [between, firsts] : brute_force(n, allowed)) {
    const auto onward = brute_force(between, allowed, 1, wish);
    if (const auto seconds = onward.find(wish); seconds != onward.end())
      count += firsts.size() * seconds->second.size();
  }
  return count;
}

std::string size_of(int n) { return fmt::format("{}x{}", n, n); }

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// What stands behind an option of a printed command, up to the next blank.
std::string word_after(const std::string& text, const std::string& option) {
  const std::size_t at = text.find(option);
  if (at == std::string::npos) return "";
  return text.substr(at + option.size(), text.find(' ', at + option.size()) - at - option.size());
}

enum { height, width };

/// The number of "5" or "4x5" for an axis.
int axis_of(const std::string& word, int axis) {
  const std::size_t joint = word.find('x');
  return std::stoi(axis == width && joint != std::string::npos ? word.substr(joint + 1) : word);
}

/// The layer that a printed command stands for along an axis, its crop worked out anew from the words. `output`: the
/// pixels that it gives there.
Layer layer_of(const std::string& command, int axis, int output, int dilation = 1) {
  const int n = axis_of(word_after(command, "--input-shape "), axis);
  const int k = axis_of(word_after(command, "--kernel-size "), axis),
            s = axis_of(word_after(command, "--strides "), axis);
  const int span = (k - 1) * dilation + 1, natural = (n - 1) * s + span;
  const std::string padding = word_after(command, "--padding "), op = word_after(command, "--output-padding ");
  int begin = 0;
  if (padding == "same" && !op.empty()) {
    const int total = span + span % 2 - 2 + axis_of(op, axis);
    begin = span - 1 - std::min((total + 1) / 2, span - 1);
  } else if (padding == "same") {
    begin = span > s ? (span - s) / 2 : 0;
  } else if (padding != "valid") {
    begin = axis_of(padding, axis);  // top or left
  }
  return {k, s, begin, natural - begin - output};
}

/// The lines below the title that begins so; without the note.
std::vector<std::string> listed(const std::string& text, const std::string& title) {
  std::vector<std::string> commands;
  bool within = false;
  for (const auto& line : lines_of(text)) {
    if (!line.starts_with("  ")) within = line.starts_with(title);
    if (within && line.starts_with("  conv_transpose")) commands.push_back(line.substr(2, line.find(" #") - 2));
  }
  return commands;
}

std::set<Layer> layers_of(const std::vector<std::string>& commands, int axis, int output, int dilation = 1) {
  std::set<Layer> found;
  for (const auto& command : commands)
    CHECK_MESSAGE(found.insert(layer_of(command, axis, output, dilation)).second, command);
  return found;
}

/// Two layers of an axis with the size between.
using Chain = std::tuple<Layer, int, Layer>;

std::set<Chain> chains_by_brute_force(int n, int wish) {
  std::set<Chain> chains;
  for (const auto& [between, firsts] : brute_force(n)) {
    const auto onward = brute_force(between, {}, 1, wish);
    const auto seconds = onward.find(wish);
    if (seconds == onward.end()) continue;
    for (const auto& first : firsts)
      for (const auto& second : seconds->second) chains.insert({first, between, second});
  }
  return chains;
}

std::set<Chain> chains_of(const std::vector<std::string>& commands, int axis, int output) {
  std::set<Chain> found;
  std::size_t lines = 0;
  for (const auto& command : commands) {
    const std::size_t joint = command.find(" && ");
    const std::string first = command.substr(0, joint), second = command.substr(joint);
    const int between = axis_of(word_after(second, "--input-shape "), axis);
    found.insert({layer_of(first, axis, between), between, layer_of(second, axis, output)});
    ++lines;
  }
  CHECK(found.size() == lines);
  return found;
}

}  // namespace

TEST_CASE("conv_transpose --solve finds every layer that brute force finds, and no other") {
  struct Question {
    int n, wish, dilation;
  };
  for (const Question question :
       {Question{4, 16, 1}, {4, 12, 1}, {1, 5, 1}, {3, 2, 1}, {7, 13, 1}, {2, 23, 1}, {3, 9, 2}, {4, 11, 3}}) {
    const int n = question.n, wish = question.wish, dilation = question.dilation;
    CAPTURE(n);
    CAPTURE(wish);
    CAPTURE(dilation);
    // Chains are another test's; there can be a million of them.
    const Ran ran =
        run_program("conv_transpose", fmt::format("--input-shape {}x1 --solve {} --dilation-rate {} --full | "
                                                  "sed '/^Two layers/q'",
                                                  size_of(n), size_of(wish), dilation));
    REQUIRE(ran.text.find("\nTwo layers") != std::string::npos);
    const auto expected = brute_force(n, {}, dilation, wish)[wish];
    CHECK(layers_of(listed(ran.text, "One layer, both axes alike"), height, wish, dilation) == expected);
    CHECK(ran.text.find(fmt::format("any of {0} heights with any of {0} widths, {1} in all", expected.size(),
                                    expected.size() * expected.size())) != std::string::npos);
  }
}

TEST_CASE("conv_transpose --solve finds every chain of two layers that brute force finds, and no other") {
  for (const auto& question : {std::pair(4, 16), {2, 9}}) {
    const int n = question.first, wish = question.second;
    CAPTURE(n);
    CAPTURE(wish);
    const Ran ran =
        run_program("conv_transpose", fmt::format("--input-shape {}x1 --solve {} --full", size_of(n), size_of(wish)));
    const auto expected = chains_by_brute_force(n, wish);
    const bool complete = chains_of(listed(ran.text, "Two layers, both axes alike"), height, wish) == expected;
    CHECK(complete);
    CHECK(ran.text.find(
              fmt::format("Two layers, each axis its own: any of {0} heights with any of {0} widths, {1} in all",
                          expected.size(), expected.size() * expected.size())) != std::string::npos);
  }
}

TEST_CASE("conv_transpose --solve finds every choice of each axis by itself") {
  // Height and width differ, so each has its list: any line of one goes with any of the other.
  const Ran ran = run_program("conv_transpose", "--input-shape 3x2x1 --solve 5x6 --full");
  REQUIRE(ran.status == 0);
  const auto rows = brute_force(3)[5], columns = brute_force(2)[6];
  CHECK(layers_of(listed(ran.text, "One layer, every height"), height, 5) == rows);
  CHECK(layers_of(listed(ran.text, "One layer, every width"), width, 6) == columns);
  std::set<Layer> both;
  std::set_intersection(rows.begin(), rows.end(), columns.begin(), columns.end(), std::inserter(both, both.end()));
  CHECK(layers_of(listed(ran.text, "One layer, both axes alike"), height, 5) == both);
  CHECK(layers_of(listed(ran.text, "One layer, both axes alike"), width, 6) == both);
  const auto high = chains_by_brute_force(3, 5), wide = chains_by_brute_force(2, 6);
  const bool every_height = chains_of(listed(ran.text, "Two layers, every height"), height, 5) == high;
  const bool every_width = chains_of(listed(ran.text, "Two layers, every width"), width, 6) == wide;
  CHECK(every_height);
  CHECK(every_width);
  CHECK(ran.text.find(fmt::format("One layer, each axis its own: any of {} heights with any of {} widths, {} in all",
                                  rows.size(), columns.size(), rows.size() * columns.size())) != std::string::npos);
  CHECK(ran.text.find(fmt::format("Two layers, each axis its own: any of {} heights with any of {} widths, {} in all",
                                  high.size(), wide.size(), high.size() * wide.size())) != std::string::npos);
  // Best first, among layers that differ too.
  const auto own = listed(ran.text, "One layer, each axis its own");
  REQUIRE(!own.empty());
  for (const auto& command : {own.front(), listed(ran.text, "One layer, every width").back()})
    CHECK(run_program("conv_transpose", command.substr(15) + " --expect 5x6").status == 0);
}

TEST_CASE("conv_transpose --solve prints commands that give what was asked, chains as well") {
  const Ran ran = run_program("conv_transpose", "--input-shape 3x4x2 --filters 2 --groups 2 --solve 11x9 --limit 40");
  int seen = 0;
  for (const auto& line : lines_of(ran.text)) {
    if (!line.starts_with("  conv_transpose")) continue;
    const std::string command = line.substr(2, line.find(" #") - 2);
    const std::size_t joint = command.find(" && ");
    const std::string last = joint == std::string::npos ? command : command.substr(joint + 4);
    CHECK_MESSAGE(run_program("conv_transpose", last.substr(15) + " --expect 11x9").status == 0, last);
    if (joint != std::string::npos) {
      const std::string shape = word_after(last, "--input-shape ");
      CHECK(run_program("conv_transpose",
                        command.substr(15, joint - 15) + " --expect " + shape.substr(0, shape.size() - 2))
                .status == 0);
    }
    ++seen;
  }
  CHECK(seen == 80);
}

TEST_CASE("conv_transpose --solve keeps to the parameters given beside it") {
  struct Question {
    const char* options;
    Allowed allowed;
  };
  const auto in_numbers = [](int, int, const Wording& w) { return w.padding == "numbers"; };
  const Question questions[] = {
      {"--kernel-size 4", {[](int k, int, const Wording&) { return k == 4; }}},
      {"--strides 2", {[](int, int s, const Wording&) { return s == 2; }}},
      {"--padding same", {[](int, int, const Wording& w) { return w.padding == "same"; }}},
      {"--padding valid", {[](int, int, const Wording& w) { return w.padding == "valid"; }}},
      {"--padding 1", {in_numbers, std::pair(1, 1)}},
      {"--padding 2x2x0x0", {in_numbers, std::pair(2, 0)}},
      {"--output-padding 3", {[](int, int, const Wording& w) { return w.output_padding == 3; }}},
      {"--strides 3 --padding same --output-padding 1",
       {[](int, int s, const Wording& w) { return s == 3 && w.padding == "same" && w.output_padding == 1; }}},
  };
  for (const Question& question : questions)
    for (const int wish : {16, 9}) {
      const char* const options = question.options;
      const Allowed& allowed = question.allowed;
      CAPTURE(options);
      CAPTURE(wish);
      const Ran ran = run_program("conv_transpose",
                                  fmt::format("--input-shape 4x4x1 --solve {} --full {}", size_of(wish), options));
      REQUIRE(ran.status == 0);
      const auto expected = brute_force(4, allowed, 1, wish)[wish];
      if (ran.text.find("The nearest") != std::string::npos) {
        CHECK(expected.empty());
        CHECK(count_chains(4, wish, allowed) == 0);
        continue;
      }
      CHECK(layers_of(listed(ran.text, "One layer, both axes alike"), height, wish) == expected);
      std::size_t chains = 0;
      for (const auto& line : lines_of(ran.text))
        if (line.starts_with("Two layers, both axes alike"))
          chains = static_cast<std::size_t>(std::stoul(line.substr(line.find("strides, ") + 9)));
      CHECK(chains == count_chains(4, wish, allowed));
    }
  // Height and width must be worded alike: all pairs by brute force.
  std::size_t pairs = 0;
  std::set<std::pair<Layer, Layer>> distinct;
  for (const bool appends : {false, true}) {
    const auto layers = brute_force(
        4, {[&](int, int, const Wording& w) { return w.padding == "same" && (w.output_padding >= 0) == appends; }})[16];
    for (const auto& row : layers)
      for (const auto& column : layers) distinct.insert({row, column});
  }
  pairs = distinct.size();
  const Ran ran = run_program("conv_transpose", "--input-shape 4x4x1 --solve 16x16 --padding same");
  CHECK(ran.text.find(fmt::format("worded alike, {} in all", pairs)) != std::string::npos);
}

TEST_CASE("conv_transpose --solve puts even overlap first, then the least work") {
  const Ran ran = run_program("conv_transpose", "--input-shape 4x4x3 --filters 3 --solve 16x16 --limit 100");
  std::pair<bool, int> before{false, 0};
  int seen = 0;
  for (const auto& line : lines_of(ran.text)) {
    if (!line.starts_with("  ")) before = {false, 0};
    const std::size_t note = line.find("  # ");  // "  # even, 2304 multiply-adds"
    if (note == std::string::npos) continue;
    const std::pair<bool, int> now{line.find("# uneven, ") != std::string::npos,
                                   std::stoi(line.substr(line.find(", ", note) + 2))};
    CHECK(before <= now);
    before = now;
    ++seen;
  }
  CHECK(seen == 75 + 3 + 100 + 3);
  CHECK(lines_of(ran.text)[2] ==
        "  conv_transpose --input-shape 4x4x3 --filters 3 --kernel-size 4 --strides 4 --padding same  # even, 2304 "
        "multiply-adds, 3 more ways to crop; also --padding valid, 0");
}

TEST_CASE("conv_transpose --solve gives each axis its own choice where none serves both") {
  const Ran ran = run_program("conv_transpose", "--input-shape 4x6x1 --solve 16x12 --limit 1");
  CHECK(ran.text.find("both axes alike") == std::string::npos);
  CHECK(ran.text.find(
            "  conv_transpose --input-shape 4x6x1 --filters 1 --kernel-size 4x2 --strides 4x2 --padding same  # "
            "even, 192 multiply-adds") != std::string::npos);
}

TEST_CASE("conv_transpose --solve offers the nearest size for an impossible wish") {
  const Ran ran = run_program("conv_transpose", "--input-shape 4x4x1 --solve 1000x1000");
  CHECK(ran.status == 0);
  CHECK(ran.text.find("The nearest that can be had is 436x436:") != std::string::npos);
  int largest = 0;
  for (const auto& [between, layers] : brute_force(4))
    largest = std::max(largest, brute_force(between).rbegin()->first);
  CHECK(largest == 436);
}
