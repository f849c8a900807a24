#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tessera/core/module_scope.hpp>
#include <tessera/core/parameter.hpp>
#include <tessera/layers/constraints.hpp>
#include <tessera/layers/initializers.hpp>
#include <tessera/layers/regularizers.hpp>
#include <utility>
#include <vector>

namespace tessera {

/// What a module says of a parameter when it adds one.
struct ParameterOptions {
  Initializer initializer = {};  ///< draws the first values
  Regularizer regularizer = {};  ///< what regularization(model) adds for it
  Constraint constraint = {};    ///< what the optimizer applies after each update
};

/// A part of a network: parameters, buffers (state that is not trained) and children, each under a name.
///
/// A handle: copies are the same module, with the same weights. A second network is made by constructing one and
/// `twin.load_state_dict(net.state_dict())`. Paths join names with dots ("encoder.conv2.kernel") and begin at the
/// module asked.
///
/// First values are a function of (seed, path from the root). The seed is 0 until `initialize(seed)`; a module that
/// becomes part of another one has a new path, so those of its parameters that nobody has written to are drawn again.
class Module {
 public:
  Module();
  Module(const Module&) = default;
  Module& operator=(const Module&) = default;
  virtual ~Module() = default;

  /// Makes `child` a part of this module and returns it; ValueError where the name is taken or the child has a parent.
  template <std::derived_from<Module> Child>
  Child add(const std::string& name, Child child) {
    adopt(name, child);
    return child;
  }
  /// The same for a module whose class is known only when the program runs.
  template <std::derived_from<Module> Child>
  std::shared_ptr<Child> add(const std::string& name, std::shared_ptr<Child> child) {
    adopt(name, *child);
    return child;
  }
  /// Adds an f32 parameter drawn by its initializer and returns it.
  Tensor add_parameter(const std::string& name, const Shape& shape, const ParameterOptions& options);
  /// Adds `value` itself as a parameter; initialize() leaves it alone.
  Tensor add_parameter(const std::string& name, Tensor value);
  /// Adds `value` as state that is saved with the weights but not trained.
  Tensor add_buffer(const std::string& name, Tensor value);

  /// Parameters of this module and of all below it, in the order they were added: a module's own before its children's.
  std::vector<Parameter> parameters() const;
  std::vector<std::pair<std::string, Tensor>> named_parameters() const;
  std::vector<std::pair<std::string, Tensor>> named_buffers() const;
  /// This module's own parameter or buffer of that name; undefined where there is none.
  Tensor own(std::string_view name) const;
  /// Takes a parameter or buffer of this module's own away; ValueError where there is none.
  void remove(std::string_view name);
  /// Calls `visit(parameter, regularizer)` for every parameter, here and below, that has a regularizer.
  void visit_regularized(const std::function<void(const Tensor&, const Regularizer&)>& visit) const;

  /// The direct children.
  std::vector<std::pair<std::string, Module>> children() const;
  /// A descendant by path; ValueError lists the names that are there.
  Module child(const std::string& path) const;
  /// Path from the root of the tree; empty for the root.
  const std::string& path() const;
  /// "Conv2D": the class's name without namespaces; "Module" until it was added or called.
  std::string type_name() const;

  /// Training mode, the initial one: batch normalisation uses the batch's statistics, dropout drops.
  void train(bool on = true);
  /// Evaluation mode: running statistics, no dropout.
  void eval() { train(false); }
  bool training() const;

  /// Draws all parameters anew from this seed, which random layers use from now on, too.
  void initialize(std::uint64_t seed);
  std::uint64_t seed() const;
  /// Converts all float parameters and buffers to f32 or f64, in place: members and optimizers see it. Drops gradients.
  void to(DType dtype);
  void zero_grad();
  /// Freezes (false) or frees all parameters.
  void set_requires_grad(bool on);

  /// Handles to all parameters and buffers, as they are now and will be; clone() those to be kept.
  StateDict state_dict() const;
  /// Copies values in; floats are converted. One ValueError lists all that is missing, unknown or of another shape, and
  /// then nothing is changed.
  void load_state_dict(const StateDict& values);

  /// Number of trained and frozen weights.
  std::int64_t parameter_count() const;
  bool is_same(const Module& other) const { return state_ == other.state_; }

 private:
  friend class ModuleCall;
  struct State;
  explicit Module(std::shared_ptr<State> state) : state_(std::move(state)) {}
  void adopt(const std::string& name, const Module& child);

  std::shared_ptr<State> state_;
};

/// While one lives, parameters added on this thread are zeros until `initialize` draws them: for whoever builds a
/// network and then initializes it as a whole. Drawn at once, the weights of a deep layer are drawn again each time
/// that what it is part of becomes part of something larger.
class DrawLater {
 public:
  DrawLater();
  ~DrawLater();
  DrawLater(const DrawLater&) = delete;
  DrawLater& operator=(const DrawLater&) = delete;

 private:
  bool before_;
};

/// Marks a module as running while the object lives: errors and traces carry its path.
///
/// ValueError unless the module is part of the one that is running; where none runs any may. `Layer::operator()` makes
/// one; so must the operator() of a module with another signature.
class ModuleCall {
 public:
  explicit ModuleCall(const Module& module);
  ~ModuleCall();
  ModuleCall(const ModuleCall&) = delete;
  ModuleCall& operator=(const ModuleCall&) = delete;

 private:
  const Module::State* before_;
  ModuleScope scope_;
};

}  // namespace tessera
