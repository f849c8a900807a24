#!/usr/bin/env bash
# run.sh PROGRAM CASES FOLDER: opens the page of conv_transpose in headless Chromium and holds its arithmetic, and what it
# shows after sliders were moved, against the library. CASES is the program made of cases.cpp.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$1 cases=$2 folder=$(realpath -m "$3")
mkdir -p "$folder"
. "$here/browser.sh"

# open_page PAGE WIDTH: fails unless the page says that its test passed.
open_page() {
  local title
  title=$(answer "$1" "$2" 800)
  echo "$(basename "$1") at width $2: ${title:-no answer, see $folder/chromium.log}"
  [ "$title" = "page test passed" ]
}

layer="--input-shape 3x3x2 --filters 2 --padding same"
"$program" $layer --kernel-size 3 --strides 2 --html "$folder/page.html"
"$program" $layer --kernel-size 4x3 --strides 3x2 --output-padding 0x1 --html "$folder/expected.html"
{ cat "$folder/page.html"; "$cases"; cat "$here/equal.html"; } >"$folder/equal.html"
{ cat "$folder/page.html"
  sed -n 's/id="case"/id="expected"/p' "$folder/expected.html"
  cat "$here/slide.html"; } >"$folder/slide.html"
open_page "$folder/equal.html" 1200
open_page "$folder/slide.html" 1200
open_page "$folder/slide.html" 360
