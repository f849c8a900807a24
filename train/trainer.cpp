#include <fmt/ranges.h>

#include <cmath>
#include <tessera/core/error.hpp>
#include <tessera/optim/clip.hpp>
#include <tessera/train/anomaly.hpp>
#include <tessera/train/trainer.hpp>

namespace tessera {
namespace {

void add_with_prefix(StateDict& all, const std::string& prefix, const StateDict& part) {
  for (const auto& [name, tensor] : part) all.emplace(prefix + name, tensor);
}

StateDict with_prefix(const StateDict& all, const std::string& prefix) {
  StateDict part;
  for (auto at = all.lower_bound(prefix); at != all.end() && at->first.starts_with(prefix); ++at)
    part.emplace(at->first.substr(prefix.size()), at->second);
  return part;
}

constexpr const char *optimizer_prefix = "optim/", *trained_prefix = "trained/", *epoch_loss = "epoch/loss";

}  // namespace

/// What one update of the optimizer is made of.
struct Trainer::Step {
  double loss_sum = 0;
  double loss_weight = 0;
  double unit = 0;  ///< weight of the first batch that counts: gradients are those of loss_sum / unit
  std::int64_t batches = 0;
  std::int64_t images = 0;
  std::vector<SkippedSample> skipped{};
};

Trainer::Trainer(SegmentationModel& model, Loader& loader, LabelLoss loss, const TrainerOptions& options)
    : model_(&model),
      loader_(&loader),
      loss_(std::move(loss)),
      clip_norm_(options.clip_norm),
      warms_up_(options.optimizer.warmup_steps > 0),
      accumulate_(options.accumulate),
      optimizer_(make_optimizer(options.optimizer, model.parameters())),
      schedule_(std::make_unique<LRScheduler>(*optimizer_,
                                              make_schedule(options.optimizer, options.epochs * steps_an_epoch()))) {
  if (options.ema > 0) average_ = std::make_unique<WeightAverage>(model, options.ema);
}

void Trainer::stop(const std::string& what, const std::string& where) const {
  const bool between_steps = status_.batch == loader_->batches();
  std::vector<std::string> remedies{fmt::format("a lower learning rate than {:.3g}", optimizer_->lr())};
  if (clip_norm_ == 0) remedies.emplace_back("--clip-norm 1");
  if (!warms_up_) remedies.emplace_back("--warmup 1");
  throw Error(fmt::format("epoch {}, step {}: {} is not finite{}; {} may help", epoch_ + 1,
                          between_steps ? step_ : step_ + 1, what, where.empty() ? "" : ", and first of all " + where,
                          fmt::join(remedies, " or ")));
}

void Trainer::add_gradients(const Batch& batch, Step& step) {
  ++step.batches;
  step.images += batch.size();
  step.skipped.insert(step.skipped.end(), batch.skipped.begin(), batch.skipped.end());
  if (batch.size() == 0) return;
  const Loss loss = loss_((*model_)(batch.images), batch.masks);
  const double sum = loss.sum.item();
  if (!std::isfinite(sum)) stop("the loss", first_not_finite(*model_, batch.images));
  if (loss.weight <= 0) return;
  if (step.unit == 0) step.unit = loss.weight;
  loss.sum.backward(Tensor::scalar(1 / step.unit, loss.sum.dtype()));
  last_ = batch;
  step.loss_sum += sum;
  step.loss_weight += loss.weight;
}

void Trainer::update(const Step& step) {
  const std::vector<Parameter> parameters = optimizer_->parameters();
  if (step.loss_weight > step.unit) scale_grad(parameters, step.unit / step.loss_weight);
  check_gradients();
  if (clip_norm_ > 0) clip_grad_norm(parameters, clip_norm_);
  optimizer_->step();
  ++step_;
  schedule_->step();
  if (average_) average_->update(step_);
}

void Trainer::check_gradients() const {
  if (!std::isfinite(grad_norm(optimizer_->parameters())))
    stop("the gradient of " + gradient_not_finite(*model_, last_.images));
}

void Trainer::check_weights() {
  if (last_.size() == 0) return;  // they are as they were loaded
  // Running means and the count of random draws, which a pass changes, too.
  StateDict before;
  for (const auto& [path, buffer] : model_->named_buffers()) before.emplace(path, buffer.clone());
  Step again;
  model_->train();
  optimizer_->zero_grad();
  add_gradients(last_, again);
  check_gradients();
  for (auto& [path, buffer] : model_->named_buffers()) buffer.copy_(before.at(path));
}

bool Trainer::train_epoch(const Watch& watch) {
  model_->train();
  loader_->start(epoch_, status_.batch);
  while (status_.batch < loader_->batches()) {
    Step step;
    optimizer_->zero_grad();
    while (step.batches < accumulate_ && status_.batch + step.batches < loader_->batches())
      add_gradients(*loader_->next(), step);
    const double lr = optimizer_->lr();
    update(step);
    status_ = {.batch = status_.batch + step.batches,
               .images = status_.images + step.images,
               .loss_sum = status_.loss_sum + step.loss_sum,
               .loss_weight = status_.loss_weight + step.loss_weight,
               .lr = lr};
    if (watch && !watch(status_, step.skipped)) return false;
  }
  return true;
}

void Trainer::end_epoch() {
  ++epoch_;
  status_ = {};
}

void Trainer::save(Checkpoint& checkpoint) const {
  checkpoint.epoch = epoch_;
  checkpoint.step = step_;
  checkpoint.batch = status_.batch;
  checkpoint.images = status_.images;
  checkpoint.weights = average_ ? average_->values() : model_->state_dict();
  checkpoint.training.clear();
  add_with_prefix(checkpoint.training, optimizer_prefix, optimizer_->state_dict());
  add_with_prefix(checkpoint.training, optimizer_prefix, schedule_->state_dict());
  if (average_) add_with_prefix(checkpoint.training, trained_prefix, model_->state_dict());
  if (status_.batch > 0)
    checkpoint.training[epoch_loss] = Tensor::from<double>({status_.loss_sum, status_.loss_weight, status_.lr}, {3});
}

void Trainer::restore(const Checkpoint& checkpoint) {
  const StateDict& training = checkpoint.training;
  model_->load_state_dict(average_ ? with_prefix(training, trained_prefix) : checkpoint.weights);
  if (average_) average_->load_state_dict(checkpoint.weights);
  StateDict of_optimizer = with_prefix(training, optimizer_prefix), of_schedule;
  for (auto at = of_optimizer.begin(); at != of_optimizer.end();) {
    const auto next = std::next(at);
    if (at->first.starts_with("schedule.")) of_schedule.insert(of_optimizer.extract(at));
    at = next;
  }
  optimizer_->load_state_dict(of_optimizer);
  schedule_->load_state_dict(of_schedule);
  epoch_ = checkpoint.epoch;
  step_ = checkpoint.step;
  status_ = {.batch = checkpoint.batch, .images = checkpoint.images};
  if (const auto loss = training.find(epoch_loss); loss != training.end()) {
    const std::span<const double> values = loss->second.span<double>();
    status_.loss_sum = values[0];
    status_.loss_weight = values[1];
    status_.lr = values[2];
  }
}

}  // namespace tessera
