#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace tessera {

/// Is told of every op that ends on this thread while the object lives, in the forward pass and in backward: for
/// profiles. Ops that another op is made of are not heard. Costs nothing while there is no listener.
class OpListener {
 public:
  enum class Pass { forward, backward };
  /// An op's name, the path of the module that ran it, and which of its two halves has just ended.
  using Function = std::function<void(std::string_view op, const std::string& path, Pass pass)>;

  explicit OpListener(Function tell);
  ~OpListener();
  OpListener(const OpListener&) = delete;
  OpListener& operator=(const OpListener&) = delete;

 private:
  Function tell_;
  const Function* before_;
};

namespace detail {

/// Who listens on this thread, or null.
const OpListener::Function* running_listener();
/// Changes who does, and returns who did.
const OpListener::Function* exchange_listener(const OpListener::Function* listener);

}  // namespace detail
}  // namespace tessera
