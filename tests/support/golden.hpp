#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <tessera/core/tensor.hpp>
#include <tessera/interop/safetensors.hpp>

namespace tessera::test {

/// A file of numbers made by real Keras and PyTorch; tests/golden/README.md says what each one holds.
class Golden {
 public:
  explicit Golden(const std::string& file) : file_(read_safetensors(TESSERA_GOLDEN_DIR "/" + file)) {
    cases_ = nlohmann::json::parse(file_.metadata.at("cases"));
  }

  const nlohmann::json& cases() const { return cases_; }
  bool has(const nlohmann::json& golden_case, const std::string& tensor) const {
    return file_.tensors.count(key(golden_case, tensor)) > 0;
  }
  Tensor get(const nlohmann::json& golden_case, const std::string& tensor) const {
    return file_.tensors.at(key(golden_case, tensor));
  }
  const SafetensorsFile& file() const { return file_; }

 private:
  static std::string key(const nlohmann::json& golden_case, const std::string& tensor) {
    return golden_case.at("name").get<std::string>() + "/" + tensor;
  }

  SafetensorsFile file_;
  nlohmann::json cases_;
};

}  // namespace tessera::test
