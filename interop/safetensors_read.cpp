#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <functional>
#include <tessera/core/error.hpp>
#include <tessera/interop/safetensors.hpp>
#include <tessera/interop/safetensors_header.hpp>
#include <utility>
#include <vector>

namespace tessera {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian and read as they lie");

/// Where the bytes of a file come from; `read` fills exactly `count` bytes from `offset` on.
struct Source {
  std::string name;
  std::uint64_t size;
  std::function<void(std::uint64_t offset, void* to, std::size_t count)> read;
};

float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
  const std::uint32_t exponent = (half >> 10) & 31, fraction = half & 1023;
  // Subnormal halves are fraction * 2^-24, exact in a float.
  if (exponent == 0)
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(static_cast<float>(fraction) * 0x1p-24F));
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | (wide << 23) | (fraction << 13));
}

/// Converts the elements of `raw` from the file's type From into `to`.
template <class From, class To, class Convert>
void convert(const std::vector<std::byte>& raw, To* to, Convert&& each) {
  for (std::size_t i = 0; i < raw.size() / sizeof(From); ++i) {
    From value;
    std::memcpy(&value, raw.data() + i * sizeof(From), sizeof(From));
    to[i] = each(value);
  }
}

template <class From>
void convert_integers(const std::vector<std::byte>& raw, Tensor& tensor, const std::string& where) {
  convert<From>(raw, tensor.mutable_data<std::int32_t>(), [&](From value) {
    if (!std::in_range<std::int32_t>(value))
      throw IoError(fmt::format("{}: {} does not fit into a 32-bit integer", where, value));
    return static_cast<std::int32_t>(value);
  });
}

void convert(FileDType dtype, const std::vector<std::byte>& raw, Tensor& tensor, const std::string& where) {
  switch (dtype) {
    case FileDType::i64:
      return convert_integers<std::int64_t>(raw, tensor, where);
    case FileDType::u64:
      return convert_integers<std::uint64_t>(raw, tensor, where);
    case FileDType::u32:
      return convert_integers<std::uint32_t>(raw, tensor, where);
    case FileDType::i16:
      return convert_integers<std::int16_t>(raw, tensor, where);
    case FileDType::u16:
      return convert_integers<std::uint16_t>(raw, tensor, where);
    case FileDType::i8:
      return convert_integers<std::int8_t>(raw, tensor, where);
    case FileDType::f16:
      return convert<std::uint16_t>(raw, tensor.mutable_data<float>(), half_to_float);
    case FileDType::bf16:
      return convert<std::uint16_t>(raw, tensor.mutable_data<float>(), [](std::uint16_t value) {
        return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
      });
    default:
      break;  // the rest are read as they are
  }
}

bool is_read_as_it_is(FileDType dtype) {
  return dtype == FileDType::f32 || dtype == FileDType::f64 || dtype == FileDType::i32 || dtype == FileDType::u8 ||
         dtype == FileDType::boolean;
}

Tensor read_tensor(const Source& source, std::uint64_t buffer, const SafetensorsEntry& entry) {
  const DType dtype = info(entry.dtype).read_as;
  Tensor tensor = Tensor::empty(entry.shape, dtype);
  const auto count = static_cast<std::size_t>(entry.end - entry.begin);
  if (is_read_as_it_is(entry.dtype)) {
    dispatch_all(dtype,
                 [&](auto zero) { source.read(buffer + entry.begin, tensor.mutable_data<decltype(zero)>(), count); });
  } else {
    std::vector<std::byte> raw(count);
    source.read(buffer + entry.begin, raw.data(), count);
    convert(entry.dtype, raw, tensor, fmt::format("{}: tensor \"{}\"", source.name, entry.name));
  }
  return tensor;
}

SafetensorsFile read(const Source& source) {
  if (source.size < 8)
    throw IoError(
        fmt::format("{}: {} bytes are too few for a safetensors file, which begins with an 8-byte header length",
                    source.name, source.size));
  std::uint64_t header_size = 0;
  source.read(0, &header_size, 8);
  if (header_size > max_safetensors_header)
    throw IoError(fmt::format("{}: the header length {} is beyond the limit of {} bytes; is it a safetensors file?",
                              source.name, header_size, max_safetensors_header));
  if (header_size > source.size - 8)
    throw IoError(fmt::format("{}: the header length {} goes beyond the end of the file at {} bytes", source.name,
                              header_size, source.size));
  std::string json(static_cast<std::size_t>(header_size), '\0');
  source.read(8, json.data(), json.size());
  const std::uint64_t buffer = 8 + header_size;
  SafetensorsHeader header = parse_safetensors_header(json, source.size - buffer, source.name);

  SafetensorsFile file;
  for (const SafetensorsEntry& entry : header.entries)
    file.tensors.emplace(entry.name, read_tensor(source, buffer, entry));
  file.metadata = std::move(header.metadata);
  return file;
}

/// An open file that closes itself.
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path) : name_(path.string()) {
    descriptor_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (descriptor_ < 0 || fstat(descriptor_, &status) != 0) {
      const int reason = errno;
      if (descriptor_ >= 0) close(descriptor_);
      throw IoError(fmt::format("{}: cannot open: {}", name_, std::strerror(reason)));
    }
    if (!S_ISREG(status.st_mode)) {
      close(descriptor_);
      throw IoError(fmt::format("{}: is not a regular file", name_));
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
  ~InputFile() { close(descriptor_); }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  std::uint64_t size() const { return size_; }

  void read(std::uint64_t offset, void* to, std::size_t count) const {
    char* into = static_cast<char*>(to);
    while (count > 0) {
      const ssize_t got = pread(descriptor_, into, count, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw IoError(fmt::format("{}: cannot read at byte {}: {}", name_, offset, std::strerror(errno)));
      if (got == 0) throw IoError(fmt::format("{}: became shorter while it was read, at byte {}", name_, offset));
      into += got;
      offset += static_cast<std::uint64_t>(got);
      count -= static_cast<std::size_t>(got);
    }
  }

 private:
  std::string name_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace

SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  const InputFile file(path);
  return read({path.string(), file.size(),
               [&](std::uint64_t offset, void* to, std::size_t count) { file.read(offset, to, count); }});
}

SafetensorsFile parse_safetensors(std::span<const std::byte> bytes, const std::string& name) {
  return read({name, bytes.size(), [&](std::uint64_t offset, void* to, std::size_t count) {
                 if (count > 0) std::memcpy(to, bytes.data() + offset, count);
               }});
}

}  // namespace tessera
