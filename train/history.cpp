#include <fmt/ranges.h>

#include <cerrno>
#include <cmath>
#include <system_error>
#include <tessera/core/error.hpp>
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

HistoryFile::HistoryFile(std::filesystem::path path) : path_(std::move(path)), file_(path_, std::ios::trunc) {
  if (!file_)
    throw IoError(fmt::format("{}: cannot be written: {}", path_.string(), std::generic_category().message(errno)));
}

void HistoryFile::add(const EpochRecord& record) {
  file_ << json_line(record) << '\n' << std::flush;
  if (!file_)
    throw IoError(fmt::format("{}: cannot be written: {}", path_.string(), std::generic_category().message(errno)));
}

}  // namespace tessera
