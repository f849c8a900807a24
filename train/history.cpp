#include <fmt/ranges.h>

#include <cerrno>
#include <cmath>
#include <nlohmann/json.hpp>
#include <system_error>
#include <tessera/core/error.hpp>
#include <tessera/interop/atomic_file.hpp>
#include <tessera/train/history.hpp>

namespace tessera {
namespace {

std::string json_number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : "null"; }

std::string json_list(const std::vector<std::optional<double>>& values) {
  std::vector<std::string> texts;
  for (const std::optional<double>& value : values) texts.push_back(json_number(value.value_or(NAN)));
  return fmt::format("[{}]", fmt::join(texts, ", "));
}

}  // namespace

std::string json_line(const EpochRecord& record) {
  return fmt::format(
      R"({{"epoch": {}, "seconds": {:.3f}, "lr": {}, "train_loss": {}, "val_loss": {}, "val_pixel_accuracy": {}, )"
      R"("val_miou": {}, "val_iou": {}, "images_per_second": {:.2f}}})",
      record.epoch, record.seconds, json_number(record.lr), json_number(record.train_loss),
      json_number(record.val_loss), json_number(record.val_pixel_accuracy), json_number(record.val_miou),
      json_list(record.val_iou), record.images_per_second);
}

std::optional<EpochRecord> record_from(const std::string& line) {
  try {
    const nlohmann::json value = nlohmann::json::parse(line);
    const auto number = [](const nlohmann::json& at) { return at.is_null() ? NAN : at.get<double>(); };
    EpochRecord record{.epoch = value.at("epoch"),
                       .seconds = number(value.at("seconds")),
                       .lr = number(value.at("lr")),
                       .train_loss = number(value.at("train_loss")),
                       .val_loss = number(value.at("val_loss")),
                       .val_pixel_accuracy = number(value.at("val_pixel_accuracy")),
                       .val_miou = number(value.at("val_miou")),
                       .images_per_second = number(value.at("images_per_second"))};
    for (const nlohmann::json& iou : value.at("val_iou"))
      record.val_iou.push_back(iou.is_null() ? std::nullopt : std::optional(iou.get<double>()));
    return record;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

HistoryFile::HistoryFile(std::filesystem::path path, std::int64_t epochs) : path_(std::move(path)) {
  std::string kept;
  std::ifstream before(path_);
  for (std::string line; std::getline(before, line);) {
    // A run that was killed may have left half a line, or one of an epoch that is done again.
    const std::optional<EpochRecord> record = record_from(line);
    if (!record || record->epoch > epochs) break;
    kept += line + '\n';
    records_.push_back(*record);
  }
  before.close();
  write_whole(path_, kept);
  file_.open(path_, std::ios::app);
  check();
}

void HistoryFile::add(const EpochRecord& record) {
  file_ << json_line(record) << '\n' << std::flush;
  records_.push_back(record);
  check();
}

void HistoryFile::check() const {
  if (!file_)
    throw IoError(fmt::format("{}: cannot be written: {}", path_.string(), std::generic_category().message(errno)));
}

}  // namespace tessera
