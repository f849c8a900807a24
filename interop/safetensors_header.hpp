#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tessera/core/dtype.hpp>
#include <tessera/core/shape.hpp>
#include <vector>

namespace tessera {

/// Element types of a safetensors file that are understood.
enum class FileDType : std::uint8_t { f64, i64, u64, f32, i32, u32, f16, bf16, i16, u16, i8, u8, boolean };

/// The type's name in the file ("BF16"), its size in bytes, and the tensor type it is read as.
struct FileDTypeInfo {
  std::string_view name;
  std::int64_t size;
  DType read_as;
};
const FileDTypeInfo& info(FileDType dtype);

/// One tensor as the header describes it: its bytes are [begin, end) of the buffer that follows the header.
struct SafetensorsEntry {
  std::string name;
  FileDType dtype = FileDType::f32;
  Shape shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// A checked header: entries in the order of their bytes, which fill the buffer without a hole or an overlap.
struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;
  std::map<std::string, std::string> metadata;
};

inline constexpr std::uint64_t max_safetensors_header = 100'000'000;  ///< bytes; the format's own limit
inline constexpr std::size_t max_safetensors_entries = 65'536;        ///< tensors and metadata keys; ours

/// Parses and checks the JSON header of a file whose buffer has `buffer_size` bytes, before anything is read from that.
/// IoError names `file`, the rule that is broken and the values.
SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t buffer_size, const std::string& file);

}  // namespace tessera
