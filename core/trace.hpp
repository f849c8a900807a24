#pragma once

#include <functional>
#include <string>
#include <tessera/core/op_listener.hpp>
#include <tessera/core/tensor.hpp>
#include <utility>
#include <variant>
#include <vector>

namespace tessera {

using Attribute = std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>>;

/// An op's options in the order the op lists them.
using Attributes = std::vector<std::pair<std::string, Attribute>>;

/// The attribute as text: "3", "0.5", "[2, 2]", "true".
std::string to_string(const Attribute& attribute);

/// The value of a named attribute, or `otherwise` where the op lists none of that name and type.
template <class T>
T attribute_or(const Attributes& attributes, std::string_view name, T otherwise) {
  for (const auto& [key, value] : attributes)
    if (key == name)
      if (const T* found = std::get_if<T>(&value)) return *found;
  return otherwise;
}

/// One op call of a forward pass. Tensors are told apart by `Tensor::identity()`.
struct TracedOp {
  std::string name;
  Attributes attributes;
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  std::string path;  ///< of the module that ran it
};

/// Every op of one forward pass, in the order they ran. Keeps all of their tensors alive.
struct Trace {
  std::vector<TracedOp> ops;
};

/// Runs `forward` and returns what ops it called on this thread, those without a gradient too.
Trace trace(const std::function<void()>& forward);

namespace detail {

/// The trace that is running on this thread, or null.
Trace* running_trace();

/// Makes a trace the running one of this thread while the object lives; null pauses it and any OpListener, for ops made
/// of other ops.
class TraceScope {
 public:
  explicit TraceScope(Trace* trace);
  ~TraceScope();
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;

 private:
  Trace* before_;
  const OpListener::Function* listener_before_;
};

}  // namespace detail

}  // namespace tessera
