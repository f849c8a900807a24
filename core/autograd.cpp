#include <atomic>
#include <tessera/core/autograd.hpp>
#include <tessera/core/module_scope.hpp>
#include <tessera/core/op_listener.hpp>
#include <tessera/core/recorded_call.hpp>

namespace tessera {
namespace {

thread_local bool recording = true;

std::shared_ptr<Gradient>& ensure_record(Tensor& tensor) {
  if (!tensor.gradient_record()) {
    auto fresh = std::make_shared<Gradient>();
    fresh->shape = tensor.shape();
    fresh->dtype = tensor.dtype();
    tensor.set_gradient_record(std::move(fresh));
  }
  return const_cast<std::shared_ptr<Gradient>&>(tensor.gradient_record());
}

bool wants_gradient(const std::shared_ptr<Gradient>& record) {
  return record && (record->requires_grad || record->producer);
}

}  // namespace

Saved::Saved(const Tensor& tensor) {
  if (!tensor.defined()) return;
  tensor_ = tensor.detach();
  version_ = tensor.version();
}

const Tensor& Saved::get() const {
  if (tensor_.defined() && tensor_.version() != version_)
    throw ValueError(
        fmt::format("a tensor of shape {} that it saved was written to after the forward pass", tensor_.shape().str()));
  return tensor_;
}

SavedInput::SavedInput(const Tensor& input) {
  const std::shared_ptr<Gradient>& record = input.gradient_record();
  if (record && record->producer && record->producer->node && record->producer->node->recomputes(record->output))
    record_ = record;
  else
    kept_ = input;
}

Tensor SavedInput::get() const {
  // Backward reaches the producer after every call that reads what it made.
  const std::shared_ptr<Gradient> record = record_.lock();
  if (!record) return kept_;
  Tensor whole = Tensor::empty(record->shape, record->dtype);
  recompute(whole, 0);
  return whole;
}

void SavedInput::recompute(Tensor& whole, std::int64_t begin) const {
  const std::shared_ptr<Gradient> record = record_.lock();
  record->producer->node->recompute(record->output, whole, begin);
}

bool grad_enabled() { return recording; }
NoGrad::NoGrad() : before_(std::exchange(recording, false)) {}
NoGrad::~NoGrad() { recording = before_; }

void Node::add_to(Trace& trace, const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs) const {
  trace.ops.push_back({std::string(name()), attributes(), inputs, outputs, running_module_path()});
}

Call::~Call() {
  // A chain of 100,000 calls must not overflow the stack: the outermost destructor unlinks all the others in a loop.
  thread_local std::vector<std::shared_ptr<Gradient>>* unlinked = nullptr;
  if (unlinked) {
    for (auto& input : inputs) unlinked->push_back(std::move(input));
    return;
  }
  std::vector<std::shared_ptr<Gradient>> pending = std::move(inputs);
  unlinked = &pending;
  while (!pending.empty()) {
    const std::shared_ptr<Gradient> next = std::move(pending.back());
    pending.pop_back();
  }
  unlinked = nullptr;
}

bool detail::should_record(const std::vector<Tensor>& inputs) {
  if (running_trace() || running_listener()) return true;
  if (!recording) return false;
  for (const Tensor& input : inputs)
    if (input.defined() && wants_gradient(input.gradient_record())) return true;
  return false;
}

void detail::attach(std::unique_ptr<Node> node, const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs) {
  if (const auto* tell = running_listener()) (*tell)(node->name(), running_module_path(), OpListener::Pass::forward);
  if (Trace* trace = running_trace()) node->add_to(*trace, inputs, outputs);
  if (!recording) return;
  static std::atomic<std::uint64_t> calls{0};
  auto call = std::make_shared<Call>();
  bool any = false;
  for (const Tensor& input : inputs) {
    const bool wanted = input.defined() && wants_gradient(input.gradient_record());
    call->inputs.push_back(wanted ? input.gradient_record() : nullptr);
    call->needs.push_back(wanted);
    any = any || wanted;
  }
  if (!any) return;
  call->name = node->name();
  call->path = running_module_path();
  call->node = std::move(node);
  call->order = calls++;
  call->grad_outputs.resize(outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!is_float(outputs[i].dtype())) continue;
    auto& made = ensure_record(outputs[i]);
    made->producer = call;
    made->output = i;
  }
}

Tensor record_constant(std::string_view name, Tensor output, const std::vector<Tensor>& inputs,
                       const Attributes& attributes) {
  if (const auto* tell = detail::running_listener()) (*tell)(name, running_module_path(), OpListener::Pass::forward);
  if (Trace* trace = detail::running_trace())
    trace->ops.push_back({std::string(name), attributes, inputs, {output}, running_module_path()});
  return output;
}

bool Tensor::requires_grad() const { return wants_gradient(gradient_record()); }

Tensor& Tensor::set_requires_grad(bool on) {
  if (on && !is_float(dtype()))
    raise<ValueError>("set_requires_grad", "only f32 and f64 tensors have gradients, this one is {}", name_of(dtype()));
  auto& record = ensure_record(*this);
  if (record->producer)
    raise<ValueError>("set_requires_grad", "this tensor was made by {}; only leaves can be marked (detach() it first)",
                      record->producer->name);
  record->requires_grad = on;
  return *this;
}

Tensor Tensor::grad() const { return gradient_record() ? gradient_record()->grad : Tensor(); }

void Tensor::set_grad(Tensor grad) {
  if (grad.defined() && (grad.shape() != shape() || grad.dtype() != dtype()))
    raise<ShapeError>("set_grad", "expected a gradient {} {}, got {} {}", name_of(dtype()), shape().str(),
                      name_of(grad.dtype()), grad.shape().str());
  ensure_record(*this)->grad = std::move(grad);
}

void Tensor::zero_grad() {
  if (gradient_record()) gradient_record()->grad = Tensor();
}

void Tensor::on_gradient_ready(std::function<void(const Tensor&)> hook) {
  auto& record = ensure_record(*this);
  if (record->producer)
    raise<ValueError>("on_gradient_ready", "this tensor was made by {}; only leaves keep a gradient",
                      record->producer->name);
  record->hooks.push_back(std::move(hook));
}

}  // namespace tessera
