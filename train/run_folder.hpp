#pragma once

#include <filesystem>
#include <string>

namespace tessera {

/// The first of BEGINNING1, BEGINNING2, ... that is not there.
std::filesystem::path new_folder(const std::string& beginning);

/// Makes the folder where there is none; IoError where no file can be written into it.
void make_output_folder(const std::filesystem::path& folder);

/// Moves a run that is in `folder` to FOLDER.1, or the first such name that is free, and returns it; empty where there
/// was none. What no run writes stays where it is. IoError where that cannot be done.
std::filesystem::path keep_earlier_run(const std::filesystem::path& folder);

}  // namespace tessera
