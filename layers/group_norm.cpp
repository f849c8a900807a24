#include <tessera/core/ops/group_norm.hpp>
#include <tessera/layers/group_norm.hpp>
#include <tessera/layers/option_checks.hpp>

namespace tessera {

GroupNorm::GroupNorm(const GroupNormOptions& o) : groups_(o.groups), epsilon_(o.epsilon) {
  detail::require_positive("GroupNorm", "channels", "size of the input's last axis", o.channels);
  detail::require_groups("GroupNorm", o.groups, {{"channels", o.channels}});
  if (o.epsilon <= 0) raise<ValueError>("GroupNorm", ".epsilon must be above 0, got {}", o.epsilon);
  if (o.scale)
    gamma_ = add_parameter("gamma", {o.channels}, {o.gamma_initializer, o.gamma_regularizer, o.gamma_constraint});
  if (o.center)
    beta_ = add_parameter("beta", {o.channels}, {o.beta_initializer, o.beta_regularizer, o.beta_constraint});
}

Tensor GroupNorm::forward(const Tensor& x) { return group_norm(x, groups_, gamma_, beta_, epsilon_); }

}  // namespace tessera
