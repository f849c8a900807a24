#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <tessera/core/error.hpp>
#include <tessera/train/report.hpp>
#include <tessera/train/report_charts.hpp>

#include "tests/support/file_bytes.hpp"
#include "tests/support/sample_report.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace tessera;

namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

/// What is wrong with the nesting of a page's tags; empty where nothing is.
std::string nesting_fault(const std::string& page) {
  const std::vector<std::string> without_end{"meta", "img", "br"};
  std::vector<std::string> open;
  for (std::size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at)) {
    const bool ends = page[at + 1] == '/';
    const std::size_t from = at + (ends ? 2 : 1);
    const std::string name = page.substr(from, page.find_first_of(" >/", from) - from);
    bool quoted = false;
    for (; at < page.size() && (quoted || page[at] != '>'); ++at) quoted ^= page[at] == '"';
    if (name == "!doctype" || page[at - 1] == '/') continue;
    if (std::find(without_end.begin(), without_end.end(), name) != without_end.end()) continue;
    if (ends) {
      if (open.empty() || open.back() != name)
        return "</" + name + "> closes " + (open.empty() ? "nothing" : open.back());
      open.pop_back();
    } else {
      open.push_back(name);
      if (name == "style" || name == "script") at = page.find("</" + name, at);
    }
  }
  return open.empty() ? "" : "<" + open.back() + "> stays open";
}

/// The page without its pictures.
std::string without_pictures(std::string page) {
  for (std::size_t at = page.find("base64,"); at != std::string::npos; at = page.find("base64,", at + 1))
    page.erase(at + 7, page.find('"', at) - at - 7);
  return page;
}

Evaluation with_scores(const std::vector<std::optional<double>>& scores) {
  Evaluation evaluation{.confusion = ConfusionMatrix(2), .boundary = BoundaryScores(2)};
  for (const auto& score : scores)
    evaluation.per_image.push_back({"", static_cast<std::int64_t>(evaluation.per_image.size()), score, score});
  return evaluation;
}

}  // namespace

TEST_CASE("a report shows every part of a run and nests its tags, whatever its length") {
  for (const std::int64_t epochs : {0, 1, 2, 30, 500}) {
    INFO(epochs, " epochs");
    Report report = test::sample_report(epochs);
    if (epochs == 0) report.evaluation = {}, report.examples = {};
    const std::string page = report_html(report);
    CHECK(nesting_fault(page) == "");
    CHECK(count(page, "class=\"chart\"") == (epochs == 0 ? 0 : 3));
    CHECK(count(page, "class=\"example\"") == (epochs == 0 ? 0 : 5));
    CHECK(count(page, "<img src=\"data:image/png;base64,") == (epochs == 0 ? 0 : 20));
    CHECK(count(page, "http://") + count(page, "https://") == 0);
    const std::string text = without_pictures(page);
    CHECK(count(text, "nan") + count(text, "inf\"") == 0);
    CHECK(page.size() < 1'000'000);
  }
}

TEST_CASE("a report lists images that were left out, the first of many") {
  Report report = test::sample_report(3);
  CHECK(count(report_html(report), "Images left out") == 0);
  for (int i = 0; i < 25; ++i) report.left_out.push_back(fmt::format("data/{}.png: <broken>", i));
  const std::string page = report_html(report);
  CHECK(nesting_fault(page) == "");
  CHECK(count(page, "Images left out <small>25</small>") == 1);
  CHECK(count(page, ".png: &lt;broken&gt;</li>") == 20);
  CHECK(count(page, "<li>and 5 more</li>") == 1);
}

TEST_CASE("names in a report are escaped") {
  const std::string page = report_html(test::sample_report(3));
  CHECK(count(page, "<script>alert") == 0);
  CHECK(count(page, "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;") >= 2);
  CHECK(count(page, "<title>unet on &lt;streets&gt; &amp; &quot;cells&quot;</title>") == 1);
  CHECK(html_escaped("a<b>&\"'") == "a&lt;b&gt;&amp;&quot;&#39;");
}

TEST_CASE("an absent class has no numbers in a report and is left out of the means") {
  const std::string page = report_html(test::sample_report(3));
  CHECK(
      count(page,
            "class 4</th><td><span class=\"bar\" style=\"--value:0.0%\">–</span></td><td>–</td><td>–</td><td>–</td>") ==
      1);
  CHECK(count(page, "1 of 11 classes are neither in the masks nor predicted") == 1);
}

TEST_CASE("a report of a running training loads itself anew, that of a finished one does not") {
  Report report = test::sample_report(3);
  CHECK(count(report_html(report), "<html lang=\"en\">") == 1);
  CHECK(count(report_html(report), "http-equiv") == 0);
  report.running = true;
  CHECK(count(report_html(report), "<html lang=\"en\" data-running>") == 1);
  CHECK(count(report_html(report), "http-equiv=\"refresh\"") == 1);
}

TEST_CASE("a curve has gaps where there is no number, and a dot where there is only one") {
  const Curves curves{.title = "Loss", .series = {{"training", "a", {1.0, 2.0, NAN, 3.0}}}, .epochs = {1, 2, 3, 4}};
  const std::string html = curves_html(curves);
  CHECK(count(html, "<path class=\"line series-a\" d=\"M48.0 120.7L142.0 65.3M330.0 10.0\"/>") == 1);
  CHECK(count(html, "<circle") == 1);
  CHECK(count(html, "<b>3</b>") == 1);
}

TEST_CASE("a chart of small numbers keeps its labels short") {
  const std::string html =
      curves_html({.title = "Rate", .series = {{"rate", "e", {1.3e-4, 0.7e-4}}}, .epochs = {1, 2}});
  CHECK(count(html, ">1.5e-4</text>") == 1);
  CHECK(count(html, ">5e-5</text>") == 1);
  CHECK(count(html, ">0</text>") == 1);
}

TEST_CASE("the confusion of many classes is drawn without numbers and without empty cells") {
  ConfusionMatrix many(60);
  many.add(Tensor::from({0, 1, 59, 59}, {4}), Tensor::from({0, 1, 59, 3}, {4}));
  const std::string svg = confusion_svg(many, {});
  CHECK(count(svg, "<rect") == 4);
  CHECK(count(svg, "class 59 → class 3: 1 pixels, 50.0 % of the class") == 1);
  CHECK(nesting_fault(svg) == "");
}

TEST_CASE("images are ranked by their own mean IoU, few of them without repetition") {
  const auto places = [](const Evaluation& evaluation) {
    const RankedImages images = ranked(evaluation);
    return std::vector<std::vector<std::size_t>>{images.best, images.middle, images.worst};
  };
  using Places = std::vector<std::vector<std::size_t>>;
  CHECK(places(with_scores({})) == Places{{}, {}, {}});
  CHECK(places(with_scores({0.5, std::nullopt})) == Places{{0}, {}, {}});
  CHECK(places(with_scores({0.5, 0.6})) == Places{{1}, {}, {0}});
  CHECK(places(with_scores({0.5, 0.6, 0.1, 0.9})) == Places{{3, 1}, {0}, {2}});
  CHECK(places(with_scores({0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8})) == Places{{7, 6}, {4, 3}, {0, 1}});
}

TEST_CASE("bytes are written in base 64") {
  const auto encoded = [](const std::string& text) {
    return data_uri(std::vector<std::uint8_t>(text.begin(), text.end())).substr(22);
  };
  CHECK(encoded("") == "");
  CHECK(encoded("M") == "TQ==");
  CHECK(encoded("Ma") == "TWE=");
  CHECK(encoded("Man") == "TWFu");
  CHECK(encoded("any carnal pleas") == "YW55IGNhcm5hbCBwbGVhcw==");
}
