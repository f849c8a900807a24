#include <tessera/core/op_listener.hpp>
#include <utility>

namespace tessera {
namespace {

thread_local const OpListener::Function* listener = nullptr;

}  // namespace

const OpListener::Function* detail::running_listener() { return listener; }
const OpListener::Function* detail::exchange_listener(const OpListener::Function* next) {
  return std::exchange(listener, next);
}

OpListener::OpListener(Function tell) : tell_(std::move(tell)), before_(detail::exchange_listener(&tell_)) {}
OpListener::~OpListener() { detail::exchange_listener(before_); }

}  // namespace tessera
