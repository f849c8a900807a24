#pragma once

#include <string>
#include <tessera/data/folder.hpp>
#include <vector>

// What classes are called and drawn in where no colour map says it.
namespace tessera {

/// Names of the classes 0, 1, ...: "sky,building", or a file with one a line. IoError for a file that cannot be read,
/// ValueError for an empty name and for one that stands there twice.
std::vector<std::string> class_names_from_spec(const std::string& spec);

/// The classes' colours in the palette of the first mask that can be read; empty where it has none, or one that does
/// not tell every class from the others, as the grey ones that some programs write.
std::vector<Rgb> palette_colors(const FolderDataset& part);

}  // namespace tessera
