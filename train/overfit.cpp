#include <fmt/format.h>

#include <cmath>
#include <set>
#include <tessera/core/error.hpp>
#include <tessera/data/loader.hpp>
#include <tessera/train/overfit.hpp>
#include <tessera/train/predict.hpp>

namespace tessera {
namespace {

/// The first batch that has an image.
Batch first_batch(const Run& run) {
  Loader loader(run.train, training_batches(run));
  loader.leave_out(run.checkpoint.left_out);
  loader.start(0);
  while (std::optional<Batch> batch = loader.next())
    if (batch->size() > 0) return *std::move(batch);
  throw IoError("no image of the training part can be read");
}

std::set<std::int32_t> classes_in(const Tensor& labels, std::int32_t ignore_index) {
  const auto values = labels.span<std::int32_t>();
  std::set<std::int32_t> classes(values.begin(), values.end());
  classes.erase(ignore_index);
  return classes;
}

double share_right(const Tensor& predicted, const Tensor& masks, std::int32_t ignore_index) {
  const auto classes = predicted.span<std::int32_t>(), truth = masks.span<std::int32_t>();
  std::int64_t right = 0, counted = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] == ignore_index) continue;
    ++counted;
    right += classes[i] == truth[i];
  }
  return counted > 0 ? static_cast<double>(right) / static_cast<double>(counted) : 0;
}

std::vector<std::string> advice_for(const Overfit& result, const Tensor& predicted, const Run& run) {
  const double lr = run.options.optimizer.lr;
  if (!std::isfinite(result.loss))
    return {fmt::format("the loss is not finite: try --lr {:.3g} or --clip-norm 1", lr / 10)};
  if (result.loss > result.first_loss) return {fmt::format("the loss rises: try --lr {:.3g}", lr / 10)};
  std::vector<std::string> advice;
  if (const auto seen = classes_in(predicted, no_label); seen.size() == 1)
    advice.push_back(fmt::format("all is predicted as class {}: try --loss ce+dice, or class weights", *seen.begin()));
  if (result.loss > 0.9 * result.first_loss)
    advice.push_back(fmt::format("the loss hardly moves: try --lr {:.3g}", lr * 10));
  else
    advice.push_back("the loss falls, but slowly: try a higher --lr or a larger --width");
  advice.emplace_back("look whether masks and images belong together: segment inspect");
  return advice;
}

}  // namespace

Overfit overfit_one_batch(Run& run, Progress& progress, std::int64_t steps) {
  const Batch batch = first_batch(run);
  const std::int32_t ignored = run.checkpoint.labels.ignore_index;
  Overfit result;
  if (const auto classes = classes_in(batch.masks, ignored); classes.size() < 2) {
    result.advice = {classes.empty() ? "no pixel of the batch counts: every one has the ignored label"
                                     : fmt::format("every pixel of the batch is class {}: there is nothing to tell "
                                                   "apart; try a larger --batch-size or another --seed",
                                                   *classes.begin())};
    return result;
  }
  const LabelLoss loss_of_batch = loss_of(run.checkpoint, run.checkpoint.labels.ignore_index);
  const auto optimizer = make_optimizer(run.options.optimizer, run.model->parameters());
  run.model->train();
  Tensor predicted;
  while (result.steps < steps && !result.passed) {
    optimizer->zero_grad();
    const Tensor scores = (*run.model)(batch.images);
    const Tensor loss = loss_of_batch(scores, batch.masks).mean();
    result.loss = loss.item();
    if (result.steps == 0) result.first_loss = result.loss;
    predicted = best_classes(scores);
    result.accuracy = share_right(predicted, batch.masks, ignored);
    result.passed = result.accuracy >= 0.98 || result.loss <= result.first_loss / 10;
    if (!std::isfinite(result.loss)) break;
    loss.backward();
    optimizer->step();
    if (++result.steps % 20 == 0)
      progress.say(fmt::format("step {:>3}  loss {:.4f}  accuracy {:.4f}", result.steps, result.loss, result.accuracy));
  }
  if (!result.passed) result.advice = advice_for(result, predicted, run);
  return result;
}

std::string to_text(const Overfit& result) {
  std::string text = fmt::format("{}: one batch, {} steps, loss {:.4f} -> {:.4f}, {:.1f} % of the pixels right",
                                 result.passed ? "passed" : "not passed", result.steps, result.first_loss, result.loss,
                                 100 * result.accuracy);
  for (const std::string& line : result.advice) text += "\n  " + line;
  return text;
}

}  // namespace tessera
