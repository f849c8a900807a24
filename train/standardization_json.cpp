#include <nlohmann/json.hpp>
#include <tessera/train/standardization_json.hpp>

namespace tessera {

using nlohmann::json;

std::string to_json(const Standardization& standardization) {
  return json{{"mean", standardization.mean}, {"deviation", standardization.deviation}}.dump();
}

Standardization standardization_from_json(const std::string& text) {
  const json value = json::parse(text);
  return {.mean = value.at("mean").get<std::vector<float>>(),
          .deviation = value.at("deviation").get<std::vector<float>>()};
}

}  // namespace tessera
