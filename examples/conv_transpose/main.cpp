#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <system_error>
#include <tessera/core/error.hpp>

#include "case.hpp"
#include "compare.hpp"
#include "expect.hpp"
#include "explain.hpp"
#include "matrices.hpp"
#include "page.hpp"
#include "solve.hpp"
#include "strip.hpp"
#include "verify.hpp"

namespace conv_transpose {
namespace {

/// Answers what was asked; without a question, explains. False where --verify or --expect is disappointed.
bool answer(const Options& options) {
  if (options.solve) {
    solve(options, stdout);
    return true;
  }
  if (options.compare) fmt::print("{}", compare(options));
  if (options.expect) fmt::print("{}", expect(options));
  bool good = !options.expect || holds(options);

  const bool draws = !options.html.empty() || !options.svg.empty();
  const bool explains = !options.compare && !options.expect && !options.verify && !draws && options.save.empty();
  if (!explains && !options.verify && !draws && options.save.empty()) return good;
  if (draws) check_drawable(options);
  const Case given = make_case(options);
  const Result result = run(options, given);
  if (explains) fmt::print("{}\n{}", explain(options), matrices(options, given, result));
  if (options.verify) {
    const Verdict verdict = verify(options, given, result);
    fmt::print("{}", verdict.text);
    good = good && verdict.agrees;
  }
  if (!options.save.empty()) save(options, result);
  if (!options.html.empty()) write_page(options, given, result);
  if (!options.svg.empty()) write_strip(options, given, result);
  if (draws && options.batch > 1) fmt::print("The picture shows the first of {} images.\n", options.batch);
  return good;
}

/// IoError where what was printed cannot be written: a full disk behind a `>` must not look like an answer.
void flush_output() {
  if (std::fflush(stdout) != 0) raise<IoError>("standard output", "{}", std::strerror(errno));
}

}  // namespace
}  // namespace conv_transpose

/// 2 for bad usage or input and for output that cannot be written, 1 where an expectation does not hold or something
/// fails while running.
int main(int argc, char** argv) {
  const auto fail = [](int status, const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return status;
  };
  try {
    const auto options = conv_transpose::parse(argc, argv);
    if (!options) return 0;
    conv_transpose::check(*options);
    const bool good = conv_transpose::answer(*options);
    conv_transpose::flush_output();
    return good ? 0 : 1;
  } catch (const tessera::Error& error) {
    return fail(2, error);
  } catch (const std::system_error& error) {
    return fail(2, error);
  } catch (const std::exception& error) {
    return fail(1, error);
  }
}
