#include <fmt/format.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <tessera/core/error.hpp>
#include <tessera/train/check_samples.hpp>
#include <tessera/train/first_reading.hpp>
#include <tessera/train/mask_passes.hpp>
#include <tessera/train/pass_progress.hpp>
#include <tessera/train/remembered.hpp>
#include <tessera/train/standardization_json.hpp>

namespace tessera {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// Reads all samples. Of those that cannot be read only the numbers are told: what is wrong is read anew.
json read_samples(const FolderDataset& part, bool strict, std::uint64_t seed, std::int64_t measured) {
  StandardizationMeasure standardization(part, seed, measured);
  const auto classes = static_cast<std::size_t>(part.labels().classes);
  ClassPixels pixels{std::vector<std::int64_t>(classes), std::vector<std::int64_t>(classes)};
  std::mutex counting;
  PassProgress progress("images checked", part.size(), stderr);
  const std::vector<SkippedSample> unreadable =
      check_samples(part, strict, [&](std::int64_t index, const Sample* sample) {
        if (sample != nullptr) {
          standardization.add(index, sample->image);
          const std::vector<std::int64_t> counts = pixels_of_classes(sample->mask, part.labels());
          const std::lock_guard lock(counting);
          pixels.add(counts);
        }
        progress.advance();
      });
  std::vector<std::int64_t> numbers;
  for (const SkippedSample& sample : unreadable) numbers.push_back(sample.index);
  return {{"unreadable", numbers},
          {"pixels", pixels.pixels},
          {"in_company", pixels.in_company},
          {"standardization", json::parse(to_json(standardization.result()))}};
}

}  // namespace

FirstReading first_reading(const FolderDataset& part, bool strict, std::uint64_t seed, std::int64_t measured) {
  std::vector<fs::path> files;
  for (const FolderDataset::Pair& pair : part.pairs()) files.insert(files.end(), {pair.image, pair.mask});
  const std::string question =
      fmt::format("first reading of {} channels and {}{}, {} measured by seed {}", part.channels(),
                  labels_text(part.labels()), strict ? ", strict" : "", measured, seed);
  const json found =
      json::parse(remembered(files, question, [&] { return read_samples(part, strict, seed, measured).dump(); }));

  FirstReading reading;
  found.at("pixels").get_to(reading.pixels.pixels);
  found.at("in_company").get_to(reading.pixels.in_company);
  reading.standardization = standardization_from_json(found.at("standardization").dump());
  for (const std::int64_t index : found.at("unreadable")) {
    try {
      part.get(index);
    } catch (const Error& error) {
      reading.unreadable.push_back({index, error.what()});
    }
  }
  return reading;
}

Standardization measured_standardization(const Dataset& part, std::uint64_t seed, std::int64_t measured) {
  const auto measure = [&] {
    PassProgress progress("mean and deviation: images measured", std::min(measured, part.size()), stderr);
    return to_json(measure_standardization(part, seed, measured, [&] { progress.advance(); }));
  };
  const auto* folder = dynamic_cast<const FolderDataset*>(&part);
  if (folder == nullptr) return standardization_from_json(measure());
  std::vector<fs::path> images;
  for (const FolderDataset::Pair& pair : folder->pairs()) images.push_back(pair.image);
  const std::string question =
      fmt::format("mean and deviation of {} channels, {} measured by seed {}", part.channels(), measured, seed);
  return standardization_from_json(remembered(images, question, measure));
}

}  // namespace tessera
