#pragma once

#include <tessera/core/error.hpp>

namespace tessera {

/// Files that can be read, but do not fit each other or the options: sizes, channels, values or colours of masks.
///
/// A wrong option explains that better than a broken file, so these samples are not left out as broken ones are.
class MisfitError : public IoError {
 public:
  using IoError::IoError;
};

}  // namespace tessera
