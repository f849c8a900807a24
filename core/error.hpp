#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace tessera {

/// What every error thrown by Tessera derives from; `what()` is one line meant for the person who reads it.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Shapes that do not fit together or sizes that an op cannot work with.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// A value, type or option outside of what is allowed, or a call made at the wrong time.
class ValueError : public Error {
 public:
  using Error::Error;
};

/// A file that cannot be read, written or understood.
class IoError : public Error {
 public:
  using Error::Error;
};

/// Path of the module that is running (such as "encoder.conv2"), or `op` where none is: the name every error begins
/// with.
std::string error_origin(std::string_view op);

/// Throws E with the message "<running module or op>: <formatted text>".
template <class E, class... Args>
[[noreturn]] void raise(std::string_view op, fmt::format_string<Args...> text, Args&&... args) {
  throw E(error_origin(op) + ": " + fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace tessera
