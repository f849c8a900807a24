#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <tessera/core/error.hpp>
#include <tessera/train/history.hpp>

#include "tests/support/temporary_folder.hpp"

using namespace tessera;

namespace {

const EpochRecord record{.epoch = 3,
                         .seconds = 12.5,
                         .lr = 2e-3,
                         .train_loss = 0.25,
                         .val_loss = 0.5,
                         .val_pixel_accuracy = 0.875,
                         .val_miou = 0.625,
                         .val_iou = {0.75, std::nullopt, 0.5},
                         .images_per_second = 81.25};

}  // namespace

TEST_CASE("a line of the history has the promised keys in their order, and null for an absent class") {
  const auto line = nlohmann::ordered_json::parse(json_line(record));
  std::vector<std::string> keys;
  for (const auto& [key, value] : line.items()) keys.push_back(key);
  CHECK(keys == std::vector<std::string>{"epoch", "seconds", "lr", "train_loss", "val_loss", "val_pixel_accuracy",
                                         "val_miou", "val_iou", "images_per_second"});
  CHECK(line["epoch"] == 3);
  CHECK(line["lr"] == 2e-3);
  CHECK(line["val_iou"][0] == 0.75);
  CHECK(line["val_iou"][1].is_null());
  CHECK(line["images_per_second"] == 81.25);
}

TEST_CASE("the history is on disk after every epoch, a line each") {
  const test::TemporaryFolder folder;
  HistoryFile history(folder / "history.jsonl");
  history.add(record);
  history.add(record);
  std::ifstream file(folder / "history.jsonl");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  CHECK(lines == std::vector<std::string>(2, json_line(record)));
}

TEST_CASE("a history that is gone on with keeps whole lines of the epochs asked for") {
  const test::TemporaryFolder folder;
  EpochRecord first = record;
  first.epoch = 1;
  std::ofstream(folder / "history.jsonl") << json_line(first) << "\n" << json_line(record) << "\n{\"epo";
  {
    HistoryFile history(folder / "history.jsonl", 2);
    REQUIRE(history.records().size() == 1);
    CHECK(json_line(history.records()[0]) == json_line(first));
    history.add(record);
  }
  std::ifstream file(folder / "history.jsonl");
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == json_line(first) + "\n" + json_line(record) + "\n");
  CHECK(HistoryFile(folder / "history.jsonl").records().empty());
}

TEST_CASE("a history that cannot be written names its file") {
  CHECK_THROWS_WITH_AS(HistoryFile("/nonexistent/history.jsonl"),
                       "/nonexistent/history.jsonl: cannot create a file in its folder: No such file or directory",
                       IoError);
}
