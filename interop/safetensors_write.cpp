#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>
#include <tessera/core/error.hpp>
#include <tessera/interop/atomic_file.hpp>
#include <tessera/interop/safetensors.hpp>
#include <tessera/interop/safetensors_header.hpp>
#include <utility>
#include <vector>

namespace tessera {
namespace {

static_assert(std::endian::native == std::endian::little,
              "safetensors files are little-endian and written as they lie");

std::string_view dtype_in_file(DType dtype) {
  return info(dtype == f64   ? FileDType::f64
              : dtype == f32 ? FileDType::f32
              : dtype == i32 ? FileDType::i32
                             : FileDType::u8)
      .name;
}

std::string quoted(const std::filesystem::path& path, const std::string& text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    throw ValueError(fmt::format("{}: a name or metadata text is not valid UTF-8", path.string()));
  }
}

using NamedTensor = std::pair<std::string, Tensor>;

/// Largest elements first, then by name: with the padded header this aligns every tensor to its element size.
std::vector<NamedTensor> in_file_order(const std::map<std::string, Tensor>& tensors) {
  std::vector<NamedTensor> sorted(tensors.begin(), tensors.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const NamedTensor& a, const NamedTensor& b) {
    return size_of(a.second.dtype()) > size_of(b.second.dtype());
  });
  return sorted;
}

std::uint64_t byte_count(const Tensor& tensor) {
  return static_cast<std::uint64_t>(tensor.numel()) * size_of(tensor.dtype());
}

std::string header_json(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                        const std::map<std::string, std::string>& metadata) {
  std::vector<std::string> items;
  if (!metadata.empty()) {
    std::vector<std::string> pairs;
    for (const auto& [key, value] : metadata) pairs.push_back(quoted(path, key) + ":" + quoted(path, value));
    items.push_back(fmt::format("\"__metadata__\":{{{}}}", fmt::join(pairs, ",")));
  }
  std::uint64_t begin = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::uint64_t end = begin + byte_count(tensor);
    items.push_back(fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", quoted(path, name),
                                dtype_in_file(tensor.dtype()), fmt::join(tensor.shape(), ","), begin, end));
    begin = end;
  }
  std::string json = fmt::format("{{{}}}", fmt::join(items, ","));
  json.resize((json.size() + 7) / 8 * 8, ' ');
  return json;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined()) throw ValueError(fmt::format("{}: tensor \"{}\" is undefined", path.string(), name));
    if (name == "__metadata__")
      throw ValueError(fmt::format("{}: a tensor cannot be called __metadata__, the format's own key", path.string()));
  }
  if (tensors.size() + metadata.size() > max_safetensors_entries)
    throw ValueError(fmt::format("{}: {} tensors and metadata keys are beyond the limit of {}", path.string(),
                                 tensors.size() + metadata.size(), max_safetensors_entries));
  const std::vector<NamedTensor> sorted = in_file_order(tensors);
  const std::string header = header_json(path, sorted, metadata);
  if (header.size() > max_safetensors_header)
    throw ValueError(fmt::format("{}: a header of {} bytes is beyond the format's limit of {}", path.string(),
                                 header.size(), max_safetensors_header));

  AtomicFile file(path);
  const std::uint64_t header_size = header.size();
  file.write(&header_size, sizeof header_size);
  file.write(header.data(), header.size());
  for (const NamedTensor& entry : sorted) {
    const Tensor& tensor = entry.second;
    dispatch_all(tensor.dtype(), [&](auto zero) {
      file.write(tensor.data<decltype(zero)>(), static_cast<std::size_t>(byte_count(tensor)));
    });
  }
  file.commit();
}

}  // namespace tessera
