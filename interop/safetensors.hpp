#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <tessera/core/tensor.hpp>

namespace tessera {

/// What a safetensors file holds.
struct SafetensorsFile {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Reads a safetensors file; the whole header is checked against the file's size before memory is taken for a tensor.
///
/// F32, F64, I32 and U8 are read as they are, BOOL as u8, F16 and BF16 as f32, the other integers as i32. IoError names
/// the file, the broken rule and its values, also where an integer does not fit. Source: the format's README and
/// tensor.rs.
SafetensorsFile read_safetensors(const std::filesystem::path& path);

/// The same from memory; errors call it `name`.
SafetensorsFile parse_safetensors(std::span<const std::byte> bytes, const std::string& name);

/// Writes a safetensors file whose bytes are a function of its content alone. It appears whole or not at all.
///
/// ValueError for an undefined tensor or a name that the format cannot hold, IoError for what the system refuses.
void write_safetensors(const std::filesystem::path& path, const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace tessera
