#pragma once

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <tessera/core/error.hpp>
#include <tessera/core/text.hpp>
#include <tessera/train/run_options.hpp>

namespace tessera {

/// How an option of a type is read from text and written as text; the rows of run_options() are made of these.
///
/// `field` returns a reference to the option's member, of constant and of mutable RunOptions.
struct OptionValue {
  std::string shown;
  bool quoted;
  std::function<void(RunOptions&, const std::string&)> set;
  std::function<std::string(const RunOptions&)> get;
};

/// `nearest`: the valid value that may be meant, where there is one.
[[noreturn]] inline void refuse_value(std::string_view expected, const std::string& text, std::string nearest = "") {
  if (!nearest.empty()) nearest.insert(0, "; the nearest is ");
  throw ValueError(fmt::format("expected {}, got {}{}", expected, text.empty() ? "nothing" : text, nearest));
}

/// `check(text)` throws for a text that will not do.
template <class Field, class Check>
OptionValue text_value(std::string shown, Field field, Check check) {
  return {std::move(shown), true,
          [=](RunOptions& o, const std::string& text) {
            check(text);
            field(o) = text;
          },
          [=](const RunOptions& o) { return std::filesystem::path(field(o)).string(); }};
}

template <class Field>
OptionValue text_value(std::string shown, Field field) {
  return text_value(std::move(shown), field, [](const std::string& text) {
    if (text.empty()) refuse_value("a text", text);
  });
}

template <class Field>
OptionValue choice_value(const std::vector<std::string>& choices, Field field) {
  return {fmt::format("{}", fmt::join(choices, "|")), true,
          [=](RunOptions& o, const std::string& text) {
            if (std::find(choices.begin(), choices.end(), text) == choices.end())
              refuse_value(fmt::format("one of {}", fmt::join(choices, ", ")), text);
            field(o) = text;
          },
          [=](const RunOptions& o) { return field(o); }};
}

/// Numbers that an option takes. Its member holds `unset` until it is given; that need not be one of them.
template <class Number>
struct NumberRange {
  Number least = 0;
  Number most = std::numeric_limits<Number>::max();
  Number unset = 0;
  bool without_least = false;

  bool holds(Number number) const { return number >= least && number <= most && !(without_least && number == least); }
  /// Of the numbers held, the one nearest to `number`; empty where there is none.
  std::string nearest(Number number) const {
    const Number held = std::clamp(number, least, most);
    return holds(held) ? fmt::format("{}", held) : "";
  }
  std::string str() const {
    if constexpr (std::is_integral_v<Number>) {
      if (most == std::numeric_limits<Number>::max()) return fmt::format("a whole number from {} on", least);
      return fmt::format("a whole number from {} to {}", least, most);
    } else {
      if (most < std::numeric_limits<Number>::max()) return fmt::format("a number from {} to {}", least, most);
      return without_least ? fmt::format("a number above {}", least) : fmt::format("a number from {} on", least);
    }
  }
};

template <class Number, class Field>
OptionValue number_value(std::string shown, NumberRange<Number> range, Field field) {
  return {std::move(shown), false,
          [=](RunOptions& o, const std::string& text) {
            const std::optional<Number> number = parse_number<Number>(text);
            if (!number) refuse_value(range.str(), text);
            if (!range.holds(*number)) refuse_value(range.str(), text, range.nearest(*number));
            field(o) = *number;
          },
          [=](const RunOptions& o) {
            const Number number = field(o);
            return number == range.unset && !range.holds(number) ? std::string() : fmt::format("{}", number);
          }};
}

/// A member that is bool or std::optional<bool>.
template <class Field>
OptionValue flag_value(Field field) {
  return {"", false,
          [=](RunOptions& o, const std::string& text) {
            if (text != "true" && text != "false") refuse_value("true or false", text);
            field(o) = text == "true";
          },
          [=](const RunOptions& o) {
            const std::optional<bool> on = field(o);
            return on ? fmt::format("{}", *on) : std::string();
          }};
}

template <class Field>
OptionValue size_value(Field field) {
  return {"N|HxW", true, [=](RunOptions& o, const std::string& text) { field(o) = parse_size(text); },
          [=](const RunOptions& o) { return field(o) == Size2D{} ? std::string() : field(o).str(); }};
}

}  // namespace tessera
