#include <algorithm>
#include <tessera/core/op_listener.hpp>
#include <tessera/core/ops/accumulate.hpp>
#include <tessera/core/recorded_call.hpp>

namespace tessera {
namespace {

/// One backward pass: the calls below the root, latest first, and what went through them.
class BackwardPass {
 public:
  explicit BackwardPass(bool retain_graph) : retain_graph_(retain_graph) {}
  ~BackwardPass();
  BackwardPass(const BackwardPass&) = delete;
  BackwardPass& operator=(const BackwardPass&) = delete;

  void run(const std::shared_ptr<Gradient>& root, const Tensor& gradient);

 private:
  void find_calls(const std::shared_ptr<Gradient>& root);
  void pass(Call& call);
  static void flow_into(Gradient& target, Tensor gradient);
  static void finish_leaf(Gradient& leaf);

  bool retain_graph_;
  std::vector<std::shared_ptr<Call>> calls_;
  std::vector<std::shared_ptr<Gradient>> leaves_;
};

/// "relu" or "encoder.act (relu)".
std::string describe(const Call& call) {
  return call.path.empty() ? call.name : fmt::format("{} ({})", call.path, call.name);
}

BackwardPass::~BackwardPass() {
  // Also after an error: nothing of this pass may leak into the next one.
  for (const auto& call : calls_) {
    call->reached = false;
    for (Tensor& grad : call->grad_outputs) grad = Tensor();
  }
  for (const auto& leaf : leaves_) {
    leaf->incoming = Tensor();
    leaf->uses_left = 0;
  }
}

void BackwardPass::find_calls(const std::shared_ptr<Gradient>& root) {
  // A leaf's uses are counted before anything flows, so that its hook fires once, with the final gradient.
  std::vector<const std::shared_ptr<Gradient>*> pending{&root};
  while (!pending.empty()) {
    const std::shared_ptr<Gradient>& record = *pending.back();
    pending.pop_back();
    if (!record->producer) {
      if (!record->requires_grad) continue;
      if (record->uses_left++ == 0) leaves_.push_back(record);
      continue;
    }
    const std::shared_ptr<Call>& call = record->producer;
    if (call->reached) continue;
    if (!call->node)
      throw ValueError(
          fmt::format("backward: the graph behind {} was already freed by an earlier backward pass; pass "
                      "retain_graph = true to that one",
                      describe(*call)));
    call->reached = true;
    calls_.push_back(call);
    for (const auto& input : call->inputs)
      if (input) pending.push_back(&input);
  }
  std::sort(calls_.begin(), calls_.end(), [](const auto& a, const auto& b) { return a->order > b->order; });
}

void BackwardPass::finish_leaf(Gradient& leaf) {
  if (leaf.incoming.defined()) {
    Tensor gradient = std::exchange(leaf.incoming, Tensor());
    if (leaf.grad.defined())
      accumulate(leaf.grad, gradient);
    else
      leaf.grad = gradient.is_unique() ? gradient : gradient.clone();
  }
  if (leaf.grad.defined())
    for (const auto& hook : leaf.hooks) hook(leaf.grad);
}

void BackwardPass::flow_into(Gradient& target, Tensor gradient) {
  if (!target.producer && !target.requires_grad) return;  // frozen since the forward pass
  Tensor& sum = target.producer ? target.producer->grad_outputs[target.output] : target.incoming;
  if (gradient.defined()) {
    if (sum.defined())
      accumulate(sum, gradient);
    else
      sum = std::move(gradient);
  }
  if (!target.producer && --target.uses_left == 0) {
    gradient = Tensor();
    finish_leaf(target);
  }
}

void BackwardPass::pass(Call& call) {
  std::vector<Tensor> grad_outputs(call.grad_outputs.size());
  std::swap(grad_outputs, call.grad_outputs);
  const bool flows = std::any_of(grad_outputs.begin(), grad_outputs.end(), [](const Tensor& g) { return g.defined(); });
  Grads grads(call.inputs.size());
  if (flows) {
    try {
      const detail::TraceScope untold(nullptr);
      grads = call.node->backward_many(grad_outputs, Needs(call.needs, retain_graph_));
    } catch (const Error& error) {
      throw ValueError(fmt::format("backward of {}: {}", describe(call), error.what()));
    }
    if (const auto* tell = detail::running_listener()) (*tell)(call.name, call.path, OpListener::Pass::backward);
  }
  grad_outputs.clear();
  if (grads.size() != call.inputs.size())
    throw ValueError(fmt::format("backward of {}: expected {} gradients, one for each input, got {}", describe(call),
                                 call.inputs.size(), grads.size()));
  if (!retain_graph_) call.node.reset();
  for (std::size_t i = 0; i < grads.size(); ++i) {
    if (!call.needs[i]) continue;
    Gradient& target = *call.inputs[i];
    if (grads[i].defined() && (grads[i].shape() != target.shape || grads[i].dtype() != target.dtype))
      throw ShapeError(fmt::format("backward of {}: the gradient of input {} should be {} {}, got {} {}",
                                   describe(call), i, name_of(target.dtype), target.shape.str(),
                                   name_of(grads[i].dtype()), grads[i].shape().str()));
    flow_into(target, std::move(grads[i]));
  }
  if (!retain_graph_) call.inputs.clear();
}

void BackwardPass::run(const std::shared_ptr<Gradient>& root, const Tensor& gradient) {
  const NoGrad no_grad;
  find_calls(root);
  flow_into(*root, gradient);
  for (std::shared_ptr<Call>& call : calls_) {
    pass(*call);
    call->reached = false;
    call.reset();
  }
  calls_.clear();
}

}  // namespace

void Tensor::backward(const Tensor& gradient, bool retain_graph) const {
  if (!requires_grad())
    raise<ValueError>("backward", "nothing below this tensor of shape {} wants a gradient", shape().str());
  if (!gradient.defined() && numel() != 1)
    raise<ShapeError>("backward",
                      "a tensor of shape {} needs the gradient to start with; only one of a single element "
                      "starts with 1",
                      shape().str());
  if (gradient.defined() && (gradient.shape() != shape() || gradient.dtype() != dtype()))
    raise<ShapeError>("backward", "expected a gradient {} {}, got {} {}", name_of(dtype()), shape().str(),
                      name_of(gradient.dtype()), gradient.shape().str());
  BackwardPass(retain_graph).run(gradient_record(), gradient.defined() ? gradient.detach() : ones(shape(), dtype()));
}

}  // namespace tessera
