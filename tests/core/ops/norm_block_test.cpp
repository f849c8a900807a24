#include <doctest/doctest.h>

#include <cmath>
#include <tessera/core/arena.hpp>
#include <tessera/core/autograd.hpp>
#include <tessera/core/gradcheck.hpp>
#include <tessera/core/ops/activation.hpp>
#include <tessera/core/ops/norm_block.hpp>
#include <tessera/core/ops/pool.hpp>
#include <tessera/core/simd_target.hpp>

#include "tests/support/values.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

Tensor waves(const Shape& shape, double step, DType dtype) {
  Tensor values = Tensor::empty(shape, f64);
  for (std::int64_t i = 0; i < values.numel(); ++i)
    values.mutable_data<double>()[i] = std::sin(step * static_cast<double>(i)) + 0.1;
  return values.to(dtype);
}

/// Outputs, gradients and running statistics of one way to compute the block.
struct Run {
  Tensor output, unpooled, grad_x, grad_gamma, grad_beta, running_mean, running_var;
};

Run run(const Shape& shape, DType dtype, const NormBlockOptions& options, bool fused) {
  const std::int64_t channels = shape.size(-1);
  Tensor x = waves(shape, 0.7, dtype).set_requires_grad(), gamma = waves({channels}, 2.1, dtype).set_requires_grad(),
         beta = waves({channels}, 1.1, dtype).set_requires_grad();
  Run result;
  result.running_mean = Tensor::zeros({channels}, dtype);
  result.running_var = Tensor::ones({channels}, dtype);
  if (fused) {
    const NormBlockResult block = norm_block(x, gamma, beta, result.running_mean, result.running_var, options);
    result.output = block.output;
    result.unpooled = block.unpooled;
  } else {
    result.unpooled =
        activate(batch_norm(x, gamma, beta, result.running_mean, result.running_var, options.norm), options.activation);
    result.output = options.pool ? max_pool2d(result.unpooled) : result.unpooled;
  }
  if (options.keep_unpooled) result.unpooled.backward(waves(shape, 1.7, dtype), true);
  result.output.backward(waves(result.output.shape(), 1.3, dtype));
  result.grad_x = x.grad();
  result.grad_gamma = gamma.grad();
  result.grad_beta = beta.grad();
  return result;
}

}  // namespace

TEST_CASE("norm_block equals batch_norm, activate and max_pool2d one after the other, on every SIMD target") {
  fill_new_blocks(true);
  for (const std::string& target : simd_targets()) {
    set_simd_target(target);
    for (const Shape& shape : {Shape{2, 4, 6, 16}, Shape{3, 5, 7, 3}, Shape{1, 3, 150, 8}, Shape{2, 2, 2, 5}})
      for (const Activation a : {activation::linear, activation::relu, activation::leaky_relu(0.1)})
        for (const int pooling : {0, 1, 2})
          for (const bool training : {true, false})
            for (const DType dtype : {f32, f64}) {
              CAPTURE(target);
              CAPTURE(shape.str());
              const NormBlockOptions options{
                  .norm = {.training = training}, .activation = a, .pool = pooling > 0, .keep_unpooled = pooling > 1};
              const Run fused = run(shape, dtype, options, true), apart = run(shape, dtype, options, false);
              const double tolerance = dtype == f32 ? 2e-4 : 1e-11;
              CHECK(same_numbers(fused.output, apart.output));
              if (options.keep_unpooled) CHECK(same_numbers(fused.unpooled, apart.unpooled));
              CHECK(same_numbers(fused.running_mean, apart.running_mean));
              CHECK(same_numbers(fused.running_var, apart.running_var));
              CHECK(difference(fused.grad_x, apart.grad_x) < tolerance);
              CHECK(difference(fused.grad_gamma, apart.grad_gamma) < tolerance);
              CHECK(difference(fused.grad_beta, apart.grad_beta) < tolerance);
            }
  }
  set_simd_target("");
  fill_new_blocks(false);
}

TEST_CASE("norm_block passes gradcheck through both of its outputs") {
  const Tensor x = waves({2, 4, 5, 3}, 0.7, f64), gamma = waves({3}, 2.1, f64), beta = waves({3}, 1.1, f64);
  for (const bool keep : {false, true}) {
    const auto report = gradcheck(
        [&](const std::vector<Tensor>& in) {
          const NormBlockResult block = norm_block(
              in[0], in[1], in[2], {}, {},
              {.norm = {.training = true}, .activation = activation::relu, .pool = true, .keep_unpooled = keep});
          return keep ? block.unpooled : block.output;
        },
        {x, gamma, beta});
    CHECK_MESSAGE(report, report.str());
  }
}

TEST_CASE("norm_block lets a NaN through the pooling, and keeps large means from cancelling") {
  for (const std::string& target : simd_targets()) {
    set_simd_target(target);
    for (const std::int64_t channels : {1, 2, 4, 8, 16, 19}) {
      CAPTURE(target);
      CAPTURE(channels);
      Tensor x = Tensor::ones({1, 2, 2, channels});
      x.mutable_data<float>()[3 * channels - 1] = NAN;
      const Tensor zero = Tensor::zeros({channels}), one = Tensor::ones({channels});
      const Tensor pooled = norm_block(x, {}, {}, zero, one, {.activation = activation::relu, .pool = true}).output;
      CHECK(std::isnan(pooled.at({0, 0, 0, channels - 1})));
      CHECK((channels == 1 || pooled.at({0, 0, 0, 0}) > 0.99));
    }
  }
  set_simd_target("");
  Tensor far = Tensor::empty({1, 1, 1000, 1});
  for (int i = 0; i < 1000; ++i) far.mutable_data<float>()[i] = 4096.0f + static_cast<float>(i % 2);
  const Tensor y = batch_norm(far, {}, {}, {}, {}, {.training = true, .epsilon = 0});
  CHECK(std::abs(y.at({0, 0, 0, 0}) + 1) < 1e-3);
  CHECK(std::abs(y.at({0, 0, 1, 0}) - 1) < 1e-3);
}

TEST_CASE("norm_block overwrites an input that nothing else needs, and only that") {
  const Shape shape{2, 4, 6, 5};
  const Tensor zero = Tensor::zeros({5}), two = Tensor::full({5}, 2.0);
  for (const bool pool : {false, true}) {
    const NormBlockOptions options{.activation = activation::relu, .pool = pool, .keep_unpooled = pool};
    const Tensor kept = waves(shape, 0.7, f32);
    Tensor given = waves(shape, 0.7, f32);
    const float* const place = given.data<float>();
    const Tensor recorded = norm_block(waves(shape, 0.7, f32).set_requires_grad(), {}, {}, zero, two, options).output;
    const NoGrad no_grad;
    const NormBlockResult apart = norm_block(kept, {}, {}, zero, two, options);
    const NormBlockResult block = norm_block(std::move(given), {}, {}, zero, two, options);
    CHECK((pool ? block.unpooled : block.output).data<float>() == place);
    CHECK(same_numbers(block.output, apart.output));
    CHECK(same_numbers(block.output, recorded));
    if (pool) CHECK(same_numbers(block.unpooled, apart.unpooled));
    CHECK(same_numbers(kept, waves(shape, 0.7, f32)));
    Tensor again = waves(shape, 0.7, f32);
    const Trace traced = trace([&] { norm_block(std::move(again), {}, {}, zero, two, options); });
    CHECK(same_numbers(traced.ops[0].inputs[0], kept));
  }
}

TEST_CASE("norm_block is traced as the plain ops it stands for") {
  const Trace traced = trace([] {
    norm_block(Tensor::ones({1, 4, 4, 2}), {}, {}, {}, {},
               {.norm = {.training = true}, .activation = activation::relu, .pool = true, .keep_unpooled = true});
  });
  REQUIRE(traced.ops.size() == 3);
  CHECK(traced.ops[0].name == "batch_norm");
  CHECK(traced.ops[1].name == "relu");
  CHECK(traced.ops[2].name == "max_pool2d");
  CHECK(traced.ops[2].inputs[0].is_same(traced.ops[1].outputs[0]));
  CHECK(traced.ops[2].outputs[0].shape() == Shape{1, 2, 2, 2});
}
