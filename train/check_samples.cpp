#include <algorithm>
#include <tessera/core/error.hpp>
#include <tessera/core/parallel.hpp>
#include <tessera/data/misfit.hpp>
#include <tessera/train/check_samples.hpp>

namespace tessera {
namespace {

struct Problem {
  std::string text;  ///< empty where there is none
  bool unreadable = false;
};

using Seen = std::function<void(std::int64_t index, const Sample* sample)>;

Problem problem_of(const FolderDataset& data, std::int64_t index, const Seen& seen) {
  try {
    const Sample sample = data.get(index);
    if (seen) seen(index, &sample);
    return {};
  } catch (const MisfitError& error) {
    if (seen) seen(index, nullptr);
    return {error.what()};
  } catch (const Error& error) {
    if (seen) seen(index, nullptr);
    return {error.what(), true};
  }
}

}  // namespace

std::vector<SkippedSample> check_samples(const FolderDataset& data, bool strict, const Seen& seen) {
  std::vector<Problem> problems(static_cast<std::size_t>(data.size()));
  parallel_for(data.size(), [&](std::int64_t i) { problems[static_cast<std::size_t>(i)] = problem_of(data, i, seen); });

  const auto fatal = [&](const Problem& problem) { return !problem.text.empty() && (strict || !problem.unreadable); };
  const auto first = std::find_if(problems.begin(), problems.end(), fatal);
  if (first != problems.end()) {
    const auto others = std::count_if(first + 1, problems.end(), fatal);
    throw IoError(others == 0 ? first->text : fmt::format("{} ({} more files are wrong)", first->text, others));
  }
  std::vector<SkippedSample> unreadable;
  for (std::size_t i = 0; i < problems.size(); ++i)
    if (problems[i].unreadable) unreadable.push_back({static_cast<std::int64_t>(i), problems[i].text});
  if (unreadable.size() == problems.size())
    throw IoError(fmt::format("{} (and none of the other images can be read)", unreadable[0].reason));
  return unreadable;
}

}  // namespace tessera
