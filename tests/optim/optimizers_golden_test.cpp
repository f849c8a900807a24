#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <tessera/optim/adam.hpp>
#include <tessera/optim/clip.hpp>
#include <tessera/optim/rmsprop.hpp>
#include <tessera/optim/sgd.hpp>

#include "tests/support/golden.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using nlohmann::json;

namespace {

/// The two-parameter problem of optimizers.py, its gradient written out.
struct Problem {
  explicit Problem(const test::Golden& golden)
      : a(test::values(golden.get(golden.cases()[0], "a"))),
        b(test::values(golden.get(golden.cases()[0], "b"))),
        c(test::values(golden.get(golden.cases()[0], "c"))),
        p(golden.get(golden.cases()[0], "p").clone().set_requires_grad()),
        q(golden.get(golden.cases()[0], "q").clone().set_requires_grad()) {}

  void backward() {
    const std::vector<double> x = test::values(p), y = test::values(q);
    std::vector<double> grad_p(3), grad_q(4);
    for (std::size_t i = 0; i < 3; ++i) grad_p[i] = 2 * a[i] * (x[i] - b[i]) + (i == 0 ? y[0] : 0);
    for (std::size_t j = 0; j < 4; ++j) grad_q[j] = c[j] * std::cos(c[j] * y[j]) + y[j] + (j == 0 ? x[0] : 0);
    p.set_grad(Tensor::from(grad_p, {3}));
    q.set_grad(Tensor::from(grad_q, {2, 2}));
  }

  std::vector<double> a, b, c;
  Tensor p, q;
};

std::pair<double, double> betas(const json& options) {
  const auto pair = options.value("betas", std::vector<double>{0.9, 0.999});
  return {pair[0], pair[1]};
}

std::unique_ptr<Optimizer> make(const std::string& name, const json& o, const ParameterGroups& parameters) {
  if (name == "sgd") {
    const SGDOptions defaults;
    return std::make_unique<SGD>(parameters, SGDOptions{.lr = o.value("lr", defaults.lr),
                                                        .momentum = o.value("momentum", defaults.momentum),
                                                        .dampening = o.value("dampening", defaults.dampening),
                                                        .weight_decay = o.value("weight_decay", defaults.weight_decay),
                                                        .nesterov = o.value("nesterov", defaults.nesterov)});
  }
  if (name == "rmsprop") {
    const RMSpropOptions defaults;
    return std::make_unique<RMSprop>(parameters,
                                     RMSpropOptions{.lr = o.value("lr", defaults.lr),
                                                    .alpha = o.value("alpha", defaults.alpha),
                                                    .eps = o.value("eps", defaults.eps),
                                                    .weight_decay = o.value("weight_decay", defaults.weight_decay),
                                                    .momentum = o.value("momentum", defaults.momentum),
                                                    .centered = o.value("centered", defaults.centered)});
  }
  if (name == "adamw") {
    const AdamWOptions defaults;
    return std::make_unique<AdamW>(parameters,
                                   AdamWOptions{.lr = o.value("lr", defaults.lr),
                                                .betas = betas(o),
                                                .eps = o.value("eps", defaults.eps),
                                                .weight_decay = o.value("weight_decay", defaults.weight_decay)});
  }
  REQUIRE(name == "adam");
  const AdamOptions defaults;
  return std::make_unique<Adam>(parameters, AdamOptions{.lr = o.value("lr", defaults.lr),
                                                        .betas = betas(o),
                                                        .eps = o.value("eps", defaults.eps),
                                                        .weight_decay = o.value("weight_decay", defaults.weight_decay),
                                                        .amsgrad = o.value("amsgrad", defaults.amsgrad)});
}

/// One optimizer of two groups, or two where q differs in an option that all groups share.
std::vector<std::unique_ptr<Optimizer>> make(const json& golden_case, const Problem& problem) {
  const std::string name = golden_case["optimizer"];
  const json options = golden_case["options"], q_options = golden_case["q_options"];
  const Parameter p{"p", problem.p}, q{"q", problem.q};
  std::vector<std::unique_ptr<Optimizer>> made;
  if (q_options.is_null()) {
    made.push_back(make(name, options, std::vector<Parameter>{p, q}));
  } else if (q_options.contains("betas")) {
    json merged = options;
    merged.update(q_options);
    made.push_back(make(name, options, std::vector<Parameter>{p}));
    made.push_back(make(name, merged, std::vector<Parameter>{q}));
  } else {
    ParameterGroup second{.parameters = {q}};
    if (q_options.contains("lr")) second.lr = q_options["lr"].get<double>();
    if (q_options.contains("weight_decay")) second.weight_decay = q_options["weight_decay"].get<double>();
    made.push_back(make(name, options, std::vector<ParameterGroup>{{.parameters = {p}}, second}));
  }
  return made;
}

/// The largest relative distance of `x` from row `row` of `rows`.
double distance(const Tensor& x, const Tensor& rows, std::size_t row) {
  const std::vector<double> got = test::values(x), all = test::values(rows);
  double largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double expected = all[row * got.size() + i];
    largest = std::max(largest, std::abs(got[i] - expected) / std::max(1.0, std::abs(expected)));
  }
  return largest;
}

}  // namespace

TEST_CASE("every optimizer follows PyTorch's over 100 steps in double") {
  const test::Golden golden("optimizers.safetensors");
  std::size_t compared = 0;
  for (const json& golden_case : golden.cases()) {
    if (golden_case["name"] == "problem") continue;
    CAPTURE(golden_case.dump());
    Problem problem(golden);
    const auto optimizers = make(golden_case, problem);
    const std::vector<Parameter> all{{"p", problem.p}, {"q", problem.q}};
    for (std::size_t step = 1; step <= 100; ++step) {
      problem.backward();
      if (!golden_case["clip_norm"].is_null()) {
        const double norm = clip_grad_norm(all, golden_case["clip_norm"]);
        CHECK(norm == doctest::Approx(test::values(golden.get(golden_case, "gradient_norm"))[step - 1]).epsilon(1e-11));
      }
      if (!golden_case["clip_value"].is_null()) clip_grad_value(all, golden_case["clip_value"]);
      for (const auto& optimizer : optimizers) {
        optimizer->step();
        if (step == 50 && !golden_case["lr_after_50"].is_null()) optimizer->set_lr(golden_case["lr_after_50"]);
      }
      if (step % 10 != 0) continue;
      CHECK(distance(problem.p, golden.get(golden_case, "p"), step / 10 - 1) < 1e-12);
      CHECK(distance(problem.q, golden.get(golden_case, "q"), step / 10 - 1) < 1e-12);
      ++compared;
    }
  }
  CHECK(compared == 10 * (golden.cases().size() - 1));
}
