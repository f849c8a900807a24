#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <tessera/core/error.hpp>
#include <tessera/data/loader.hpp>
#include <tessera/data/misfit.hpp>
#include <tessera/data/rearrangements.hpp>
#include <thread>

namespace tessera {
namespace {

/// Samples named and filled with their number; `bad` ones cannot be read, `misfit` does not fit, and reading takes a
/// while that differs.
class NumberedDataset final : public Dataset {
 public:
  explicit NumberedDataset(std::int64_t count, std::set<std::int64_t> bad = {}, std::int64_t misfit = -1)
      : count_(count), bad_(std::move(bad)), misfit_(misfit) {}
  std::int64_t size() const override { return count_; }
  std::int64_t channels() const override { return 1; }
  const Labels& labels() const override { return labels_; }
  Sample get(std::int64_t index) const override {
    std::this_thread::sleep_for(std::chrono::microseconds(index * 7919 % 400));
    if (bad_.contains(index)) throw IoError(fmt::format("{}.png: broken", index));
    if (index == misfit_) throw MisfitError(fmt::format("{}.png: beyond the classes", index));
    const std::int64_t width = 2 + index % 2;
    return {Tensor::full({2, width, 1}, static_cast<double>(index)),
            Tensor::full({2, width}, static_cast<double>(index % 4), i32), fmt::format("{}", index)};
  }

 private:
  std::int64_t count_;
  std::set<std::int64_t> bad_;
  std::int64_t misfit_;
  Labels labels_{4, 11, {}};
};

/// Names, images and masks of the rest of the epoch as one text.
std::string rest_of(Loader& loader) {
  std::string text;
  while (const auto batch = loader.next()) {
    for (const std::string& name : batch->names) text += name + " ";
    for (const float value : batch->images.span<float>()) text += fmt::format("{},", value);
    for (const std::int32_t value : batch->masks.span<std::int32_t>()) text += fmt::format("{},", value);
    text += "|";
  }
  return text;
}

std::string epoch_of(Loader& loader, std::int64_t epoch, std::int64_t position = 0) {
  loader.start(epoch, position);
  return rest_of(loader);
}

LoaderOptions augmented(std::int64_t workers) {
  LoaderOptions options;
  options.batch_size = 3;
  options.seed = 5;
  options.workers = workers;
  options.prefetch = 4;
  options.augmentation = Augmentation({random_crop({2, 2}), flip_horizontal()});
  return options;
}

TEST_CASE("batches are the same for any number of workers") {
  const auto data = std::make_shared<NumberedDataset>(20);
  Loader inline_loader(data, augmented(0)), one(data, augmented(1)), three(data, augmented(3));
  for (const std::int64_t epoch : {0, 1}) {
    const std::string expected = epoch_of(inline_loader, epoch);
    CHECK(epoch_of(one, epoch) == expected);
    CHECK(epoch_of(three, epoch) == expected);
  }
}

TEST_CASE("every epoch has every sample once, in an order of its own") {
  LoaderOptions options;
  options.batch_size = 4;
  Loader loader(std::make_shared<NumberedDataset>(10), options);
  CHECK(loader.batches() == 3);
  std::vector<std::string> orders[2];
  for (std::size_t epoch = 0; epoch < 2; ++epoch) {
    loader.start(static_cast<std::int64_t>(epoch));
    while (const auto batch = loader.next())
      orders[epoch].insert(orders[epoch].end(), batch->names.begin(), batch->names.end());
    CHECK(std::set<std::string>(orders[epoch].begin(), orders[epoch].end()).size() == 10);
    CHECK(orders[epoch].size() == 10);
  }
  CHECK(orders[0] != orders[1]);
}

TEST_CASE("an epoch of several passes has every sample as often, with changes of its own each time") {
  const auto data = std::make_shared<NumberedDataset>(7);
  LoaderOptions options = augmented(2);
  options.repeats = 3;
  options.augmentation = Augmentation({{"noise", [](Sample sample, const AugmentationContext& context) {
                                          sample.image.fill_(context.random.uniform(0, 0, 1));
                                          return sample;
                                        }}});
  Loader loader(data, options);
  CHECK(loader.batches() == 7);
  std::map<std::int64_t, std::set<double>> changes;
  loader.start(0);
  while (const auto batch = loader.next())
    for (std::size_t i = 0; i < batch->indices.size(); ++i) {
      CHECK(batch->names[i] == fmt::format("{}", batch->indices[i]));
      changes[batch->indices[i]].insert(batch->images.at({static_cast<std::int64_t>(i), 0, 0, 0}));
    }
  CHECK(changes.size() == 7);
  for (const auto& [index, values] : changes) CHECK(values.size() == 3);
  Loader inline_loader(data, [&] {
    LoaderOptions same = options;
    same.workers = 0;
    return same;
  }());
  CHECK(epoch_of(loader, 1, 4) == epoch_of(inline_loader, 1, 4));
}

TEST_CASE("an epoch resumed in its middle goes on as the whole one does") {
  const auto data = std::make_shared<NumberedDataset>(20);
  Loader whole(data, augmented(2)), resumed(data, augmented(1));
  whole.start(3);
  for (int i = 0; i < 4; ++i) whole.next();
  CHECK(rest_of(whole) == epoch_of(resumed, 3, 4));
  CHECK(epoch_of(resumed, 3, 7).empty());
}

TEST_CASE("an epoch can be given up at any time") {
  Loader loader(std::make_shared<NumberedDataset>(50), augmented(2));
  for (std::int64_t epoch = 0; epoch < 5; ++epoch) {
    loader.start(epoch);
    CHECK(loader.next());
  }
}

TEST_CASE(
    "without shuffling the order is the data's, and images of differing sizes are padded with the ignored label") {
  LoaderOptions options;
  options.batch_size = 2;
  options.shuffle = false;
  options.multiple_of = 4;
  Loader loader(std::make_shared<NumberedDataset>(3), options);
  loader.start(0);
  const auto batch = loader.next();
  REQUIRE(batch);
  CHECK(batch->names == std::vector<std::string>{"0", "1"});
  CHECK(batch->images.shape() == Shape{2, 4, 4, 1});
  CHECK(batch->masks.shape() == Shape{2, 4, 4});
  const std::vector<std::int32_t> masks(batch->masks.span<std::int32_t>().begin(),
                                        batch->masks.span<std::int32_t>().end());
  CHECK(masks == std::vector<std::int32_t>{0, 0, 11, 11, 0, 0, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11,
                                           1, 1, 1,  11, 1, 1, 1,  11, 11, 11, 11, 11, 11, 11, 11, 11});
  CHECK(batch->images.at({1, 1, 2, 0}) == 1);
  CHECK(batch->images.at({1, 1, 3, 0}) == 0);
  CHECK(loader.next()->size() == 1);
  CHECK_FALSE(loader.next());
}

TEST_CASE("a last batch that is not full can be dropped") {
  LoaderOptions options;
  options.batch_size = 4;
  options.drop_last = true;
  CHECK(Loader(std::make_shared<NumberedDataset>(10), options).batches() == 2);
}

TEST_CASE("images are normalised, and padding then is the mean") {
  LoaderOptions options;
  options.shuffle = false;
  options.standardization = {{1}, {0.5F}};
  Loader loader(std::make_shared<NumberedDataset>(2), options);
  loader.start(0);
  const auto batch = loader.next();
  CHECK(batch->images.at({0, 0, 0, 0}) == -2);
  CHECK(batch->images.at({0, 0, 2, 0}) == 0);
  CHECK(batch->images.at({1, 0, 2, 0}) == 0);
}

TEST_CASE("an unreadable file is thrown by the next that would return it, and the epoch can go on") {
  for (const std::int64_t workers : {0, 2}) {
    LoaderOptions options;
    options.batch_size = 2;
    options.shuffle = false;
    options.workers = workers;
    Loader loader(std::make_shared<NumberedDataset>(6, std::set<std::int64_t>{3}), options);
    loader.start(0);
    CHECK(loader.next()->names[0] == "0");
    CHECK_THROWS_WITH_AS(loader.next(), "3.png: broken", IoError);
    CHECK(loader.next()->names[0] == "4");
    CHECK_FALSE(loader.next());
  }
}

TEST_CASE("unreadable files can be left out, with the reason in the batch") {
  LoaderOptions options;
  options.batch_size = 2;
  options.shuffle = false;
  options.skip_unreadable = true;
  Loader loader(std::make_shared<NumberedDataset>(6, std::set<std::int64_t>{1, 2, 3}), options);
  loader.start(0);
  CHECK(loader.next()->names == std::vector<std::string>{"0"});
  const auto empty = loader.next();
  CHECK(empty->size() == 0);
  CHECK_FALSE(empty->images.defined());
  CHECK(empty->skipped == std::vector<SkippedSample>{{2, "2.png: broken"}, {3, "3.png: broken"}});
  CHECK(loader.next()->size() == 2);

  loader.leave_out({2, 4});
  loader.start(1);
  CHECK(loader.next()->names == std::vector<std::string>{"0"});
  CHECK(loader.next()->skipped == std::vector<SkippedSample>{{3, "3.png: broken"}});
  CHECK(loader.next()->names == std::vector<std::string>{"5"});
}

TEST_CASE("samples that can be read and do not fit are never left out") {
  for (const std::int64_t workers : {0, 2}) {
    LoaderOptions options;
    options.batch_size = 2;
    options.shuffle = false;
    options.workers = workers;
    options.skip_unreadable = true;
    Loader loader(std::make_shared<NumberedDataset>(6, std::set<std::int64_t>{0}, 2), options);
    loader.start(0);
    CHECK(loader.next()->names == std::vector<std::string>{"1"});
    CHECK_THROWS_WITH_AS(loader.next(), "2.png: beyond the classes", MisfitError);
  }
}

TEST_CASE("options and positions out of range are named") {
  const auto data = std::make_shared<NumberedDataset>(6);
  LoaderOptions options;
  options.batch_size = 0;
  CHECK_THROWS_WITH_AS(Loader(data, options), "loader: expected batch_size of 1 or more, got 0", ValueError);
  options.batch_size = 2;
  options.workers = -1;
  CHECK_THROWS_WITH_AS(Loader(data, options), "loader: expected workers of 0 or more, got -1", ValueError);
  CHECK_THROWS_AS(Loader(nullptr, {}), ValueError);
  Loader loader(data, {});
  CHECK_THROWS_WITH_AS(loader.next(), "loader: next was called before start", ValueError);
  CHECK_THROWS_WITH_AS(loader.start(0, 2),
                       "loader: epoch 0 has no batch 2: expected an epoch of 0 or more and a batch of 0 to 1",
                       ValueError);
}

}  // namespace
}  // namespace tessera
