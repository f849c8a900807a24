#pragma once

#include <cstdint>
#include <optional>
#include <tessera/core/tensor.hpp>
#include <vector>

namespace tessera {

/// How far apart two outlines may lie and still agree, as a share of the image's diagonal: the SegNet paper's 0.75 %.
inline constexpr double default_boundary_tolerance = 0.0075;

/// Boundary F1 (BF) of each class in one image: how well the predicted outlines agree with the true ones.
///
/// truth and prediction [H, W] of classes, i32 or u8 -> F1 = 2 P R / (P + R), where P is the share of the predicted
/// outline within `tolerance` times the diagonal of the true outline, and R the share of the true one within that of
/// the predicted one. Empty for a class without an outline in the truth, 0 for one without in the prediction alone.
/// A pixel lies on the outline of its class where one of its four neighbours has another class; the image's border and
/// ignored pixels make no outline. ShapeError where the shapes differ. Source: Csurka et al. 2013, Badrinarayanan et
/// al. 2017 (SegNet).
std::vector<std::optional<double>> boundary_f1(const Tensor& truth, const Tensor& prediction, std::int64_t classes,
                                               std::int32_t ignore_index = -1,
                                               double tolerance = default_boundary_tolerance);

/// Boundary F1 over many images.
class BoundaryScores {
 public:
  explicit BoundaryScores(std::int64_t classes) : sums_(static_cast<std::size_t>(classes)) {}

  /// Adds what boundary_f1 found in an image.
  void add(const std::vector<std::optional<double>>& image);

  /// Of each class the mean over the images whose truth has an outline of it; empty where none has.
  std::vector<std::optional<double>> by_class() const;
  /// The mean over images of each image's mean over its classes: the SegNet paper's BF.
  std::optional<double> mean() const { return images_.mean(); }

 private:
  struct Sum {
    double total = 0;
    std::int64_t count = 0;
    void add(double value) { total += value, ++count; }
    std::optional<double> mean() const {
      return count ? std::optional(total / static_cast<double>(count)) : std::nullopt;
    }
  };
  std::vector<Sum> sums_;
  Sum images_;
};

}  // namespace tessera
