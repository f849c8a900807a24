// Writes reports that are hard to show, for report.sh: report_cases FOLDER.
#include <fstream>

#include "tests/support/sample_report.hpp"

int main(int argc, char** argv) {
  using namespace tessera;
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  const auto write = [&](const char* name, const Report& report) {
    std::ofstream(folder / name) << report_html(report);
  };
  write("one_epoch.html", test::sample_report(1));
  write("two_classes.html", test::sample_report(3, 2));
  write("streets.html", test::sample_report(41));
  write("many_classes.html", test::sample_report(2000, 60));
  return 0;
}
