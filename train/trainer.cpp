#include <cmath>
#include <tessera/core/error.hpp>
#include <tessera/optim/clip.hpp>
#include <tessera/train/trainer.hpp>

namespace tessera {

Trainer::Trainer(SegmentationModel& model, Loader& loader, LabelLoss loss, const TrainerOptions& options)
    : model_(&model),
      loader_(&loader),
      loss_(std::move(loss)),
      clip_norm_(options.clip_norm),
      optimizer_(make_optimizer(options.optimizer, model.parameters())),
      schedule_(std::make_unique<LRScheduler>(*optimizer_,
                                              make_schedule(options.optimizer, options.epochs * loader.batches()))) {}

std::pair<double, double> Trainer::train_step(const Batch& batch) {
  optimizer_->zero_grad();
  const Loss loss = loss_((*model_)(batch.images), batch.masks);
  const double sum = loss.sum.item();
  if (!std::isfinite(sum))
    throw Error(
        fmt::format("the loss is {} in step {} (epoch {}); a lower learning rate than {} or clipping the "
                    "gradients' norm may help",
                    sum, step_ + 1, epoch_ + 1, optimizer_->lr()));
  loss.mean().backward();
  if (clip_norm_ > 0) clip_grad_norm(optimizer_->parameters(), clip_norm_);
  optimizer_->step();
  return {sum, loss.weight};
}

Trainer::Status Trainer::train_epoch(const std::function<void(const Status&)>& watch) {
  model_->train();
  Status status{.steps = loader_->batches()};
  double sum = 0, weight = 0;
  loader_->start(epoch_);
  while (const std::optional<Batch> batch = loader_->next()) {
    status.lr = optimizer_->lr();
    const auto [batch_sum, batch_weight] = train_step(*batch);
    sum += batch_sum;
    weight += batch_weight;
    status.loss = weight > 0 ? sum / weight : 0;
    status.images += batch->size();
    ++status.step;
    ++step_;
    schedule_->step();
    if (watch) watch(status);
  }
  ++epoch_;
  return status;
}

StateDict Trainer::state_dict() const {
  StateDict state;
  for (const auto& part : {optimizer_->state_dict(), schedule_->state_dict()})
    for (const auto& [name, tensor] : part) state.emplace("optim/" + name, tensor);
  return state;
}

}  // namespace tessera
