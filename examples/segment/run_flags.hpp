#pragma once

#include <CLI/App.hpp>
#include <filesystem>
#include <string>
#include <tessera/train/run_options.hpp>
#include <vector>

namespace segment {

/// Adds --NAME for each option of a training run, or for those in `only`; values go into `options`.
void add_run_flags(CLI::App& app, tessera::RunOptions& options, const std::vector<std::string>& only = {});

/// Sets options from a TOML file, or JSON where the name ends so: names and values without sections. BadInput names the
/// file and what is wrong in it.
void read_config(const std::filesystem::path& file, tessera::RunOptions& options);

}  // namespace segment
