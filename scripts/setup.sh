# Sourced by ./quickstart and ./check: the Debian packages Tessera needs, and how they are installed.
build_packages=(g++ cmake ninja-build libopenblas-dev libhwy-dev libfmt-dev libspdlog-dev libcli11-dev
                nlohmann-json3-dev libpng-dev libjpeg-dev doctest-dev)
full_packages=(clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev python3-venv git)

# missing_packages PACKAGE...: prints those that are not installed.
missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

cannot_install() {
  printf '%s\nTessera needs these Debian packages:\n\n  %s\n\nInstall them as root and run this command again:\n\n  apt-get install --no-install-recommends %s\n' \
         "$1" "$2" "$2" >&2
  exit 1
}

# install_packages PACKAGE...: installs what is missing; asks the network nothing when nothing is.
install_packages() {
  command -v dpkg-query >/dev/null || cannot_install "This is not a Debian system (there is no dpkg-query)." "$*"
  local missing as_root=()
  missing=$(missing_packages "$@" | paste -sd' ')
  [ -z "$missing" ] && return
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || cannot_install "Packages are missing, and you are neither root nor is there sudo." "$missing"
    as_root=(sudo)
  fi
  echo "Installing from Debian${as_root:+ through sudo}: $missing"
  # shellcheck disable=SC2086
  if ! { "${as_root[@]}" apt-get update -qq &&
         "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing \
           >build/apt.log; }; then
    cannot_install "apt-get could not install them (what it said stands above and in build/apt.log)." "$missing"
  fi
}

# build PRESET [TARGET]: configures and builds; configuring speaks only when it fails.
build() {
  echo "Building ($1)"
  cmake --preset "$1" >"build/configure-$1.log" || { cat "build/configure-$1.log" >&2; return 1; }
  cmake --build --preset "$1" --parallel "$(nproc)" --target "${2:-all}"
}

mkdir -p build
