#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <tessera/core/error.hpp>
#include <tessera/interop/safetensors_header.hpp>
#include <tuple>

namespace tessera {
namespace {

constexpr std::array<FileDTypeInfo, 13> dtypes{{{"F64", 8, f64},
                                                {"I64", 8, i32},
                                                {"U64", 8, i32},
                                                {"F32", 4, f32},
                                                {"I32", 4, i32},
                                                {"U32", 4, i32},
                                                {"F16", 2, f32},
                                                {"BF16", 2, f32},
                                                {"I16", 2, i32},
                                                {"U16", 2, i32},
                                                {"I8", 1, i32},
                                                {"U8", 1, u8},
                                                {"BOOL", 1, u8}}};

std::optional<FileDType> dtype_named(std::string_view name) {
  const auto* found = std::find_if(dtypes.begin(), dtypes.end(), [&](const auto& row) { return row.name == name; });
  if (found == dtypes.end()) return std::nullopt;
  return static_cast<FileDType>(found - dtypes.begin());
}

/// Takes the JSON parser's events. The parser's own document type would keep the last of two equal keys and allow any
/// depth.
class HeaderParser {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  explicit HeaderParser(const std::string& file) : file_(file) {}

  bool null() { unexpected("null"); }
  bool boolean(bool value) { unexpected(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) { unexpected(fmt::format("{}", value)); }
  bool number_float(number_float_t /*value*/, const string_t& text) { unexpected(text); }
  bool binary(const binary_t& /*value*/) { unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) {
    if (!in_array_) unexpected(fmt::format("{}", value));
    numbers_.push_back(value);
    const std::size_t limit = field_ == "shape" ? Shape::max_rank : 2;
    if (numbers_.size() > limit) fail("{} has more than {} numbers", where(), limit);
    return true;
  }

  bool string(const string_t& value) {
    if (in_metadata_ && depth_ == 2) {
      header_.metadata[field_] = value;
      return true;
    }
    if (depth_ != 2 || field_ != "dtype") unexpected(fmt::format("the string \"{}\"", value));
    const std::optional<FileDType> dtype = dtype_named(value);
    if (!dtype) fail("{} is \"{}\", which is not one of the types that are read: {}", where(), value, known_dtypes());
    entry_.dtype = *dtype;
    return true;
  }

  bool start_object(std::size_t /*size*/) {
    if (depth_ == 2 || in_array_) unexpected("an object");
    ++depth_;
    return true;
  }

  bool key(const string_t& name) {
    if (depth_ == 1) {
      start_entry(name);
      return true;
    }
    if (in_metadata_)
      count_entry();
    else if (name != "dtype" && name != "shape" && name != "data_offsets")
      fail("tensor \"{}\" has the unknown key \"{}\": expected dtype, shape and data_offsets", entry_.name, name);
    if (!fields_.insert(name).second) fail("the key \"{}\" stands twice in \"{}\"", name, entry_.name);
    field_ = name;
    return true;
  }

  bool end_object() {
    if (--depth_ != 1) return true;
    if (!in_metadata_) end_entry();
    in_metadata_ = false;
    return true;
  }

  bool start_array(std::size_t /*size*/) {
    if (depth_ != 2 || in_array_ || (field_ != "shape" && field_ != "data_offsets") || in_metadata_)
      unexpected("an array");
    in_array_ = true;
    numbers_.clear();
    return true;
  }

  bool end_array() {
    in_array_ = false;
    if (field_ == "shape") {
      set_shape();
    } else {
      if (numbers_.size() != 2) fail("{} has {} numbers: expected begin and end", where(), numbers_.size());
      if (numbers_[0] > numbers_[1]) fail("{} begins at {} and ends before, at {}", where(), numbers_[0], numbers_[1]);
      entry_.begin = numbers_[0];
      entry_.end = numbers_[1];
    }
    return true;
  }

  bool parse_error(std::size_t position, const std::string& /*token*/, const nlohmann::json::exception& error) {
    std::string_view reason = error.what();
    // "[json.exception.parse_error.101] parse error at line 1, column 2: the reason"
    reason.remove_prefix(std::min(reason.size(), reason.find("] ") + 2));
    fail("the header is not valid JSON at byte {}: {}", position, reason);
  }

  SafetensorsHeader take() { return std::move(header_); }

 private:
  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) const {
    throw IoError(file_ + ": " + fmt::format(text, std::forward<Args>(args)...));
  }

  [[noreturn]] void unexpected(const std::string& what) const {
    if (depth_ == 0) fail("the header is {} instead of an object", what);
    if (depth_ == 1) fail("\"{}\" is {} instead of an object", entry_.name, what);
    if (in_metadata_) fail("__metadata__ \"{}\" is {} instead of a string", field_, what);
    const std::string_view expected = field_ == "dtype" ? "a string" : "an array of whole numbers from 0 up";
    fail("{} holds {}: expected {}", where(), what, expected);
  }

  std::string where() const { return fmt::format("{} of tensor \"{}\"", field_, entry_.name); }

  static std::string known_dtypes() {
    std::string names;
    for (const FileDTypeInfo& row : dtypes) names += (names.empty() ? "" : ", ") + std::string(row.name);
    return names;
  }

  void count_entry() {
    if (++count_ > max_safetensors_entries)
      fail("the header has more than {} tensors and metadata keys, the limit", max_safetensors_entries);
  }

  void start_entry(const std::string& name) {
    entry_ = {};
    entry_.name = name;
    fields_.clear();
    if (!names_.insert(name).second) fail("the name \"{}\" stands twice in the header", name);
    in_metadata_ = name == "__metadata__";
    if (!in_metadata_) count_entry();
  }

  void set_shape() {
    std::vector<std::int64_t> sizes;
    std::int64_t numel = 1;
    for (const std::uint64_t size : numbers_) {
      if (size > std::uint64_t{1} << 62 || __builtin_mul_overflow(numel, static_cast<std::int64_t>(size), &numel) ||
          numel > std::int64_t{1} << 59)
        fail("{} is {}: too many elements to count their bytes", where(), nlohmann::json(numbers_).dump());
      sizes.push_back(static_cast<std::int64_t>(size));
    }
    entry_.shape = Shape(sizes);
  }

  void end_entry() {
    for (const char* field : {"dtype", "shape", "data_offsets"})
      if (!fields_.contains(field)) fail("tensor \"{}\" has no {}", entry_.name, field);
    const auto needed = static_cast<std::uint64_t>(entry_.shape.numel() * info(entry_.dtype).size);
    if (entry_.end - entry_.begin != needed)
      fail("tensor \"{}\" of shape {} and type {} needs {} bytes, but its data_offsets [{}, {}] hold {}", entry_.name,
           entry_.shape.str(), info(entry_.dtype).name, needed, entry_.begin, entry_.end, entry_.end - entry_.begin);
    header_.entries.push_back(entry_);
  }

  const std::string& file_;
  SafetensorsHeader header_;
  std::set<std::string> names_;
  std::size_t count_ = 0;
  int depth_ = 0;
  bool in_metadata_ = false;
  bool in_array_ = false;
  SafetensorsEntry entry_;        ///< the one being read
  std::set<std::string> fields_;  ///< its keys so far
  std::string field_;             ///< its last key
  std::vector<std::uint64_t> numbers_;
};

void check_contiguous(SafetensorsHeader& header, std::uint64_t buffer_size, const std::string& file) {
  std::sort(header.entries.begin(), header.entries.end(), [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  std::uint64_t filled = 0;
  for (const SafetensorsEntry& entry : header.entries) {
    if (entry.begin != filled)
      throw IoError(fmt::format(
          "{}: tensor \"{}\" begins at byte {} of the buffer, but the tensors before it end at {}: {}", file,
          entry.name, entry.begin, filled, entry.begin < filled ? "they overlap" : "there is a hole"));
    filled = entry.end;
  }
  if (filled != buffer_size)
    throw IoError(fmt::format("{}: the tensors need {} bytes after the header, but the file has {}: {}", file, filled,
                              buffer_size, filled < buffer_size ? "bytes are left over" : "it is cut short"));
}

}  // namespace

const FileDTypeInfo& info(FileDType dtype) { return dtypes[static_cast<std::size_t>(dtype)]; }

SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t buffer_size, const std::string& file) {
  if (json.empty() || json[0] != '{') throw IoError(file + ": the header does not begin with {");
  HeaderParser parser(file);
  nlohmann::json::sax_parse(json, &parser);
  SafetensorsHeader header = parser.take();
  check_contiguous(header, buffer_size, file);
  return header;
}

}  // namespace tessera
