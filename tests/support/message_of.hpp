#pragma once

#include <string>

namespace tessera::test {

/// The text of the E that `action` throws.
template <class E, class Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace tessera::test
