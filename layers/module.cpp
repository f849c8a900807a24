#include <cxxabi.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <tessera/core/autograd.hpp>
#include <tessera/layers/module.hpp>
#include <typeinfo>
#include <utility>

namespace tessera {
namespace {

std::string class_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status),
                                                    std::free);
  std::string name = status == 0 ? text.get() : type.name();
  const auto scope = name.rfind("::", name.find('<'));
  return scope == std::string::npos ? name : name.substr(scope + 2);
}

std::string joined(const std::string& path, const std::string& name) { return path.empty() ? name : path + "." + name; }

thread_local bool drawing_later = false;

}  // namespace

struct Module::State {
  struct OwnParameter {
    std::string name;
    Tensor tensor;
    ParameterOptions options;
    // Where and in which version the numbers were right after the initializer ran.
    const void* drawn_numbers = nullptr;
    std::uint64_t drawn_version = 0;

    const void* numbers() const {
      return dispatch_all(tensor.dtype(), [&](auto zero) -> const void* { return tensor.data<decltype(zero)>(); });
    }
    bool as_drawn() const { return drawn_numbers == numbers() && drawn_version == tensor.version(); }
    void mark_drawn() {
      drawn_numbers = numbers();
      drawn_version = tensor.version();
    }
  };

  std::string name, path;
  const std::type_info* type = &typeid(Module);
  std::weak_ptr<State> parent;
  std::vector<OwnParameter> parameters;
  std::vector<std::pair<std::string, Tensor>> buffers;
  std::vector<std::shared_ptr<State>> children;
  bool training = true;
  std::uint64_t seed = 0;

  /// Calls visit(state, path from here) for this module and all below it.
  template <class Visit>
  void walk(const Visit& visit, const std::string& from_here = "") {
    visit(*this, from_here);
    for (const auto& child : children) child->walk(visit, joined(from_here, child->name));
  }

  State* find(const std::string& child) const {
    for (const auto& candidate : children)
      if (candidate->name == child) return candidate.get();
    return nullptr;
  }

  void draw(OwnParameter& parameter) const {
    if (!parameter.options.initializer) return;
    if (!drawing_later)
      parameter.options.initializer(parameter.tensor, RandomStream(seed, stream_of(joined(path, parameter.name))));
    parameter.mark_drawn();
  }

  void settle_below(const State& above) {
    path = joined(above.path, name);
    training = above.training;
    seed = above.seed;
    for (auto& parameter : parameters)
      if (parameter.as_drawn()) draw(parameter);
    for (const auto& child : children) child->settle_below(*this);
  }

  std::string type_name() const { return class_name(*type); }

  void check_new_name(const std::string& wanted) const {
    if (wanted.empty() || wanted.find_first_of("./@") != std::string::npos)
      raise<ValueError>(type_name(), "\"{}\" cannot be a name: names are not empty and hold no '.', '/' or '@'",
                        wanted);
    bool taken = find(wanted) != nullptr;
    for (const auto& parameter : parameters) taken = taken || parameter.name == wanted;
    for (const auto& buffer : buffers) taken = taken || buffer.first == wanted;
    if (taken) raise<ValueError>(type_name(), "there is already something called \"{}\" here", wanted);
  }
};

namespace {
thread_local const void* running_state = nullptr;
}  // namespace

DrawLater::DrawLater() : before_(std::exchange(drawing_later, true)) {}
DrawLater::~DrawLater() { drawing_later = before_; }

Module::Module() : state_(std::make_shared<State>()) {}

void Module::adopt(const std::string& name, const Module& child) {
  state_->type = &typeid(*this);
  child.state_->type = &typeid(child);
  state_->check_new_name(name);
  if (!child.state_->parent.expired())
    raise<ValueError>("add", "\"{}\" is already part of a module, as \"{}\"", name, child.state_->path);
  for (auto above = state_; above; above = above->parent.lock())
    if (above == child.state_) raise<ValueError>("add", "\"{}\" would become a part of itself", name);
  child.state_->name = name;
  child.state_->parent = state_;
  state_->children.push_back(child.state_);
  child.state_->settle_below(*state_);
}

Tensor Module::add_parameter(const std::string& name, const Shape& shape, const ParameterOptions& options) {
  Tensor value = add_parameter(name, Tensor::zeros(shape));
  State::OwnParameter& parameter = state_->parameters.back();
  parameter.options = options;
  state_->draw(parameter);
  return value;
}

Tensor Module::add_parameter(const std::string& name, Tensor value) {
  state_->check_new_name(name);
  value.set_requires_grad();
  state_->parameters.push_back({name, value, {}});
  return value;
}

Tensor Module::add_buffer(const std::string& name, Tensor value) {
  state_->check_new_name(name);
  state_->buffers.emplace_back(name, value);
  return value;
}

std::vector<Parameter> Module::parameters() const {
  std::vector<Parameter> found;
  state_->walk([&](State& state, const std::string& path) {
    for (auto& own : state.parameters) found.push_back({joined(path, own.name), own.tensor, own.options.constraint});
  });
  return found;
}

std::vector<std::pair<std::string, Tensor>> Module::named_parameters() const {
  std::vector<std::pair<std::string, Tensor>> found;
  for (const Parameter& parameter : parameters()) found.emplace_back(parameter.path, parameter.tensor);
  return found;
}

std::vector<std::pair<std::string, Tensor>> Module::named_buffers() const {
  std::vector<std::pair<std::string, Tensor>> found;
  state_->walk([&](State& state, const std::string& path) {
    for (const auto& [name, tensor] : state.buffers) found.emplace_back(joined(path, name), tensor);
  });
  return found;
}

Tensor Module::own(std::string_view name) const {
  for (const auto& parameter : state_->parameters)
    if (parameter.name == name) return parameter.tensor;
  for (const auto& [key, tensor] : state_->buffers)
    if (key == name) return tensor;
  return {};
}

void Module::remove(std::string_view name) {
  const auto removed =
      std::erase_if(state_->parameters, [&](const State::OwnParameter& own) { return own.name == name; }) +
      std::erase_if(state_->buffers, [&](const auto& buffer) { return buffer.first == name; });
  if (removed == 0) raise<ValueError>("remove", "there is no parameter or buffer called \"{}\" here", name);
}

void Module::visit_regularized(const std::function<void(const Tensor&, const Regularizer&)>& visit) const {
  state_->walk([&](State& state, const std::string&) {
    for (const auto& own : state.parameters)
      if (own.options.regularizer) visit(own.tensor, own.options.regularizer);
  });
}

std::vector<std::pair<std::string, Module>> Module::children() const {
  std::vector<std::pair<std::string, Module>> found;
  for (const auto& state : state_->children) found.emplace_back(state->name, Module(state));
  return found;
}

Module Module::child(const std::string& path) const {
  const auto dot = path.find('.');
  const std::string first = path.substr(0, dot);
  for (const auto& state : state_->children)
    if (state->name == first)
      return dot == std::string::npos ? Module(state) : Module(state).child(path.substr(dot + 1));
  std::vector<std::string> names;
  for (const auto& state : state_->children) names.push_back(state->name);
  raise<ValueError>("child", "{} has no child \"{}\"; it has: {}", state_->path.empty() ? "the module" : state_->path,
                    first, names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")));
}

const std::string& Module::path() const { return state_->path; }
std::string Module::type_name() const { return state_->type_name(); }

void Module::train(bool on) {
  state_->walk([on](State& state, const std::string&) { state.training = on; });
}

bool Module::training() const { return state_->training; }

void Module::initialize(std::uint64_t seed) {
  state_->walk([seed](State& state, const std::string&) {
    state.seed = seed;
    for (auto& parameter : state.parameters) state.draw(parameter);
  });
}

std::uint64_t Module::seed() const { return state_->seed; }

void Module::to(DType dtype) {
  if (!is_float(dtype)) raise<ValueError>("to", "weights are f32 or f64, got {}", name_of(dtype));
  const NoGrad no_grad;
  state_->walk([dtype](State& state, const std::string&) {
    for (auto& own : state.parameters) {
      const bool as_drawn = own.as_drawn();
      own.tensor.set_data(own.tensor.to(dtype));
      if (as_drawn) own.mark_drawn();
    }
    for (auto& [name, tensor] : state.buffers)
      if (is_float(tensor.dtype())) tensor.set_data(tensor.to(dtype));
  });
}

void Module::zero_grad() {
  for (auto& [path, tensor] : named_parameters()) Tensor(tensor).zero_grad();
}

void Module::set_requires_grad(bool on) {
  for (auto& [path, tensor] : named_parameters()) Tensor(tensor).set_requires_grad(on);
}

StateDict Module::state_dict() const {
  StateDict values;
  for (const auto& [path, tensor] : named_parameters()) values.emplace(path, tensor.detach());
  for (const auto& [path, tensor] : named_buffers()) values.emplace(path, tensor.detach());
  return values;
}

void Module::load_state_dict(const StateDict& values) {
  const StateDict own = state_dict();
  std::vector<std::string> missing, unknown, different, complaints;
  for (const auto& [path, tensor] : own) {
    const auto found = values.find(path);
    if (found == values.end())
      missing.push_back(path);
    else if (found->second.shape() != tensor.shape() || is_float(found->second.dtype()) != is_float(tensor.dtype()))
      different.push_back(fmt::format("{} is {} {}, got {} {}", path, name_of(tensor.dtype()), tensor.shape().str(),
                                      name_of(found->second.dtype()), found->second.shape().str()));
  }
  for (const auto& value : values)
    if (!own.contains(value.first)) unknown.push_back(value.first);
  if (!missing.empty()) complaints.push_back(fmt::format("missing: {}", fmt::join(missing, ", ")));
  if (!unknown.empty()) complaints.push_back(fmt::format("unknown: {}", fmt::join(unknown, ", ")));
  if (!different.empty()) complaints.push_back(fmt::format("different: {}", fmt::join(different, ", ")));
  if (!complaints.empty()) raise<ValueError>("load_state_dict", "{}", fmt::join(complaints, "; "));
  for (const auto& [path, tensor] : own) Tensor(tensor).copy_(values.at(path).detach().to(tensor.dtype()));
}

std::int64_t Module::parameter_count() const {
  std::int64_t count = 0;
  for (const auto& [path, tensor] : named_parameters()) count += tensor.numel();
  return count;
}

ModuleCall::ModuleCall(const Module& module)
    : before_(static_cast<const Module::State*>(running_state)), scope_(module.path()) {
  module.state_->type = &typeid(module);
  bool allowed = before_ == nullptr;
  for (auto above = module.state_; above && !allowed; above = above->parent.lock()) allowed = above.get() == before_;
  if (!allowed) {
    const std::string where = before_->path.empty() ? "" : before_->path + ": ";
    throw ValueError(fmt::format("{}{} called a {} it never added; its weights would be neither trained nor saved",
                                 where, before_->type_name(), module.type_name()));
  }
  running_state = module.state_.get();
}

ModuleCall::~ModuleCall() { running_state = before_; }

}  // namespace tessera
