#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <tessera/core/error.hpp>
#include <tessera/data/loader.hpp>
#include <tessera/data/misfit.hpp>
#include <tessera/data/shuffle.hpp>
#include <thread>

namespace tessera {

/// One epoch: workers take batch numbers in turn, at most `prefetch` ahead of the one asked for next.
class Loader::Epoch {
 public:
  Epoch(const Loader& loader, std::int64_t epoch, std::int64_t position)
      : dataset_(*loader.dataset_),
        options_(loader.options_),
        left_out_(loader.left_out_),
        epoch_(epoch),
        samples_(loader.samples()),
        batches_(loader.batches()),
        position_(position),
        claimed_(position) {
    if (options_.shuffle)
      order_ =
          shuffled(samples_, RandomStream(options_.seed, stream_of("data order"), static_cast<std::uint32_t>(epoch)));
    const std::int64_t workers = std::min(options_.workers, std::min(options_.prefetch, batches_ - position));
    for (std::int64_t i = 0; i < workers; ++i) workers_.emplace_back([this] { work(); });
  }

  ~Epoch() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }
  Epoch(const Epoch&) = delete;
  Epoch& operator=(const Epoch&) = delete;

  std::optional<Batch> next() {
    if (position_ >= batches_) return std::nullopt;
    if (workers_.empty()) return prepare(position_++);
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return results_.contains(position_); });
    const Result result = std::move(results_.extract(position_++).mapped());
    lock.unlock();
    wake_.notify_all();
    if (result.error) std::rethrow_exception(result.error);
    return result.batch;
  }

 private:
  struct Result {
    Batch batch;
    std::exception_ptr error{};
  };

  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return stopped_ || claimed_ >= batches_ || claimed_ < position_ + options_.prefetch; });
      if (stopped_ || claimed_ >= batches_) return;
      const std::int64_t mine = claimed_++;
      lock.unlock();
      Result result;
      try {
        result.batch = prepare(mine);
      } catch (...) {
        result.error = std::current_exception();
      }
      lock.lock();
      results_.emplace(mine, std::move(result));
      ready_.notify_all();
    }
  }

  Batch prepare(std::int64_t number) const {
    const std::int64_t begin = number * options_.batch_size;
    const std::int64_t end = std::min(begin + options_.batch_size, samples_);
    std::vector<Sample> samples;
    std::vector<std::int64_t> indices;
    std::vector<SkippedSample> skipped;
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t drawn = options_.shuffle ? order_[static_cast<std::size_t>(i)] : i;
      const std::int64_t index = drawn % dataset_.size();
      if (left_out_.contains(index)) continue;
      try {
        samples.push_back(prepared_sample(index, drawn));
        indices.push_back(index);
      } catch (const MisfitError&) {
        throw;
      } catch (const IoError& error) {
        if (!options_.skip_unreadable) throw;
        skipped.push_back({index, error.what()});
      }
    }
    Batch batch = make_batch(samples, options_.multiple_of, dataset_.labels().ignore_index);
    batch.indices = std::move(indices);
    batch.skipped = std::move(skipped);
    return batch;
  }

  /// `drawn` tells the times that an epoch has a sample apart.
  Sample prepared_sample(std::int64_t index, std::int64_t drawn) const {
    Sample sample = options_.augmentation(dataset_.get(index), options_.seed, epoch_, drawn,
                                          dataset_.labels().ignore_index, options_.standardization.mean);
    sample.image = standardize(sample.image, options_.standardization);
    return sample;
  }

  const Dataset& dataset_;
  const LoaderOptions& options_;
  const std::set<std::int64_t> left_out_;
  const std::int64_t epoch_;
  const std::int64_t samples_, batches_;
  std::vector<std::int64_t> order_;

  std::mutex mutex_;
  std::condition_variable ready_;  ///< a batch was prepared
  std::condition_variable wake_;   ///< a batch was taken, or the epoch is given up
  std::int64_t position_;          ///< of the batch asked for next
  std::int64_t claimed_;           ///< the first batch that no worker has taken
  std::map<std::int64_t, Result> results_;
  bool stopped_ = false;
  std::vector<std::thread> workers_;
};

Loader::Loader(std::shared_ptr<const Dataset> dataset, LoaderOptions options)
    : dataset_(std::move(dataset)), options_(std::move(options)) {
  if (!dataset_) throw ValueError("loader: expected a data set, got none");
  const auto check = [](const char* name, std::int64_t value, std::int64_t least) {
    if (value < least) throw ValueError(fmt::format("loader: expected {} of {} or more, got {}", name, least, value));
  };
  check("batch_size", options_.batch_size, 1);
  check("repeats", options_.repeats, 1);
  check("multiple_of", options_.multiple_of, 1);
  check("workers", options_.workers, 0);
  check("prefetch", options_.prefetch, 1);
}

Loader::~Loader() = default;

std::int64_t Loader::batches() const {
  const std::int64_t full = samples() / options_.batch_size;
  return full + (samples() % options_.batch_size != 0 && !options_.drop_last ? 1 : 0);
}

void Loader::start(std::int64_t epoch, std::int64_t position) {
  if (epoch < 0 || position < 0 || position > batches())
    throw ValueError(
        fmt::format("loader: epoch {} has no batch {}: expected an epoch of 0 or more and a batch of 0 to {}", epoch,
                    position, batches()));
  epoch_.reset();
  epoch_ = std::make_unique<Epoch>(*this, epoch, position);
}

std::optional<Batch> Loader::next() {
  if (!epoch_) throw ValueError("loader: next was called before start");
  return epoch_->next();
}

}  // namespace tessera
