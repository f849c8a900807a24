#include <algorithm>
#include <cmath>
#include <ostream>
#include <tessera/core/error.hpp>
#include <tessera/core/tensor.hpp>
#include <utility>

namespace tessera {
namespace {

/// Up to this many elements are printed; of a larger tensor each axis shows its ends.
constexpr std::int64_t printed_whole = 1000;

/// Lays the elements out as nested rows, columns aligned at the right.
class Printer {
 public:
  explicit Printer(const Tensor& tensor) : tensor_(tensor), edge_(tensor.numel() > printed_whole ? 3 : 10) {
    collect(0, 0);
    choose_format();
    for (const double value : shown_) width_ = std::max(width_, text_of(value).size());
  }

  std::string str() {
    if (tensor_.rank() == 0) return text_of(shown_[0]);
    print(0, 0);
    return text_;
  }

 private:
  double element(std::int64_t position) const {
    return dispatch_all(tensor_.dtype(),
                        [&](auto zero) { return static_cast<double>(tensor_.data<decltype(zero)>()[position]); });
  }

  bool is_cut(std::int64_t axis) const { return tensor_.shape()[axis] > 2 * edge_; }

  /// Calls `each` for the places of an axis that are shown and `gap` where some are left out.
  template <class Each, class Gap>
  void along(std::int64_t axis, Each&& each, Gap&& gap) const {
    const std::int64_t size = tensor_.shape()[axis];
    for (std::int64_t i = 0; i < size; ++i) {
      if (is_cut(axis) && i == edge_) {
        gap();
        i = size - edge_;
      }
      each(i);
    }
  }

  void collect(std::int64_t axis, std::int64_t position) {
    if (axis == tensor_.rank()) return shown_.push_back(element(position));
    along(
        axis, [&](std::int64_t i) { collect(axis + 1, position * tensor_.shape()[axis] + i); }, [] {});
  }

  void print(std::int64_t axis, std::int64_t position) {
    if (axis == tensor_.rank()) {
      text_ += fmt::format("{:>{}}", text_of(element(position)), width_);
      return;
    }
    // Rows start on lines of their own below the bracket that opened them; blocks of them are set apart by blank lines.
    const std::int64_t below = tensor_.rank() - axis - 1;
    const std::string between = below == 0 ? ", " : fmt::format(",{:\n>{}}{:{}}", "", below, "", axis + 1);
    bool first = true;
    text_ += '[';
    along(
        axis,
        [&](std::int64_t i) {
          if (!std::exchange(first, false)) text_ += between;
          print(axis + 1, position * tensor_.shape()[axis] + i);
        },
        [&] { text_ += between + "..."; });
    text_ += ']';
  }

  /// Whole numbers without a point; others with four places, in powers of ten where those would not show them.
  void choose_format() {
    double least = HUGE_VAL, greatest = 0;
    bool whole = true;
    for (const double value : shown_) {
      if (!std::isfinite(value)) continue;
      whole = whole && value == std::floor(value);
      if (value != 0) least = std::min(least, std::abs(value));
      greatest = std::max(greatest, std::abs(value));
    }
    if (whole && greatest < 1e10)
      format_ = "{:.0f}";
    else if (greatest < 1e6 && (least >= 1e-3 || least == HUGE_VAL))
      format_ = "{:.4f}";
    else
      format_ = "{:.4e}";
  }

  std::string text_of(double value) const { return fmt::format(fmt::runtime(format_), value); }

  const Tensor& tensor_;
  std::int64_t edge_;
  std::vector<double> shown_;
  std::string_view format_;
  std::size_t width_ = 0;
  std::string text_;
};

}  // namespace

std::string Tensor::str() const {
  if (!defined()) return "undefined";
  return fmt::format("{} {}{}{}", name_of(dtype()), shape().str(), rank() > 1 ? "\n" : " ", Printer(*this).str());
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << tensor.str(); }

}  // namespace tessera
