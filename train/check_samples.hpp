#pragma once

#include <tessera/data/batch.hpp>
#include <tessera/data/folder.hpp>

namespace tessera {

/// Reads every sample once, so that what is wrong is found now and not in the middle of an epoch: returns those whose
/// files cannot be read. IoError for the first whose files can be read and do not fit (sizes, mask values), which a
/// wrong option explains better than a broken file; for any problem where `strict`; and where no sample can be read.
/// Calls `seen` after each sample, from any thread, with null for one in which something is wrong.
std::vector<SkippedSample> check_samples(
    const FolderDataset& data, bool strict,
    const std::function<void(std::int64_t index, const Sample* sample)>& seen = {});

}  // namespace tessera
