#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <tessera/core/autograd.hpp>
#include <tessera/core/gradcheck.hpp>
#include <tessera/core/random.hpp>

namespace tessera {
namespace {

using Function = std::function<Tensor(const std::vector<Tensor>&)>;

/// Beyond this many inputs not every choice of them is tried, only each alone and all but each.
constexpr std::size_t max_inputs_for_all_choices = 6;

double relative_error(double a, double b) {
  const double error = std::abs(a - b) / std::max({1.0, std::abs(a), std::abs(b)});
  return std::isfinite(error) ? error : HUGE_VAL;
}

std::vector<std::int64_t> index_of(std::int64_t offset, const Shape& shape) {
  std::vector<std::int64_t> index(static_cast<std::size_t>(shape.rank()));
  for (std::int64_t axis = shape.rank() - 1; axis >= 0; --axis) {
    index[static_cast<std::size_t>(axis)] = offset % shape[axis];
    offset /= shape[axis];
  }
  return index;
}

/// Numbers of random sign between 0.5 and 1.5, so that none hides an error.
Tensor random_weights(const Shape& shape, const GradcheckOptions& options, std::uint32_t draw) {
  const RandomStream random(options.seed, stream_of("gradcheck"), draw);
  Tensor weights = Tensor::empty(shape, f64);
  double* out = weights.mutable_data<double>();
  for (std::int64_t i = 0; i < shape.numel(); ++i) {
    const double u = random.uniform(static_cast<std::uint64_t>(i), -1, 1);
    out[i] = u < 0 ? u - 0.5 : u + 0.5;
  }
  return weights;
}

double dot(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (std::int64_t i = 0; i < a.numel(); ++i) sum += a.data<double>()[i] * b.data<double>()[i];
  return sum;
}

/// Largest relative error between two tensors of one shape; an undefined one counts as zeros.
double worst_error(const Tensor& a, const Tensor& b) {
  const auto values = [](const Tensor& t) { return t.defined() ? t.data<double>() : nullptr; };
  const std::int64_t count = a.defined() ? a.numel() : b.defined() ? b.numel() : 0;
  double worst = 0;
  for (std::int64_t i = 0; i < count; ++i)
    worst = std::max(worst, relative_error(values(a) ? values(a)[i] : 0, values(b) ? values(b)[i] : 0));
  return worst;
}

class Gradcheck {
 public:
  Gradcheck(const Function& f, const std::vector<Tensor>& inputs, const GradcheckOptions& options)
      : f_(f), options_(options) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].dtype() != f64)
        raise<ValueError>("gradcheck", "expected f64 inputs, got {} for input {}", name_of(inputs[i].dtype()), i);
      inputs_.push_back(inputs[i].detach().clone());
    }
  }

  GradcheckReport run() {
    {
      const NoGrad no_grad;
      output_ = f_(inputs_).detach();
      if (output_.dtype() != f64)
        raise<ValueError>("gradcheck", "expected an f64 output, got {}", name_of(output_.dtype()));
      upstream_ = random_weights(output_.shape(), options_, 0);
      if (worst_error(output_, f_(inputs_)) > 0) fail("two forward passes over the same inputs differ");
    }
    const std::vector<bool> all(inputs_.size(), true);
    analytic_ = gradients(all, upstream_);
    compare_with_differences();
    check_zero_upstream(all);
    check_accumulation(all);
    check_choices();
    return report_;
  }

 private:
  template <class... Args>
  void fail(fmt::format_string<Args...> text, Args&&... args) {
    report_.passed = false;
    report_.problems.push_back(fmt::format(text, std::forward<Args>(args)...));
  }

  /// Leaf gradients after `passes` forward and backward passes in which the marked inputs want one.
  std::vector<Tensor> gradients(const std::vector<bool>& wanted, const Tensor& upstream, int passes = 1) {
    std::vector<Tensor> leaves;
    for (const Tensor& input : inputs_) {
      Tensor leaf = input.clone();
      if (wanted[leaves.size()]) leaf.set_requires_grad();
      leaves.push_back(leaf);
    }
    for (int pass = 0; pass < passes; ++pass) {
      const Tensor y = f_(leaves);
      if (y.requires_grad()) y.backward(upstream);
    }
    std::vector<Tensor> grads;
    for (const Tensor& leaf : leaves) grads.push_back(leaf.grad());
    return grads;
  }

  double difference(const std::function<void(double sign)>& move) {
    move(1);
    const double above = dot(upstream_, f_(inputs_));
    move(-1);
    const double below = dot(upstream_, f_(inputs_));
    return (above - below) / (2 * options_.eps);
  }

  void compare(std::size_t input, std::vector<std::int64_t> index, double analytic, double numeric) {
    const double error = relative_error(analytic, numeric);
    if (report_.compared++ == 0 || error > report_.worst.error)
      report_.worst = {input, std::move(index), analytic, numeric, error};
  }

  void compare_with_differences() {
    const NoGrad no_grad;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const Tensor original = inputs_[i].clone();
      const double* from = original.data<double>();
      if (!analytic_[i].defined()) report_.notes.push_back(fmt::format("input {} got no gradient, taken as zero", i));
      if (options_.fast) {
        const Tensor direction = random_weights(original.shape(), options_, static_cast<std::uint32_t>(i + 1));
        const double numeric = difference([&](double sign) {
          double* to = inputs_[i].mutable_data<double>();
          for (std::int64_t j = 0; j < original.numel(); ++j)
            to[j] = from[j] + sign * options_.eps * direction.data<double>()[j];
        });
        compare(i, {}, analytic_[i].defined() ? dot(analytic_[i], direction) : 0, numeric);
      } else {
        for (std::int64_t j = 0; j < original.numel(); ++j) {
          const double numeric =
              difference([&](double sign) { inputs_[i].mutable_data<double>()[j] = from[j] + sign * options_.eps; });
          inputs_[i].mutable_data<double>()[j] = from[j];
          const double analytic = analytic_[i].defined() ? analytic_[i].data<double>()[j] : 0;
          compare(i, index_of(j, original.shape()), analytic, numeric);
        }
      }
      inputs_[i].copy_(original);
    }
    if (report_.worst.error > options_.tolerance)
      fail("backward disagrees with central differences by more than {}", options_.tolerance);
  }

  void check_zero_upstream(const std::vector<bool>& all) {
    const auto grads = gradients(all, Tensor::zeros(output_.shape(), f64));
    for (std::size_t i = 0; i < grads.size(); ++i)
      if (worst_error(grads[i], {}) > 0) fail("a zero upstream gradient gives input {} a gradient that is not zero", i);
  }

  void check_accumulation(const std::vector<bool>& all) {
    const auto once = gradients(all, upstream_);
    const auto twice = gradients(all, upstream_, 2);
    for (std::size_t i = 0; i < once.size(); ++i) {
      if (worst_error(once[i], analytic_[i]) > 0) fail("two backward passes give input {} different gradients", i);
      Tensor doubled = once[i].defined() ? once[i].clone() : Tensor();
      for (std::int64_t j = 0; doubled.defined() && j < doubled.numel(); ++j) doubled.mutable_data<double>()[j] *= 2;
      if (worst_error(twice[i], doubled) > 0)
        fail("a second backward pass does not double the gradient of input {}", i);
    }
  }

  void check_choices() {
    const std::size_t count = inputs_.size(), choices = std::size_t{1} << std::min(count, std::size_t{30});
    if (count > max_inputs_for_all_choices) {
      for (std::size_t i = 0; i < count; ++i)
        for (const bool alone : {true, false}) {
          std::vector<bool> wanted(count, !alone);
          wanted[i] = alone;
          check_choice(wanted);
        }
      return;
    }
    for (std::size_t choice = 1; choice + 1 < choices; ++choice) {
      std::vector<bool> wanted(count);
      for (std::size_t i = 0; i < count; ++i) wanted[i] = (choice >> i & 1) != 0;
      check_choice(wanted);
    }
  }

  void check_choice(const std::vector<bool>& wanted) {
    const auto grads = gradients(wanted, upstream_);
    for (std::size_t i = 0; i < grads.size(); ++i) {
      if (wanted[i] && worst_error(grads[i], analytic_[i]) > options_.tolerance)
        fail("input {} gets another gradient when only inputs {} want one", i, chosen(wanted));
      if (!wanted[i] && grads[i].defined()) fail("input {} gets a gradient that it does not want", i);
    }
  }

  static std::vector<std::size_t> chosen(const std::vector<bool>& wanted) {
    std::vector<std::size_t> inputs;
    for (std::size_t i = 0; i < wanted.size(); ++i)
      if (wanted[i]) inputs.push_back(i);
    return inputs;
  }

  const Function& f_;
  const GradcheckOptions options_;
  std::vector<Tensor> inputs_;
  Tensor output_, upstream_;
  std::vector<Tensor> analytic_;
  GradcheckReport report_;
};

}  // namespace

std::string GradcheckReport::str() const {
  std::string text = fmt::format("gradcheck {}: {} gradients compared", passed ? "passed" : "failed", compared);
  if (compared > 0)
    text += fmt::format("; the worst is input {}{}: {:.10g} by backward, {:.10g} by central differences (error {:.2g})",
                        worst.input, worst.index.empty() ? "" : fmt::format(" at {}", worst.index), worst.analytic,
                        worst.numeric, worst.error);
  for (const std::string& problem : problems) text += "\n  " + problem;
  for (const std::string& note : notes) text += "\n  note: " + note;
  return text;
}

GradcheckReport gradcheck(const Function& f, const std::vector<Tensor>& inputs, const GradcheckOptions& options) {
  return Gradcheck(f, inputs, options).run();
}

}  // namespace tessera
