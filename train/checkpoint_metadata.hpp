#pragma once

#include <map>
#include <string>
#include <tessera/train/checkpoint.hpp>

namespace tessera {

/// All of a checkpoint but its tensors, as the metadata of a safetensors file: values are JSON with sorted keys, 64-bit
/// numbers as strings.
std::map<std::string, std::string> to_metadata(const Checkpoint& checkpoint);

/// The reverse, without tensors; IoError names `file` and the key that is missing or wrong.
Checkpoint from_metadata(const std::map<std::string, std::string>& metadata, const std::string& file);

}  // namespace tessera
