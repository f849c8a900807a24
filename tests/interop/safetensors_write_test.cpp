#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <tessera/core/error.hpp>
#include <tessera/interop/atomic_file.hpp>
#include <tessera/interop/safetensors.hpp>
#include <tests/support/temporary_folder.hpp>

namespace tessera {
namespace {

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t files_in(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST_CASE("what is written to a safetensors file is read back") {
  const test::TemporaryFolder folder;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  write_safetensors(folder / "w.safetensors",
                    {{"a/\"quoted\" \xC3\xA9", Tensor::from({1.0F, nan, 3.0F}, {3})},
                     {"b", Tensor::from({1e300, -0.0}, {2, 1})},
                     {"c", Tensor::from({-7}, {})},
                     {"d", Tensor::zeros({4, 0}, u8)},
                     {"e", Tensor::from<std::uint8_t>({255}, {1})}},
                    {{"options", "{\"lr\":\"1e-3\"}\n"}});
  const SafetensorsFile file = read_safetensors(folder / "w.safetensors");
  CHECK(file.metadata.at("options") == "{\"lr\":\"1e-3\"}\n");
  CHECK(file.tensors.size() == 5);
  const Tensor a = file.tensors.at("a/\"quoted\" \xC3\xA9");
  CHECK(a.dtype() == f32);
  CHECK(std::isnan(a.at({1})));
  CHECK(a.at({2}) == 3);
  CHECK(file.tensors.at("b").shape() == Shape{2, 1});
  CHECK(file.tensors.at("b").at({0, 0}) == 1e300);
  CHECK(std::signbit(file.tensors.at("b").at({1, 0})));
  CHECK(file.tensors.at("c").item() == -7);
  CHECK(file.tensors.at("d").shape() == Shape{4, 0});
  CHECK(file.tensors.at("e").at({0}) == 255);
}

TEST_CASE("a safetensors file is exactly these bytes: metadata, then the largest types first, the header padded to 8") {
  const test::TemporaryFolder folder;
  write_safetensors(folder / "w", {{"a", Tensor::from<std::uint8_t>({9}, {1})}, {"b", Tensor::from({1.0F}, {1})}},
                    {{"z", "1"}, {"m", "2"}});
  const std::string json = R"({"__metadata__":{"m":"2","z":"1"},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                           R"("a":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}})";
  const std::string padding((8 - json.size() % 8) % 8, ' ');
  const std::string length{static_cast<char>(json.size() + padding.size()), 0, 0, 0, 0, 0, 0, 0};
  CHECK(contents(folder / "w") == length + json + padding + std::string("\0\0\x80\x3F\x09", 5));
}

TEST_CASE("what cannot be written is refused before a file is touched") {
  const test::TemporaryFolder folder;
  const auto path = folder / "w";
  CHECK_THROWS_WITH_AS(write_safetensors(path, {{"a", Tensor()}}),
                       (path.string() + ": tensor \"a\" is undefined").c_str(), ValueError);
  CHECK_THROWS_AS(write_safetensors(path, {{"__metadata__", Tensor::scalar(1)}}), ValueError);
  CHECK_THROWS_WITH_AS(write_safetensors(path, {{"\xFF", Tensor::scalar(1)}}),
                       (path.string() + ": a name or metadata text is not valid UTF-8").c_str(), ValueError);
  CHECK(files_in(folder.path()) == 0);
}

TEST_CASE("a write that fails half way leaves the earlier file whole and nothing else") {
  const test::TemporaryFolder folder;
  const auto path = folder / "w";
  write_safetensors(path, {{"a", Tensor::ones({10})}});
  const std::string before = contents(path);

  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit small{10'000, limit.rlim_max};
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  std::string message;
  try {
    write_safetensors(path, {{"a", Tensor::zeros({10'000})}});
  } catch (const IoError& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &limit);
  signal(SIGXFSZ, handler);

  CHECK(message.find(path.string() + ": cannot write") == 0);
  CHECK(message.find("File too large") != std::string::npos);
  CHECK(contents(path) == before);
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("files that cannot be opened are named with the reason") {
  const test::TemporaryFolder folder;
  const std::string missing = (folder / "missing").string();
  CHECK_THROWS_WITH_AS(read_safetensors(missing), (missing + ": cannot open: No such file or directory").c_str(),
                       IoError);
  CHECK_THROWS_WITH_AS(read_safetensors(folder.path()), (folder.path().string() + ": is not a regular file").c_str(),
                       IoError);
  CHECK_THROWS_WITH_AS(write_safetensors(missing + "/w", {}),
                       (missing + "/w: cannot create a file in its folder: No such file or directory").c_str(),
                       IoError);
}

TEST_CASE("a symbolic link stays, and what it points at is replaced") {
  const test::TemporaryFolder folder;
  std::filesystem::create_directory(folder / "there");
  std::filesystem::create_symlink("there/w", folder / "link");
  std::filesystem::create_symlink("link", folder / "further");
  for (const char* bytes : {"first", "second"}) {
    write_whole(folder / "further", bytes);
    CHECK(std::filesystem::is_symlink(folder / "further"));
    CHECK(std::filesystem::is_symlink(folder / "link"));
    CHECK(contents(folder / "there/w") == bytes);
  }
  CHECK(files_in(folder / "there") == 1);
}

TEST_CASE("a device is written to and not replaced") {
  write_whole("/dev/null", "bytes");
  CHECK(std::filesystem::is_character_file("/dev/null"));
  if (!std::filesystem::exists("/dev/full")) return;
  CHECK_THROWS_WITH_AS(write_whole("/dev/full", "bytes"), "/dev/full: cannot write 5 bytes: No space left on device",
                       IoError);
  CHECK(std::filesystem::is_character_file("/dev/full"));
}

TEST_CASE("a folder in the file's place is left alone") {
  const test::TemporaryFolder folder;
  std::filesystem::create_directory(folder / "w");
  CHECK_THROWS_AS(write_safetensors(folder / "w", {}), IoError);
  CHECK(files_in(folder.path()) == 1);
}

}  // namespace
}  // namespace tessera
