#include <fmt/ranges.h>

#include <tessera/core/autograd.hpp>

namespace tessera {
namespace {

struct ReshapeNode final : Node {  // saves the input's shape;  grad_input = grad_output in that shape
  ReshapeNode(const Shape& from, const Shape& to) : from_(from), to_(to) {}
  std::string_view name() const override { return "reshape"; }
  Attributes attributes() const override { return {{"shape", std::vector<std::int64_t>(to_.begin(), to_.end())}}; }
  Grads backward(const Tensor& grad_output, Needs) override { return {grad_output.view(from_)}; }
  Shape from_, to_;
};

/// `sizes` with its -1 replaced by what makes it hold all elements of `from`.
Shape inferred(const Shape& from, std::vector<std::int64_t> sizes) {
  const std::string wanted = fmt::format("[{}]", fmt::join(sizes, ", "));
  std::int64_t* open = nullptr;
  for (std::int64_t& size : sizes) {
    if (size >= 0) continue;
    if (size != -1 || open)
      raise<ShapeError>("reshape", "expected sizes of 0 or more and at most one -1, got {}", wanted);
    open = &size;
    size = 1;
  }
  const std::int64_t known = Shape(sizes).numel();
  if (open && known != 0) *open = from.numel() / known;
  if ((open && known == 0) || Shape(sizes).numel() != from.numel())
    raise<ShapeError>("reshape", "{} has {} elements, which do not fit into {}", from.str(), from.numel(), wanted);
  return Shape(sizes);
}

}  // namespace

Tensor Tensor::reshape(const std::vector<std::int64_t>& sizes) const {
  const Shape to = inferred(shape(), sizes);
  return record<ReshapeNode>(view(to), {*this}, shape(), to);
}

}  // namespace tessera
