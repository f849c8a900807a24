#include <tessera/core/autograd.hpp>
#include <tessera/layers/layer_gradcheck.hpp>

namespace tessera {
namespace {

/// Lends a tensor other numbers, and the place in the graph that goes with them, until the end of the scope.
class StandIn {
 public:
  explicit StandIn(const Tensor& tensor)
      : tensor_(tensor), numbers_(tensor.detach()), record_(tensor.gradient_record()) {}
  StandIn(StandIn&&) = default;
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;
  ~StandIn() {
    if (tensor_.defined()) become(numbers_, record_);
  }
  /// The tensor now reads, and passes gradients, as `other`.
  void stand_for(const Tensor& other) { become(other, other.gradient_record()); }
  Tensor numbers() const { return is_float(numbers_.dtype()) ? numbers_.to(f64).clone() : numbers_.clone(); }

 private:
  void become(const Tensor& numbers, const std::shared_ptr<Gradient>& record) {
    tensor_.set_gradient_record(nullptr);
    tensor_.set_data(numbers);
    tensor_.set_gradient_record(record);
  }

  Tensor tensor_, numbers_;
  std::shared_ptr<Gradient> record_;
};

}  // namespace

GradcheckReport gradcheck(Layer& layer, const Tensor& x, const GradcheckOptions& options) {
  std::vector<StandIn> parameters, buffers;
  std::vector<Tensor> inputs{x.detach().to(f64)};
  for (const auto& named : layer.named_parameters()) {
    parameters.emplace_back(named.second);
    inputs.push_back(parameters.back().numbers());
  }
  for (const auto& named : layer.named_buffers()) buffers.emplace_back(named.second);
  return gradcheck(
      [&](const std::vector<Tensor>& values) {
        for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].stand_for(values[i + 1]);
        for (StandIn& buffer : buffers) buffer.stand_for(buffer.numbers());
        return layer(values[0]);
      },
      inputs, options);
}

}  // namespace tessera
