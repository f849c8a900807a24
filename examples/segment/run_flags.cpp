#include "run_flags.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "commands.hpp"

namespace segment {
namespace {

using nlohmann::json;
using tessera::RunOption;
using tessera::RunOptions;
namespace fs = std::filesystem;

using NamedValues = std::vector<std::pair<std::string, std::string>>;

/// CLI11's reader ends a line at every '#', also at one within quotes.
std::string without_comments(std::istream& file) {
  std::string text;
  for (std::string line; std::getline(file, line);) {
    char quote = 0;
    const auto end = std::find_if(line.begin(), line.end(), [&](char letter) {
      if (quote != 0 ? letter == quote : letter == '"' || letter == '\'') quote = quote != 0 ? char{0} : letter;
      return letter == '#' && quote == 0;
    });
    text.append(line.begin(), end) += '\n';
  }
  return text;
}

NamedValues read_toml(std::istream& file) {
  constexpr char never = '\x01';
  std::istringstream text(without_comments(file));
  CLI::ConfigTOML reader;
  reader.comment(never);
  NamedValues values;
  for (const CLI::ConfigItem& item : reader.from_config(text)) {
    if (!item.parents.empty())
      throw BadInput(fmt::format("expected options without sections, got [{}]", CLI::detail::join(item.parents, ".")));
    values.emplace_back(item.name, CLI::detail::join(item.inputs, ","));
  }
  return values;
}

std::string text_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::vector<std::string> parts;
  for (const json& part : value) parts.push_back(text_of(part));
  return CLI::detail::join(parts, ",");
}

NamedValues read_json(std::istream& file) {
  json whole;
  try {
    whole = json::parse(file);
  } catch (const json::parse_error& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 13: syntax error while ..."
    const std::string what = error.what();
    const std::size_t place = what.find("line ");
    throw BadInput(place == what.npos ? "expected JSON" : what.substr(place));
  }
  if (!whole.is_object()) throw BadInput("expected an object of options, such as {\"epochs\": 20}");
  NamedValues values;
  for (const auto& [name, value] : whole.items()) values.emplace_back(name, text_of(value));
  return values;
}

void add_flag(CLI::App& app, const RunOption& option, RunOptions& options) {
  const auto add = [&](const std::string& name, const char* text) {
    return app.add_flag_callback(
        "--" + name, [&, text] { option.set(options, text); },
        fmt::format("{}; --no-{}: not", option.help, option.name));
  };
  add(option.name, "true")->group(option.group);
  add("no-" + option.name, "false")->group("");  // --help does not list it by itself
}

void add_value(CLI::App& app, const RunOption& option, RunOptions& options) {
  app.add_option_function<std::string>(
         "--" + option.name,
         [&](const std::string& text) {
           try {
             option.set(options, text);
           } catch (const tessera::Error& error) {
             throw CLI::ValidationError("--" + option.name, error.what());
           }
         },
         option.help)
      ->type_name(option.value)
      ->group(option.group);
}

}  // namespace

void add_run_flags(CLI::App& app, RunOptions& options, const std::vector<std::string>& only) {
  for (const RunOption& option : tessera::run_options()) {
    if (!only.empty() && std::find(only.begin(), only.end(), option.name) == only.end()) continue;
    if (option.value.empty())
      add_flag(app, option, options);
    else
      add_value(app, option, options);
  }
}

void read_config(const fs::path& file, RunOptions& options) {
  try {
    std::ifstream text(file);
    if (!text || fs::is_directory(file)) throw BadInput("no such file");
    for (const auto& [name, value] : file.extension() == ".json" ? read_json(text) : read_toml(text))
      set_option(options, name, value);
  } catch (const std::exception& error) {
    throw BadInput(fmt::format("{}: {}", file.string(), error.what()));
  }
}

}  // namespace segment
