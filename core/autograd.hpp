#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <tessera/core/tensor.hpp>
#include <tessera/core/trace.hpp>
#include <vector>

namespace tessera {

/// Which inputs of an op want a gradient, in the order they were recorded in.
class Needs {
 public:
  Needs(const std::vector<bool>& flags, bool again) : flags_(&flags), again_(again) {}
  bool operator[](std::size_t input) const { return (*flags_)[input]; }
  /// True where the graph is retained for another pass; else a node may let go of what it has read.
  bool again() const { return again_; }

 private:
  const std::vector<bool>* flags_;
  bool again_;
};

/// One gradient per recorded input; an undefined tensor where none is wanted or none flows.
using Grads = std::vector<Tensor>;

/// A tensor that backward needs: remembers its version and refuses to be read once the numbers were written to.
class Saved {
 public:
  Saved() = default;
  Saved(const Tensor& tensor);  // NOLINT(google-explicit-constructor): nodes take tensors and keep Saved
  operator const Tensor&() const { return get(); }
  const Tensor& get() const;
  const Tensor* operator->() const { return &get(); }
  bool defined() const { return tensor_.defined(); }

 private:
  Tensor tensor_;
  std::uint64_t version_ = 0;
};

/// An input that backward needs and does not keep where the op that made it recomputes it: activations between two
/// convolutions need no memory until backward comes by. Must be one of the recorded inputs.
class SavedInput {
 public:
  SavedInput() = default;
  explicit SavedInput(const Tensor& input);
  /// ValueError where the numbers were kept and have been written to since.
  Tensor get() const;
  /// True where they are not kept.
  bool recomputes() const { return !record_.expired(); }
  /// Puts the numbers of an input that recomputes where Node::recompute says.
  void recompute(Tensor& whole, std::int64_t begin) const;

 private:
  Saved kept_;                      ///< undefined where it is recomputed
  std::weak_ptr<Gradient> record_;  ///< of that input; the recorded call keeps it alive
};

/// The backward half of one op: holds exactly what its gradient needs, as Saved members, and returns gradients.
///
/// The engine adds gradients up, checks their shapes and destroys the node once backward has passed it.
struct Node {
  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node() = default;

  /// The op's name, as errors and traces say it.
  virtual std::string_view name() const = 0;
  /// The op's options, as traces list them.
  virtual Attributes attributes() const { return {}; }
  /// Gradients of the inputs from the gradient of the only output. Runs without recording.
  virtual Grads backward(const Tensor& grad_output, Needs needs) = 0;
  /// The same for an op of several outputs; gradients that nothing flowed into are undefined.
  virtual Grads backward_many(const std::vector<Tensor>& grad_outputs, Needs needs) {
    return backward(grad_outputs[0], needs);
  }
  /// True where recompute() gives an output again, to the same bits, from what backward needs anyway.
  virtual bool recomputes(std::size_t /*output*/) const { return false; }
  /// Puts it into `whole`, which differs in its last axis alone: there from position `begin` on.
  virtual void recompute(std::size_t /*output*/, Tensor& /*whole*/, std::int64_t /*begin*/) const {}
  /// Adds this op to a trace; fused ops override it to list the plain ops they stand for.
  virtual void add_to(Trace& trace, const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs) const;
};

/// True while ops on this thread record themselves for backward.
bool grad_enabled();

/// Switches recording off on this thread while the object lives.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

/// One recorded op call: the graph's vertex.
struct Call;

/// What autograd knows of one tensor: whether it wants a gradient, which call made it, what has flowed into it.
struct Gradient {
  bool requires_grad = false;
  Shape shape;
  DType dtype = f32;
  std::shared_ptr<Call> producer;  ///< null for a leaf
  std::size_t output = 0;          ///< which output of the producer
  Tensor grad;                     ///< a leaf's accumulated gradient
  std::vector<std::function<void(const Tensor&)>> hooks;
  // Of the backward pass now running:
  Tensor incoming;
  std::int64_t uses_left = 0;
};

namespace detail {
bool should_record(const std::vector<Tensor>& inputs);
void attach(std::unique_ptr<Node> node, const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs);
}  // namespace detail

/// Records that N computes `output` from `inputs`; `saved` go to N's constructor. Returns `output`.
///
/// Costs nothing where no input wants a gradient and no trace runs. This is how every op, also a user's own, joins the
/// graph.
template <class N, class... Args>
Tensor record(Tensor output, const std::vector<Tensor>& inputs, Args&&... saved) {
  if (detail::should_record(inputs)) {
    std::vector<Tensor> outputs{output};
    detail::attach(std::make_unique<N>(std::forward<Args>(saved)...), inputs, outputs);
  }
  return output;
}

/// The same for an op of several outputs.
template <class N, class... Args>
void record_many(std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs, Args&&... saved) {
  if (detail::should_record(inputs)) detail::attach(std::make_unique<N>(std::forward<Args>(saved)...), inputs, outputs);
}

/// Writes an op without a gradient into the running trace, if there is one, and returns `output`.
Tensor record_constant(std::string_view name, Tensor output, const std::vector<Tensor>& inputs,
                       const Attributes& attributes = {});

}  // namespace tessera
