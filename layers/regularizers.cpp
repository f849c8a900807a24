#include <cmath>
#include <tessera/core/autograd.hpp>
#include <tessera/core/parallel.hpp>
#include <tessera/layers/module.hpp>
#include <tessera/layers/regularizers.hpp>

namespace tessera {
namespace {

/// w's share of a penalty: scale * (l1 sum |w| + l2 sum w^2)
struct Term {
  Saved w;
  Regularizer regularizer;
  double scale = 1;
};

template <class T>
double value_of(const Term& term) {
  const T* w = term.w->data<T>();
  const std::int64_t count = term.w->numel();
  std::vector<double> parts(static_cast<std::size_t>((count + elementwise_grain - 1) / elementwise_grain), 0.0);
  parallel_ranges(count, elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
    double absolute = 0, squared = 0;
    for (std::int64_t i = begin; i < end; ++i) {
      const double value{w[i]};
      absolute += std::abs(value);
      squared += value * value;
    }
    parts[static_cast<std::size_t>(begin / elementwise_grain)] =
        term.regularizer.l1 * absolute + term.regularizer.l2 * squared;
  });
  double total = 0;
  for (const double part : parts) total += part;
  return term.scale * total;
}

template <class T>
Tensor gradient_of(const Term& term, double upstream) {
  Tensor gradient = Tensor::empty(term.w->shape(), term.w->dtype());
  const T* w = term.w->data<T>();
  T* out = gradient.mutable_data<T>();
  const double l1 = upstream * term.scale * term.regularizer.l1, l2 = 2 * upstream * term.scale * term.regularizer.l2;
  parallel_ranges(gradient.numel(), elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const double value{w[i]};
      out[i] = static_cast<T>(l2 * value + (value > 0 ? l1 : value < 0 ? -l1 : 0));
    }
  });
  return gradient;
}

struct PenaltyNode final : Node {  // saves every w;  grad_w = grad_output scale (l1 sign(w) + 2 l2 w)
  explicit PenaltyNode(std::vector<Term> terms) : terms_(std::move(terms)) {}
  std::string_view name() const override { return "penalty"; }
  Grads backward(const Tensor& grad_output, Needs needs) override {
    Grads grads(terms_.size());
    for (std::size_t i = 0; i < terms_.size(); ++i)
      if (needs[i])
        dispatch_float(terms_[i].w->dtype(), "penalty",
                       [&](auto zero) { grads[i] = gradient_of<decltype(zero)>(terms_[i], grad_output.item()); });
    return grads;
  }
  std::vector<Term> terms_;
};

/// All terms in one op: a scalar of the inputs' type.
Tensor penalty(const std::vector<Tensor>& inputs, std::vector<Term> terms) {
  double total = 0;
  for (const Term& term : terms)
    dispatch_float(term.w->dtype(), "penalty", [&](auto zero) { total += value_of<decltype(zero)>(term); });
  return record<PenaltyNode>(Tensor::scalar(total, inputs.empty() ? f32 : inputs[0].dtype()), inputs, std::move(terms));
}

thread_local ActivityPenalty* innermost = nullptr;

}  // namespace

Tensor Regularizer::operator()(const Tensor& w) const { return penalty({w}, {{w, *this}}); }

Tensor regularization(const Module& model) {
  std::vector<Tensor> inputs;
  std::vector<Term> terms;
  model.visit_regularized([&](const Tensor& w, const Regularizer& regularizer) {
    inputs.push_back(w);
    terms.push_back({w, regularizer});
  });
  return penalty(inputs, std::move(terms));
}

ActivityPenalty::ActivityPenalty() : before_(std::exchange(innermost, this)) {}
ActivityPenalty::~ActivityPenalty() { innermost = before_; }

Tensor ActivityPenalty::total() const {
  std::vector<Term> terms;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const Tensor& y = outputs_[i];
    const auto batch = static_cast<double>(y.rank() > 0 ? std::max<std::int64_t>(y.size(0), 1) : 1);
    terms.push_back({y, regularizers_[i], 1 / batch});
  }
  return penalty(outputs_, std::move(terms));
}

void add_activity_penalty(const Regularizer& regularizer, const Tensor& output) {
  if (!innermost || !regularizer) return;
  innermost->outputs_.push_back(output);
  innermost->regularizers_.push_back(regularizer);
}

}  // namespace tessera
