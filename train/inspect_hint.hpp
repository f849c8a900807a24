#pragma once

#include <fmt/format.h>

#include <string>
#include <tessera/data/misfit.hpp>

namespace tessera {

/// What is wrong with a folder's files, and how all that is wrong there is found.
inline std::string with_inspect_hint(const std::string& what, const std::string& folder) {
  return fmt::format("{}; `segment inspect {}` lists all that is wrong there", what, folder);
}

/// Runs what reads samples of a folder: the error of one that does not fit then says how to find them all.
template <class F>
auto reading_samples(const std::string& folder, const F& read) {
  try {
    return read();
  } catch (const MisfitError& error) {
    throw MisfitError(with_inspect_hint(error.what(), folder));
  }
}

}  // namespace tessera
