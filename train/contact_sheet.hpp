#pragma once

#include <string>
#include <tessera/train/audit.hpp>

namespace tessera {

struct ContactSheetOptions {
  std::int64_t images = 24;  ///< of each part, drawn by the seed
  std::uint64_t seed = 0;
  MaskEncoding encoding{};  ///< that the audit was made with
};

/// One HTML page, which needs nothing beside it: what the audit says, and random images beside the same under their
/// masks' colours.
std::string contact_sheet(const FolderAudit& audit, const ContactSheetOptions& options = {});

}  // namespace tessera
