#include <algorithm>
#include <cmath>
#include <set>
#include <tessera/core/autograd.hpp>
#include <tessera/core/parallel.hpp>
#include <tessera/optim/optimizer.hpp>
#include <tessera/optim/state_entry.hpp>

namespace tessera {

Optimizer::Optimizer(std::string name, ParameterGroups parameters, std::vector<std::string> state_names, double lr,
                     double weight_decay)
    : name_(std::move(name)), state_names_(std::move(state_names)) {
  std::set<std::string> paths;
  std::set<const void*> tensors;
  for (ParameterGroup& group : parameters.groups) {
    groups_.push_back({group.lr.value_or(lr), group.weight_decay.value_or(weight_decay)});
    require_lr(groups_.back().lr);
    require(groups_.back().weight_decay >= 0, "weight_decay >= 0", "weight_decay", groups_.back().weight_decay);
    for (Parameter& parameter : group.parameters) {
      if (!paths.insert(parameter.path).second || !tensors.insert(parameter.tensor.identity()).second)
        raise<ValueError>(name_, "parameter {} was given twice", parameter.path);
      slots_.push_back({std::move(parameter), groups_.size() - 1});
    }
  }
  if (slots_.empty()) raise<ValueError>(name_, "expected at least one parameter, got none");
  // Now rather than at the first step, whose activations would leave their places to them and find none next time.
  for (Slot& slot : slots_)
    if (slot.parameter.tensor.requires_grad()) make_states(slot);
}

void Optimizer::make_states(Slot& slot) const {
  const Tensor& tensor = slot.parameter.tensor;
  while (slot.states.size() < state_names_.size()) slot.states.push_back(Tensor::zeros(tensor.shape(), tensor.dtype()));
}

void Optimizer::require(bool holds, std::string_view condition, std::string_view option, double value) const {
  if (!holds) raise<ValueError>(name_, "expected {}, got {} = {}", condition, option, value);
}

void Optimizer::require_lr(double lr) const { require(lr >= 0 && std::isfinite(lr), "lr >= 0", "lr", lr); }

void Optimizer::set_lr(double lr) {
  for (std::size_t group = 0; group < groups_.size(); ++group) set_lr(group, lr);
}

void Optimizer::set_lr(std::size_t group, double lr) {
  require_lr(lr);
  groups_.at(group).lr = lr;
}

std::vector<Parameter> Optimizer::parameters() const {
  std::vector<Parameter> all;
  for (const Slot& slot : slots_) all.push_back(slot.parameter);
  return all;
}

void Optimizer::zero_grad() {
  for (Slot& slot : slots_) slot.parameter.tensor.zero_grad();
}

ParameterRange Optimizer::open(Slot& slot) const {
  Tensor& tensor = slot.parameter.tensor;
  const Tensor grad = tensor.grad();
  make_states(slot);
  ParameterRange whole;
  whole.dtype = tensor.dtype();
  whole.count = tensor.numel();
  whole.step = ++slot.step;
  whole.lr = groups_[slot.group].lr;
  whole.weight_decay = groups_[slot.group].weight_decay;
  dispatch_float(whole.dtype, name_, [&](auto zero) {
    using T = decltype(zero);
    whole.parameter_ = tensor.mutable_data<T>();
    whole.gradient_ = grad.data<T>();
    for (std::size_t i = 0; i < slot.states.size(); ++i) {
      slot.states[i] = slot.states[i].to(whole.dtype);  // the model may have been converted since the last step
      whole.states_[i] = slot.states[i].mutable_data<T>();
    }
  });
  return whole;
}

void Optimizer::step() {
  const NoGrad no_grad;
  std::vector<Slot*> updated;
  std::vector<ParameterRange> ranges;
  for (Slot& slot : slots_) {
    if (!slot.parameter.tensor.requires_grad() || !slot.parameter.tensor.grad().defined()) continue;
    updated.push_back(&slot);
    ParameterRange range = open(slot);
    const std::int64_t end = range.count;
    for (; range.begin < end; range.begin += elementwise_grain) {
      range.count = std::min(elementwise_grain, end - range.begin);
      ranges.push_back(range);
    }
  }
  parallel_for(static_cast<std::int64_t>(ranges.size()),
               [&](std::int64_t chunk) { update(ranges[static_cast<std::size_t>(chunk)]); });
  for (Slot* slot : updated)
    if (slot->parameter.constraint) slot->parameter.constraint(slot->parameter.tensor);
}

StateDict Optimizer::state_dict() const {
  std::vector<double> rates;
  for (const Group& group : groups_) rates.push_back(group.lr);
  StateDict values{{name_ + ".lr", Tensor::from(rates, {static_cast<std::int64_t>(rates.size())})}};
  for (const Slot& slot : slots_) {
    if (slot.step == 0) continue;
    values[name_ + ".step/" + slot.parameter.path] = Tensor::scalar(static_cast<double>(slot.step), i32);
    for (std::size_t i = 0; i < state_names_.size(); ++i)
      values[name_ + "." + state_names_[i] + "/" + slot.parameter.path] = slot.states[i];
  }
  return values;
}

void Optimizer::load_state_dict(const StateDict& values) {
  std::set<std::string> unknown;
  for (const auto& [key, value] : values) unknown.insert(key);
  const auto take = [&](const std::string& key, const Shape& shape) {
    unknown.erase(key);
    return state_entry(name_, values, key, shape);
  };

  const Tensor rates = take(name_ + ".lr", {static_cast<std::int64_t>(groups_.size())}).to(f64);
  const std::span<const double> lrs = rates.span<double>();
  for (const double lr : lrs) require_lr(lr);
  std::vector<Slot> loaded = slots_;
  for (Slot& slot : loaded) {
    const Parameter& parameter = slot.parameter;
    slot.step = 0;
    slot.states.clear();
    const std::string step_key = name_ + ".step/" + parameter.path;
    if (!values.contains(step_key)) continue;
    slot.step = static_cast<std::int64_t>(take(step_key, {}).item());
    for (const std::string& state : state_names_)
      slot.states.push_back(take(name_ + "." + state + "/" + parameter.path, parameter.tensor.shape())
                                .to(parameter.tensor.dtype())
                                .clone());
  }
  if (!unknown.empty())
    raise<ValueError>(name_, "the state to load has {}, which belongs to no parameter of this optimizer",
                      *unknown.begin());
  for (std::size_t group = 0; group < groups_.size(); ++group) groups_[group].lr = lrs[group];
  slots_ = std::move(loaded);
}

}  // namespace tessera
