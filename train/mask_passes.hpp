#pragma once

#include <string>
#include <tessera/data/folder.hpp>

// Passes over all masks before training. Each shows on standard error how far it is, and is remembered().
namespace tessera {

/// What is found in masks depends on these labels: a part of questions that are remembered().
std::string labels_text(const Labels& labels);

/// How often each value stands in the masks: FolderOptions::count_values.
MaskValues counted_mask_values(const std::vector<std::filesystem::path>& masks);

/// The class weights that a spec names, as numbers (see class_weights_from_spec).
std::string counted_class_weights(const std::string& spec, const Dataset& data);

}  // namespace tessera
