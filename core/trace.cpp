#include <fmt/ranges.h>

#include <tessera/core/trace.hpp>

namespace tessera {
namespace {

thread_local Trace* current_trace = nullptr;

}  // namespace

std::string to_string(const Attribute& attribute) {
  return std::visit(
      [](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::vector<std::int64_t>>)
          return fmt::format("[{}]", fmt::join(value, ", "));
        else
          return fmt::format("{}", value);
      },
      attribute);
}

Trace trace(const std::function<void()>& forward) {
  Trace result;
  const detail::TraceScope scope(&result);
  forward();
  return result;
}

Trace* detail::running_trace() { return current_trace; }
detail::TraceScope::TraceScope(Trace* trace)
    : before_(std::exchange(current_trace, trace)),
      listener_before_(exchange_listener(trace ? running_listener() : nullptr)) {}
detail::TraceScope::~TraceScope() {
  current_trace = before_;
  exchange_listener(listener_before_);
}

}  // namespace tessera
