#include <spdlog/spdlog.h>

#include "commands.hpp"

namespace segment {

using namespace tessera;

void train(const RunOptions& options) {
  Run run = checked([&] { return prepare_run(options); });
  execute(run, stdout);
}

}  // namespace segment
