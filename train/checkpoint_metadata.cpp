#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <tessera/core/error.hpp>
#include <tessera/core/text.hpp>
#include <tessera/train/checkpoint_metadata.hpp>
#include <tessera/train/standardization_json.hpp>

namespace tessera {
namespace {

using nlohmann::json;

// JSON readers hold numbers as doubles, which are exact up to 2^53 only.
template <class Integer>
std::string text_of(Integer number) {
  return fmt::format("{}", number);
}

template <class Integer>
Integer integer_of(const json& object, const char* key) {
  const auto& text = object.at(key).get_ref<const std::string&>();
  const std::optional<Integer> number = parse_number<Integer>(text);
  if (!number) throw IoError(fmt::format("expected a number at \"{}\", got \"{}\"", key, text));
  return *number;
}

json model_json(const ModelOptions& model) {
  return {{"name", model.name},
          {"in_channels", text_of(model.in_channels)},
          {"classes", text_of(model.classes)},
          {"width", text_of(model.width)},
          {"depth", text_of(model.depth)},
          {"normalization", model.normalization}};
}

ModelOptions model_from(const json& value) {
  return {.name = value.at("name"),
          .in_channels = integer_of<std::int64_t>(value, "in_channels"),
          .classes = integer_of<std::int64_t>(value, "classes"),
          .width = integer_of<std::int64_t>(value, "width"),
          .depth = integer_of<std::int64_t>(value, "depth"),
          .normalization = value.at("normalization")};
}

json labels_json(const Labels& labels) {
  json result = {{"classes", text_of(labels.classes)}, {"ignore_index", labels.ignore_index}, {"names", labels.names}};
  if (!labels.encoding.values.empty()) result["mask_values"] = labels.encoding.values;
  if (!labels.encoding.colors.empty()) result["mask_colors"] = labels.encoding.colors;
  if (!labels.colors.empty()) result["colors"] = labels.colors;
  return result;
}

Labels labels_from(const json& value) {
  return {.classes = integer_of<std::int64_t>(value, "classes"),
          .ignore_index = value.at("ignore_index"),
          .names = value.at("names").get<std::vector<std::string>>(),
          .encoding = {.values = value.value("mask_values", std::map<std::int32_t, std::int32_t>()),
                       .colors = value.value("mask_colors", std::map<Rgb, std::int32_t>())},
          .colors = value.value("colors", std::vector<Rgb>())};
}

/// Calls `read` with the parsed value of a key.
template <class F>
void read_key(const std::map<std::string, std::string>& metadata, const std::string& file, const char* key, F&& read) {
  const auto found = metadata.find(key);
  if (found == metadata.end())
    throw IoError(fmt::format("{}: not a checkpoint: its metadata has no \"{}\"", file, key));
  try {
    read(json::parse(found->second));
  } catch (const json::exception& error) {
    throw IoError(fmt::format("{}: not a checkpoint: \"{}\" cannot be read: {}", file, key, error.what()));
  } catch (const IoError& error) {
    throw IoError(fmt::format("{}: not a checkpoint: \"{}\" cannot be read: {}", file, key, error.what()));
  }
}

}  // namespace

std::map<std::string, std::string> to_metadata(const Checkpoint& checkpoint) {
  const json progress = {{"epoch", text_of(checkpoint.epoch)},
                         {"step", text_of(checkpoint.step)},
                         {"batch", text_of(checkpoint.batch)},
                         {"images", text_of(checkpoint.images)},
                         {"best_epoch", text_of(checkpoint.best.epoch)},
                         {"best_miou", checkpoint.best.miou},
                         {"left_out", checkpoint.left_out}};
  return {{"labels", labels_json(checkpoint.labels).dump()},
          {"model", model_json(checkpoint.model).dump()},
          {"standardization", to_json(checkpoint.standardization)},
          {"options", json(checkpoint.options).dump()},
          {"progress", progress.dump()},
          {"random", json{{"seed", text_of(checkpoint.seed)}}.dump()}};
}

Checkpoint from_metadata(const std::map<std::string, std::string>& metadata, const std::string& file) {
  Checkpoint checkpoint;
  read_key(metadata, file, "labels", [&](const json& value) { checkpoint.labels = labels_from(value); });
  read_key(metadata, file, "model", [&](const json& value) { checkpoint.model = model_from(value); });
  read_key(metadata, file, "standardization",
           [&](const json& value) { checkpoint.standardization = standardization_from_json(value.dump()); });
  read_key(metadata, file, "options", [&](const json& value) { value.get_to(checkpoint.options); });
  read_key(metadata, file, "progress", [&](const json& value) {
    checkpoint.epoch = integer_of<std::int64_t>(value, "epoch");
    checkpoint.step = integer_of<std::int64_t>(value, "step");
    checkpoint.batch = integer_of<std::int64_t>(value, "batch");
    checkpoint.images = integer_of<std::int64_t>(value, "images");
    checkpoint.best = {integer_of<std::int64_t>(value, "best_epoch"), value.at("best_miou")};
    value.at("left_out").get_to(checkpoint.left_out);
  });
  read_key(metadata, file, "random",
           [&](const json& value) { checkpoint.seed = integer_of<std::uint64_t>(value, "seed"); });
  return checkpoint;
}

}  // namespace tessera
