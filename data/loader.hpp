#pragma once

#include <memory>
#include <optional>
#include <set>
#include <tessera/data/augmentation.hpp>
#include <tessera/data/batch.hpp>
#include <tessera/data/dataset.hpp>
#include <tessera/data/standardization.hpp>

namespace tessera {

struct LoaderOptions {
  std::int64_t batch_size = 8;
  bool shuffle = true;           ///< a new order every epoch
  std::int64_t repeats = 1;      ///< times that an epoch has every sample, augmented anew each time
  bool drop_last = false;        ///< leaves out a last batch that is not full
  std::int64_t multiple_of = 1;  ///< heights and widths of batches are rounded up to it
  std::uint64_t seed = 0;
  std::int64_t workers = 1;   ///< threads that prepare batches; 0 prepares them when they are asked for
  std::int64_t prefetch = 2;  ///< batches prepared ahead
  /// Leaves out samples whose files cannot be read, and says so in the batch; none that are a MisfitError.
  bool skip_unreadable = false;
  Standardization standardization{};
  Augmentation augmentation{};
};

/// Batches of a data set, prepared in the background while the one before is trained on.
///
/// Batch b of epoch e is a pure function of the data, the seed, e and b: whatever the number of workers and their
/// timing, and from wherever an epoch is resumed. What goes wrong while a batch is prepared is thrown by the `next`
/// that returns it.
class Loader {
 public:
  /// ValueError names an option that is out of range.
  Loader(std::shared_ptr<const Dataset> dataset, LoaderOptions options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  const Dataset& dataset() const { return *dataset_; }
  const LoaderOptions& options() const { return options_; }
  /// Samples and batches in an epoch.
  std::int64_t samples() const { return dataset_->size() * options_.repeats; }
  std::int64_t batches() const;

  /// Leaves samples out of every batch from the next start on; the order of the others stays.
  void leave_out(std::set<std::int64_t> samples) { left_out_ = std::move(samples); }

  /// Goes to an epoch, at its batch `position`.
  void start(std::int64_t epoch, std::int64_t position = 0);
  /// The next batch of the epoch; nothing once it is over. ValueError before the first start.
  std::optional<Batch> next();

 private:
  class Epoch;

  std::shared_ptr<const Dataset> dataset_;
  LoaderOptions options_;
  std::set<std::int64_t> left_out_;
  std::unique_ptr<Epoch> epoch_;
};

}  // namespace tessera
