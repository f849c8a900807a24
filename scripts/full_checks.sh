# Sourced by ./check: what --full adds, a line per step: its name, what it does; the function check_NAME below does it.
full_steps=(
  "sanitizers|every test under the address and undefined-behaviour sanitizers"
  "clang|every test in a build by clang 14"
  "format|the formatting of every source file (clang-format)"
  "tidy|the static checks of .clang-tidy (clang-tidy)"
  "golden|the golden numbers made anew by real Keras and PyTorch in .venv and compared with the committed ones; the code of conv_transpose --compare run"
  "report|the report of a training run in headless Chromium: desktop and phone, light and dark"
  "page|the page of conv_transpose in headless Chromium, its numbers against the library's"
)

full_step_names() { printf '%s\n' "${full_steps[@]%%|*}" | paste -sd' '; }

describe_full_steps() {
  local step
  for step in "${full_steps[@]}"; do printf '  %-12s %s\n' "${step%%|*}" "${step#*|}"; done
}

# run_full_steps [STEP...]: runs the steps named, all when none is; appends the failing ones to `failed`.
run_full_steps() {
  local step name
  for step in "${full_steps[@]}"; do
    name=${step%%|*}
    [ $# = 0 ] || grep -qw -- "$name" <<<"$*" || continue
    printf '\n== %s: %s\n' "$name" "${step#*|}"
    "check_$name" || failed+=("$name")
  done
}

run_tests() { ctest --preset "$1" --parallel "$(nproc)" --no-tests=error; }

sources() { git ls-files '*.cpp' '*.hpp'; }

check_sanitizers() { build asan tessera_tests && run_tests asan; }

check_clang() { build clang && run_tests clang; }

check_format() { sources | xargs clang-format-14 --dry-run -Werror; }

check_tidy() {
  cmake --preset clang >build/configure-clang.log &&
    git ls-files 'core/*.cpp' 'layers/*.cpp' 'optim/*.cpp' 'models/*.cpp' 'data/*.cpp' 'interop/*.cpp' 'train/*.cpp' 'examples/*.cpp' |
    xargs -n 4 -P "$(nproc)" clang-tidy-14 -p build/clang --quiet
}

check_golden() {
  local script made=build/golden
  if [ ! -x .venv/bin/python ]; then python3 -m venv .venv || return; fi
  .venv/bin/pip install --quiet --disable-pip-version-check -r tests/golden/requirements.txt || return
  rm -rf "$made" && mkdir -p "$made"
  for script in $(git ls-files 'tests/golden/*.py' | grep -v -e /compare.py -e /compare_code.py -e /golden_file.py); do
    echo "$script"
    .venv/bin/python "$script" "$made" || return
  done
  .venv/bin/python tests/golden/compare.py tests/golden "$made" &&
    build release conv_transpose &&
    .venv/bin/python tests/golden/compare_code.py build/release/examples/conv_transpose
}

check_page() {
  install_packages chromium
  build release conv_transpose && build release page_cases &&
    tests/page/run.sh build/release/examples/conv_transpose build/release/tests/page_cases build/page
}

check_report() {
  install_packages chromium
  build release segment && build release report_cases &&
    tests/page/report.sh build/release/tests/report_cases build/release/examples/segment build/report
}
