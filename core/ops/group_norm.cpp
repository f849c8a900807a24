#include <algorithm>
#include <cmath>
#include <tessera/core/autograd.hpp>
#include <tessera/core/ops/group_norm.hpp>
#include <tessera/core/ops/normalization.hpp>

namespace tessera {
namespace {

using detail::Channels;
using detail::ChannelSums;

kernels::NormGeometry geometry_of(const Shape& shape) {
  kernels::NormGeometry geometry{.planes = shape[0], .channels = shape.size(-1)};
  for (std::int64_t axis = 1; axis + 1 < shape.rank(); ++axis) geometry.rows *= shape[axis];
  return geometry;
}

/// Every channel's value replaced by the sum over its group; channels of an image lie side by side.
void sum_over_groups(Channels& values, std::size_t group_size) {
  for (std::size_t first = 0; first < values.size(); first += group_size) {
    double sum = 0;
    for (std::size_t c = first; c < first + group_size; ++c) sum += values[c];
    std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(first), group_size, sum);
  }
}

struct GroupNormNode final : Node {  // saves x, gamma, mean, 1 / deviation of each image and channel
  GroupNormNode(const Tensor& x, const Tensor& gamma, Channels mean, Channels inverse, std::int64_t groups,
                double epsilon)
      : x_(x),
        gamma_(gamma),
        mean_(std::move(mean)),
        inverse_(std::move(inverse)),
        groups_(groups),
        epsilon_(epsilon) {}
  std::string_view name() const override { return "group_norm"; }
  Attributes attributes() const override { return {{"groups", groups_}, {"epsilon", epsilon_}}; }
  // With x^ = (x - mean) / deviation, h = gamma g and m the elements of a group:
  // grad_x = (h - sum h / m - x^ sum(h x^) / m) / deviation, sums over the group.
  Grads backward(const Tensor& grad_output, Needs needs) override {
    const Tensor& x = x_;
    const kernels::NormGeometry geometry = geometry_of(x.shape());
    const auto channels = static_cast<std::size_t>(geometry.channels);
    const std::size_t group_size = channels / static_cast<std::size_t>(groups_);
    const auto [grad_sums, products] = detail::channel_sums(geometry, grad_output, x);
    const Channels gamma = detail::channel_values(gamma_, geometry.channels, 1);
    Channels grad_gamma(channels), grad_beta(channels), sums(grad_sums.size()), normalized(grad_sums.size());
    for (std::size_t i = 0; i < grad_sums.size(); ++i) {
      const std::size_t c = i % channels;
      const double product = inverse_[i] * (products[i] - mean_[i] * grad_sums[i]);
      grad_gamma[c] += product;
      grad_beta[c] += grad_sums[i];
      sums[i] = gamma[c] * grad_sums[i];
      normalized[i] = gamma[c] * product;
    }
    Grads grads(3);
    if (needs[0]) {
      sum_over_groups(sums, group_size);
      sum_over_groups(normalized, group_size);
      const double count = std::max(static_cast<double>(geometry.rows) * static_cast<double>(group_size), 1.0);
      Channels grad_scale(sums.size()), x_scale(sums.size()), shift(sums.size());
      for (std::size_t i = 0; i < sums.size(); ++i) {
        grad_scale[i] = gamma[i % channels] * inverse_[i];
        x_scale[i] = -inverse_[i] * inverse_[i] * normalized[i] / count;
        shift[i] = -inverse_[i] * sums[i] / count - x_scale[i] * mean_[i];
      }
      grads[0] = detail::combined_channels(geometry, grad_output, x, grad_scale, x_scale, shift);
    }
    if (needs[1]) grads[1] = detail::channel_tensor(grad_gamma, x.dtype());
    if (needs[2]) grads[2] = detail::channel_tensor(grad_beta, x.dtype());
    return grads;
  }
  Saved x_, gamma_;
  Channels mean_, inverse_;
  std::int64_t groups_;
  double epsilon_;
};

void check(const Tensor& x, std::int64_t groups, const Tensor& gamma, const Tensor& beta, double epsilon) {
  const char* op = "group_norm";
  if (x.rank() < 2) raise<ShapeError>(op, "expected an input [N, ..., C], got {}", x.shape().str());
  if (!is_float(x.dtype())) raise<ValueError>(op, "expected a float tensor (f32 or f64), got {}", name_of(x.dtype()));
  if (groups < 1 || x.size(-1) % groups != 0)
    raise<ShapeError>(op, "groups {} must divide the {} channels of {}", groups, x.size(-1), x.shape().str());
  detail::check_channels(op, "gamma", gamma, x);
  detail::check_channels(op, "beta", beta, x);
  if (!(epsilon >= 0)) raise<ValueError>(op, "expected an epsilon of 0 or more, got {}", epsilon);
}

}  // namespace

Tensor group_norm(const Tensor& x, std::int64_t groups, const Tensor& gamma, const Tensor& beta, double epsilon) {
  check(x, groups, gamma, beta, epsilon);
  const kernels::NormGeometry geometry = geometry_of(x.shape());
  const auto channels = static_cast<std::size_t>(geometry.channels);
  const std::int64_t group_size = geometry.channels / groups;
  ChannelSums moments = detail::channel_sums(geometry, x, x);
  sum_over_groups(moments.sums, static_cast<std::size_t>(group_size));
  sum_over_groups(moments.products, static_cast<std::size_t>(group_size));
  auto [mean, inverse] = detail::mean_and_variance(moments, geometry.rows * group_size);
  const Channels factors = detail::channel_values(gamma, geometry.channels, 1);
  const Channels offsets = detail::channel_values(beta, geometry.channels, 0);
  Channels scale(mean.size()), shift(mean.size());
  for (std::size_t i = 0; i < mean.size(); ++i) {
    inverse[i] = 1 / std::sqrt(inverse[i] + epsilon);
    scale[i] = factors[i % channels] * inverse[i];
    shift[i] = offsets[i % channels] - scale[i] * mean[i];
  }
  Tensor y = detail::scaled_channels(geometry, x, scale, shift);
  return record<GroupNormNode>(y, {x, gamma, beta}, x, gamma, std::move(mean), std::move(inverse), groups, epsilon);
}

}  // namespace tessera
