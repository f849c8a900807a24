#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <tessera/data/dataset.hpp>
#include <vector>

namespace tessera {

/// How many labelled pixels of a data set each class has.
struct ClassPixels {
  std::vector<std::int64_t> pixels;      ///< of each class
  std::vector<std::int64_t> in_company;  ///< labelled pixels of the images that hold the class

  /// Adds an image that has so many pixels of each class.
  void add(const std::vector<std::int64_t>& image);
};

/// How many pixels of a mask each class has.
std::vector<std::int64_t> pixels_of_classes(const Tensor& mask, const Labels& labels);

/// Counts over all masks that can be read, on all threads; calls `advance()` after each, from any of them.
ClassPixels count_class_pixels(const Dataset& dataset, const std::function<void()>& advance = {});

// Weights for a loss, so that classes of few pixels count. p is a class's share of the labelled pixels; a class without
// pixels gets 0.

/// median(f) / f, where f is a class's share in the images that hold it (Eigen and Fergus 2015, SegNet).
std::vector<double> median_frequency_weights(const ClassPixels& counts);
/// 1 / (K p) for K classes.
std::vector<double> inverse_weights(const ClassPixels& counts);
/// 1 / sqrt(K p) for K classes: between none and inverse.
std::vector<double> root_weights(const ClassPixels& counts);
/// 1 / ln(1.02 + p) (Paszke et al. 2016, ENet).
std::vector<double> enet_weights(const ClassPixels& counts);

/// Weights that are counted, by name.
struct CountedWeights {
  std::string name;
  std::vector<double> (*of)(const ClassPixels& counts);
};
/// All there are: median, inverse, root and enet.
const std::vector<CountedWeights>& counted_weights();
/// Those of this name; null where it is none of theirs.
const CountedWeights* find_counted_weights(const std::string& name);

/// The weights that a text names: none (no weights), median, inverse, root, enet, numbers such as "1,2.5,0.3", or a
/// file with one line a class, a number each or a name and a number.
///
/// Those by name are counted on `dataset`, with `advance` as above. ValueError for numbers that do not fit the classes
/// and where all weights are 0, IoError for a file that cannot be read.
std::vector<double> class_weights_from_spec(const std::string& spec, const Dataset& dataset,
                                            const std::function<void()>& advance = {});

/// Weights as the text that class_weights_from_spec reads back to the same bits; "none" for none.
std::string to_spec(const std::vector<double>& class_weights);
/// The reverse. ValueError where the text is not numbers.
std::vector<double> weights_from_numbers(const std::string& text);

}  // namespace tessera
