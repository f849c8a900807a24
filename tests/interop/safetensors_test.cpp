#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <tessera/core/error.hpp>
#include <tessera/interop/safetensors.hpp>
#include <tessera/interop/safetensors_header.hpp>

namespace tessera {
namespace {

/// A file of this header and `buffer`, with the header's true length in front.
std::string file_of(const std::string& json, const std::string& buffer) {
  std::string bytes(8, '\0');
  const std::uint64_t size = json.size();
  std::memcpy(bytes.data(), &size, 8);
  return bytes + json + buffer;
}

SafetensorsFile parse(const std::string& bytes) {
  return parse_safetensors(std::as_bytes(std::span(bytes.data(), bytes.size())), "w.safetensors");
}

/// The message of the IoError that parsing ends in.
std::string refusal(const std::string& bytes) {
  try {
    parse(bytes);
  } catch (const IoError& error) {
    return error.what();
  }
  return "accepted";
}

std::string refusal(const std::string& json, const std::string& buffer) { return refusal(file_of(json, buffer)); }

template <class T>
std::string bytes_of(std::initializer_list<T> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}

TEST_CASE("a safetensors file gives its tensors and metadata") {
  const SafetensorsFile file = parse(file_of(
      R"({"__metadata__":{"who":"me"},"b":{"dtype":"I32","shape":[],"data_offsets":[8,12]},)"
      R"("a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"none":{"dtype":"U8","shape":[0,3],"data_offsets":[12,12]}}  )",
      bytes_of({1.5F, -2.0F}) + bytes_of({7})));
  CHECK(file.metadata.at("who") == "me");
  CHECK(file.tensors.size() == 3);
  CHECK(file.tensors.at("a").shape() == Shape{1, 2});
  CHECK(file.tensors.at("a").at({0, 1}) == -2);
  CHECK(file.tensors.at("b").item() == 7);
  CHECK(file.tensors.at("none").shape() == Shape{0, 3});
}

TEST_CASE("an empty safetensors file has no tensors") { CHECK(parse(file_of("{}", "")).tensors.empty()); }

TEST_CASE("half and bfloat16 tensors are read as f32") {
  const SafetensorsFile file = parse(file_of(
      R"({"h":{"dtype":"F16","shape":[6],"data_offsets":[0,12]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[12,16]}})",
      bytes_of<std::uint16_t>({0x3C00, 0xC000, 0x0001, 0x7BFF, 0x7C00, 0x8000, 0x3F80, 0xC049})));
  const Tensor h = file.tensors.at("h");
  CHECK(h.dtype() == f32);
  CHECK(h.at({0}) == 1);
  CHECK(h.at({1}) == -2);
  CHECK(h.at({2}) == 0x1p-24);
  CHECK(h.at({3}) == 65504);
  CHECK(std::isinf(h.at({4})));
  CHECK(std::signbit(h.at({5})));
  CHECK(file.tensors.at("b").at({0}) == 1);
  CHECK(file.tensors.at("b").at({1}) == -3.140625);
}

TEST_CASE("wide and narrow integers are read as i32, booleans as u8") {
  const SafetensorsFile file = parse(file_of(
      R"({"a":{"dtype":"I64","shape":[2],"data_offsets":[0,16]},"b":{"dtype":"I8","shape":[1],"data_offsets":[16,17]},)"
      R"("c":{"dtype":"BOOL","shape":[1],"data_offsets":[17,18]},"d":{"dtype":"U16","shape":[1],"data_offsets":[18,20]}})",
      bytes_of<std::int64_t>({-5, 2147483647}) + bytes_of<std::int8_t>({-3, 1}) + bytes_of<std::uint16_t>({65535})));
  CHECK(file.tensors.at("a").dtype() == i32);
  CHECK(file.tensors.at("a").at({0}) == -5);
  CHECK(file.tensors.at("a").at({1}) == 2147483647);
  CHECK(file.tensors.at("b").at({0}) == -3);
  CHECK(file.tensors.at("c").dtype() == u8);
  CHECK(file.tensors.at("c").at({0}) == 1);
  CHECK(file.tensors.at("d").at({0}) == 65535);
}

TEST_CASE("an integer beyond 32 bits is refused with its value") {
  CHECK(refusal(R"({"n":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})", bytes_of<std::int64_t>({2147483648})) ==
        "w.safetensors: tensor \"n\": 2147483648 does not fit into a 32-bit integer");
}

TEST_CASE("a file without room for the header's length is refused") {
  CHECK(refusal(std::string("\x02\0\0", 3)) ==
        "w.safetensors: 3 bytes are too few for a safetensors file, which begins with an 8-byte header length");
}

TEST_CASE("a header length beyond the format's limit is refused") {
  const std::uint64_t size = max_safetensors_header + 1;
  CHECK(refusal(bytes_of({size}) + "{}") ==
        "w.safetensors: the header length 100000001 is beyond the limit of 100000000 bytes; is it a safetensors file?");
  CHECK(refusal(bytes_of({std::numeric_limits<std::uint64_t>::max()})).find("beyond the limit") != std::string::npos);
}

TEST_CASE("a header longer than the file is refused") {
  CHECK(refusal(bytes_of<std::uint64_t>({3}) + "{}") ==
        "w.safetensors: the header length 3 goes beyond the end of the file at 10 bytes");
}

TEST_CASE("a header that is no JSON object is refused") {
  CHECK(refusal(" {}", "") == "w.safetensors: the header does not begin with {");
  CHECK(refusal("", "") == "w.safetensors: the header does not begin with {");
  CHECK(refusal("[]", "") == "w.safetensors: the header does not begin with {");
  CHECK(refusal("{\"a\":", "").find("w.safetensors: the header is not valid JSON at byte") == 0);
  CHECK(refusal("{} x", "").find("not valid JSON at byte 4") != std::string::npos);
  CHECK(refusal("{\"\xFF\":{}}", "").find("not valid JSON") != std::string::npos);
}

TEST_CASE("names, keys and metadata keys must not stand twice") {
  const std::string one = R"("a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  CHECK(refusal("{" + one + "," + one + "}", "") == "w.safetensors: the name \"a\" stands twice in the header");
  CHECK(refusal(R"({"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}})", "") ==
        "w.safetensors: the key \"dtype\" stands twice in \"a\"");
  CHECK(refusal(R"({"__metadata__":{"k":"1","k":"2"}})", "") ==
        "w.safetensors: the key \"k\" stands twice in \"__metadata__\"");
  CHECK(refusal(R"({"__metadata__":{},"__metadata__":{}})", "") ==
        "w.safetensors: the name \"__metadata__\" stands twice in the header");
}

TEST_CASE("every field of a tensor must be there and nothing else") {
  CHECK(refusal(R"({"a":{"shape":[0],"data_offsets":[0,0]}})", "") == "w.safetensors: tensor \"a\" has no dtype");
  CHECK(refusal(R"({"a":{"dtype":"U8","data_offsets":[0,0]}})", "") == "w.safetensors: tensor \"a\" has no shape");
  CHECK(refusal(R"({"a":{"dtype":"U8","shape":[0]}})", "") == "w.safetensors: tensor \"a\" has no data_offsets");
  CHECK(refusal(R"({"a":{"order":"F"}})", "") ==
        "w.safetensors: tensor \"a\" has the unknown key \"order\": expected dtype, shape and data_offsets");
}

TEST_CASE("values of the wrong kind are refused") {
  CHECK(refusal(R"({"a":1})", "") == "w.safetensors: \"a\" is 1 instead of an object");
  CHECK(refusal(R"({"a":[]})", "") == "w.safetensors: \"a\" is an array instead of an object");
  CHECK(refusal(R"({"__metadata__":{"k":1}})", "") == "w.safetensors: __metadata__ \"k\" is 1 instead of a string");
  CHECK(refusal(R"({"__metadata__":{"k":{}}})", "") ==
        "w.safetensors: __metadata__ \"k\" is an object instead of a string");
  CHECK(refusal(R"({"__metadata__":{"shape":[1]}})", "") ==
        "w.safetensors: __metadata__ \"shape\" is an array instead of a string");
  CHECK(refusal(R"({"a":{"dtype":3}})", "") == "w.safetensors: dtype of tensor \"a\" holds 3: expected a string");
  CHECK(refusal(R"({"a":{"dtype":["U8"]}})", "") ==
        "w.safetensors: dtype of tensor \"a\" holds an array: expected a string");
  const std::string numbers = ": expected an array of whole numbers from 0 up";
  CHECK(refusal(R"({"a":{"shape":[-1]}})", "") == "w.safetensors: shape of tensor \"a\" holds -1" + numbers);
  CHECK(refusal(R"({"a":{"shape":[1.5]}})", "") == "w.safetensors: shape of tensor \"a\" holds 1.5" + numbers);
  CHECK(refusal(R"({"a":{"shape":[18446744073709551616]}})", "") ==
        "w.safetensors: shape of tensor \"a\" holds 18446744073709551616" + numbers);
  CHECK(refusal(R"({"a":{"shape":["1"]}})", "") ==
        "w.safetensors: shape of tensor \"a\" holds the string \"1\"" + numbers);
  CHECK(refusal(R"({"a":{"shape":4}})", "") == "w.safetensors: shape of tensor \"a\" holds 4" + numbers);
  CHECK(refusal(R"({"a":{"shape":null}})", "") == "w.safetensors: shape of tensor \"a\" holds null" + numbers);
}

TEST_CASE("a type that is not read is refused with those that are") {
  CHECK(refusal(R"({"a":{"dtype":"F8_E4M3"}})", "") ==
        "w.safetensors: dtype of tensor \"a\" is \"F8_E4M3\", which is not one of the types that are read: F64, I64, "
        "U64, "
        "F32, I32, U32, F16, BF16, I16, U16, I8, U8, BOOL");
}

TEST_CASE("a header nested deeper than the format has it is refused") {
  CHECK(refusal(R"({"a":{"shape":[[1]]}})", "").find("holds an array") != std::string::npos);
  CHECK(refusal(R"({"a":{"shape":[{}]}})", "").find("holds an object") != std::string::npos);
  const std::string deep(100'000, '[');
  CHECK(refusal("{\"a\":{\"shape\":" + deep, "").find("holds an array") != std::string::npos);
}

TEST_CASE("a header of too many entries is refused") {
  std::string json = "{\"__metadata__\":{";
  for (std::size_t i = 0; i <= max_safetensors_entries; ++i) json += fmt::format("{}\"{}\":\"\"", i > 0 ? "," : "", i);
  CHECK(refusal(json + "}}", "") ==
        "w.safetensors: the header has more than 65536 tensors and metadata keys, the limit");
}

TEST_CASE("a shape whose bytes cannot be counted is refused") {
  CHECK(refusal(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", "") ==
        "w.safetensors: shape of tensor \"a\" is [4294967296,4294967296]: too many elements to count their bytes");
  CHECK(refusal(R"({"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}})", "")
            .find("too many elements") != std::string::npos);
  CHECK(refusal(R"({"a":{"shape":[1,1,1,1,1,1,1,1,1]}})", "") ==
        "w.safetensors: shape of tensor \"a\" has more than 8 numbers");
}

TEST_CASE("data offsets must be two numbers that span exactly the tensor's bytes") {
  CHECK(refusal(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0]}})", "") ==
        "w.safetensors: data_offsets of tensor \"a\" has 1 numbers: expected begin and end");
  CHECK(refusal(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0,0]}})", "") ==
        "w.safetensors: data_offsets of tensor \"a\" has more than 2 numbers");
  CHECK(refusal(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}})", "x") ==
        "w.safetensors: data_offsets of tensor \"a\" begins at 1 and ends before, at 0");
  CHECK(
      refusal(R"({"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,20]}})", std::string(20, 'x')) ==
      "w.safetensors: tensor \"a\" of shape [2, 3] and type F32 needs 24 bytes, but its data_offsets [0, 20] hold 20");
}

TEST_CASE("tensors must fill the buffer without a hole, an overlap, a rest or a lack") {
  const auto two = [](int begin, int end) {
    return fmt::format(R"({{"a":{{"dtype":"U8","shape":[2],"data_offsets":[0,2]}},)"
                       R"("b":{{"dtype":"U8","shape":[2],"data_offsets":[{},{}]}}}})",
                       begin, end);
  };
  CHECK(refusal(two(2, 4), "wxyz") == "accepted");
  CHECK(refusal(two(3, 5), "vwxyz") ==
        "w.safetensors: tensor \"b\" begins at byte 3 of the buffer, but the tensors before it end at 2: there is a "
        "hole");
  CHECK(refusal(two(1, 3), "xyz") ==
        "w.safetensors: tensor \"b\" begins at byte 1 of the buffer, but the tensors before it end at 2: they overlap");
  CHECK(refusal(two(2, 4), "vwxyz") ==
        "w.safetensors: the tensors need 4 bytes after the header, but the file has 5: bytes are left over");
  CHECK(refusal(two(2, 4), "xyz") ==
        "w.safetensors: the tensors need 4 bytes after the header, but the file has 3: it is cut short");
  CHECK(refusal(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", "xy").find("there is a hole") !=
        std::string::npos);
}

TEST_CASE("every file cut short, and every file with one byte changed, is refused or read, never worse") {
  const std::string whole =
      file_of(R"({"__metadata__":{"k":"v"},"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})",
              bytes_of<std::int64_t>({1}));
  REQUIRE(refusal(whole) == "accepted");
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK(refusal(whole.substr(0, size)) != "accepted");
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (int change = 1; change < 256; change += 7) {
      std::string bent = whole;
      bent[at] = static_cast<char>(bent[at] ^ change);
      CHECK_NOTHROW(refusal(bent));
    }
}

}  // namespace
}  // namespace tessera
