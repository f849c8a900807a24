#pragma once

#include <string>
#include <tessera/data/standardization.hpp>

namespace tessera {

/// A standardization as checkpoints and the cache keep it.
std::string to_json(const Standardization& standardization);

/// The reverse; nlohmann::json's exceptions where `text` is none.
Standardization standardization_from_json(const std::string& text);

}  // namespace tessera
