#include <tessera/core/error.hpp>
#include <tessera/data/augmentation.hpp>
#include <utility>

namespace tessera {

Augmentation::Augmentation(std::vector<Transform> transforms) : transforms_(std::move(transforms)) {
  for (std::size_t i = 0; i < transforms_.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (transforms_[i].name == transforms_[j].name)
        throw ValueError(fmt::format("augmentation: two transforms are named \"{}\"", transforms_[i].name));
}

Sample Augmentation::operator()(Sample sample, std::uint64_t seed, std::int64_t epoch, std::int64_t index,
                                std::int32_t ignore_index, std::span<const float> fill) const {
  for (const Transform& transform : transforms_) {
    const std::uint64_t stream = stream_of(fmt::format("augmentation/{}/{}/{}", transform.name, epoch, index));
    sample = transform.apply(sample, {RandomStream(seed, stream), ignore_index, fill});
  }
  return sample;
}

}  // namespace tessera
