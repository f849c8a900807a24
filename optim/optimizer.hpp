#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tessera/core/parameter.hpp>
#include <tessera/optim/parameter_range.hpp>
#include <utility>
#include <vector>

namespace tessera {

/// Parameters with options of their own; what is not set is the optimizer's.
struct ParameterGroup {
  std::vector<Parameter> parameters;
  std::optional<double> lr = std::nullopt;
  std::optional<double> weight_decay = std::nullopt;
};

/// What optimizers take: a model's parameters, or groups of them.
struct ParameterGroups {
  ParameterGroups(std::vector<Parameter> parameters)  // NOLINT(google-explicit-constructor): stands for its argument
      : groups{{std::move(parameters)}} {}
  ParameterGroups(std::vector<ParameterGroup> groups_)  // NOLINT(google-explicit-constructor)
      : groups(std::move(groups_)) {}

  std::vector<ParameterGroup> groups;
};

/// Changes parameters by their gradients; a derived class implements the update of one range of one parameter.
///
/// Frozen parameters and those without a gradient are skipped. A parameter's constraint is applied right after its
/// update. ValueError for no parameters, one that appears twice, and options out of range.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Updates all parameters in one parallel sweep.
  void step();
  /// Drops all gradients.
  void zero_grad();

  std::size_t group_count() const { return groups_.size(); }
  double lr(std::size_t group = 0) const { return groups_.at(group).lr; }
  /// Sets the learning rate of all groups, or of one.
  void set_lr(double lr);
  void set_lr(std::size_t group, double lr);

  /// All parameters, group by group.
  std::vector<Parameter> parameters() const;

  /// "adam.m/down.conv.kernel": handles to the state of each parameter that was updated; "adam.step/..." (i32): how
  /// often; "adam.lr" (f64): the groups' learning rates.
  StateDict state_dict() const;
  /// Copies state in, as state_dict() gave it, for the same parameters. ValueError or ShapeError names what is missing,
  /// unknown or of another shape, and then nothing is changed.
  void load_state_dict(const StateDict& values);

 protected:
  /// `name` begins all names in the state; `state_names` are the tensors of a parameter's shape that the update needs.
  Optimizer(std::string name, ParameterGroups parameters, std::vector<std::string> state_names, double lr,
            double weight_decay);

  /// ValueError "adam: expected <condition>, got <option> = <value>" unless `holds`.
  void require(bool holds, std::string_view condition, std::string_view option, double value) const;

 private:
  /// Updates the elements of `range` in place. Runs on several threads at once, each with a range of its own.
  virtual void update(const ParameterRange& range) const = 0;

  struct Group {
    double lr;
    double weight_decay;
  };
  struct Slot {
    Parameter parameter;
    std::size_t group;
    std::int64_t step = 0;
    std::vector<Tensor> states{};
  };
  void require_lr(double lr) const;
  /// States of zeros where there are none yet.
  void make_states(Slot& slot) const;
  ParameterRange open(Slot& slot) const;

  std::string name_;
  std::vector<std::string> state_names_;
  std::vector<Group> groups_;
  std::vector<Slot> slots_;
};

}  // namespace tessera
