#include <tessera/core/ops/dropout.hpp>
#include <tessera/layers/dropout.hpp>

namespace tessera {
namespace {

double checked_rate(const char* layer, double rate) {
  if (!(rate >= 0 && rate < 1)) raise<ValueError>(layer, ".rate must be 0 or more and below 1, got {}", rate);
  return rate;
}

/// The random numbers of this draw; counts it.
RandomStream next_stream(const Module& module, Tensor& draws) {
  std::int32_t& count = *draws.mutable_data<std::int32_t>();
  return {module.seed(), stream_of(module.path()), static_cast<std::uint32_t>(count++)};
}

}  // namespace

Dropout::Dropout(DropoutOptions options)
    : rate_(checked_rate("Dropout", options.rate)), draws_(add_buffer("draws", Tensor::zeros({}, i32))) {}

Tensor Dropout::forward(const Tensor& x) {
  if (!training() || rate_ == 0) return x;
  return dropout(x, rate_, next_stream(*this, draws_));
}

Dropout2D::Dropout2D(DropoutOptions options)
    : rate_(checked_rate("Dropout2D", options.rate)), draws_(add_buffer("draws", Tensor::zeros({}, i32))) {}

Tensor Dropout2D::forward(const Tensor& x) {
  if (!training() || rate_ == 0) return x;
  return dropout2d(x, rate_, next_stream(*this, draws_));
}

}  // namespace tessera
