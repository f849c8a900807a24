#!/usr/bin/env bash
# report.sh CASES SEGMENT FOLDER: opens reports of training runs in headless Chromium, on a desktop and at a phone's width,
# light and dark, and looks at what they show. CASES is the program made of report_cases.cpp. Leaves pictures in FOLDER.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cases=$1 segment=$2 folder=$(realpath -m "$3")
rm -rf "$folder" && mkdir -p "$folder"

. "$here/browser.sh"

# look PAGE WIDTH SCHEME: fails unless the page says that its test passed.
look() {
  local name title scheme=1
  [ "$3" = dark ] && scheme=0
  name=$(basename "$1" .html)_$3_$2
  { cat "$1"; cat "$here/report_check.html"; } >"$folder/checked.html"
  title=$(answer "$folder/checked.html" "$2" 2400 --blink-settings=preferredColorScheme=$scheme)
  browse --blink-settings=preferredColorScheme=$scheme --window-size="$(($2 < 500 ? 500 : $2))",2400 --hide-scrollbars \
    --virtual-time-budget=5000 --screenshot="$folder/$name.png" "file://$folder/frame.html" >>"$folder/chromium.log"
  echo "$name: ${title:-no answer, see $folder/chromium.log}"
  [ "$title" = "page test passed" ]
}

"$cases" "$folder"
"$segment" train --data shapes --size 32 --epochs 1 --out "$folder/run" >"$folder/train.log"
cp "$folder/run/report.html" "$folder/trained.html"
for page in one_epoch two_classes streets many_classes trained; do
  look "$folder/$page.html" 1200 light
  look "$folder/$page.html" 360 dark
done
look "$folder/streets.html" 360 light
look "$folder/streets.html" 1200 dark
