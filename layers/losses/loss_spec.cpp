#include <optional>
#include <tessera/core/error.hpp>
#include <tessera/core/text.hpp>
#include <tessera/layers/losses/dice.hpp>
#include <tessera/layers/losses/focal.hpp>
#include <tessera/layers/losses/loss_spec.hpp>
#include <tessera/layers/losses/sigmoid_cross_entropy.hpp>
#include <tessera/layers/losses/soft_jaccard.hpp>
#include <tessera/layers/losses/softmax_cross_entropy.hpp>

namespace tessera {
namespace {

LabelLoss loss_named(std::string_view name, std::string_view spec, const LossSpecOptions& o) {
  if (name == "ce")
    return [o](const Tensor& logits, const Tensor& labels) {
      return softmax_cross_entropy(logits, labels, {o.class_weights, o.ignore_index, o.label_smoothing});
    };
  if (name == "bce")
    return [o](const Tensor& logits, const Tensor& labels) {
      return sigmoid_cross_entropy(logits, labels, {o.class_weights, o.ignore_index});
    };
  if (name == "focal")
    return [o](const Tensor& logits, const Tensor& labels) {
      return focal_loss(logits, labels, {.class_weights = o.class_weights, .ignore_index = o.ignore_index});
    };
  const bool background = !name.ends_with("_objects");
  if (name == "dice" || name == "dice_objects")
    return [o, background](const Tensor& logits, const Tensor& labels) {
      return dice_loss(logits, labels, {.ignore_index = o.ignore_index, .background = background});
    };
  if (name == "jaccard" || name == "jaccard_objects")
    return [o, background](const Tensor& logits, const Tensor& labels) {
      return soft_jaccard_loss(logits, labels, {.ignore_index = o.ignore_index, .background = background});
    };
  throw ValueError(
      fmt::format("no loss is called \"{}\" in \"{}\": expected a sum of ce, bce, focal, dice, jaccard, dice_objects "
                  "and jaccard_objects, such as ce+0.5*dice",
                  name, spec));
}

double factor_of(std::string_view text, std::string_view spec) {
  const std::optional<double> factor = parse_number<double>(text);
  if (!factor || *factor < 0)
    throw ValueError(
        fmt::format("expected a factor of 0 or more before '*', such as 0.5*dice, got \"{}\" in \"{}\"", text, spec));
  return *factor;
}

}  // namespace

LabelLoss loss_from_spec(std::string_view spec, const LossSpecOptions& options) {
  LabelLoss whole;
  bool counts = false;
  for (std::size_t begin = 0; begin <= spec.size();) {
    const std::size_t end = std::min(spec.find('+', begin), spec.size());
    const std::string_view term = spec.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t star = term.find('*');
    LabelLoss loss = loss_named(trimmed(star == term.npos ? term : term.substr(star + 1)), spec, options);
    const double factor = star == term.npos ? 1 : factor_of(trimmed(term.substr(0, star)), spec);
    if (star != term.npos)
      loss = [loss, factor](const Tensor& logits, const Tensor& labels) { return factor * loss(logits, labels); };
    counts = counts || factor > 0;
    whole = !whole ? loss : [whole, loss](const Tensor& logits, const Tensor& labels) {
      return whole(logits, labels) + loss(logits, labels);
    };
  }
  if (!counts)
    throw ValueError(fmt::format("expected a factor above 0, got \"{}\": there would be nothing to learn", spec));
  return whole;
}

}  // namespace tessera
