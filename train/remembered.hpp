#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace tessera {

/// The answer of `work`, which reads all of `files`, to `question`: worked out, or what an earlier program found.
///
/// Answers on 1000 files or more, and those that took half a second or longer, are kept in $XDG_CACHE_HOME/tessera or
/// ~/.cache/tessera, and hold as long as no file is another, has been written to or replaced. Where nothing can be kept
/// there, each call does the work.
std::string remembered(const std::vector<std::filesystem::path>& files, const std::string& question,
                       const std::function<std::string()>& work);

}  // namespace tessera
