# Sourced by run.sh and report.sh, which set `folder`: pages in headless Chromium.

browse() {
  timeout 120 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$folder/profile" "$@" \
    2>>"$folder/chromium.log"
}

# frame PAGE WIDTH HEIGHT: a window cannot be made as narrow as a phone, so that the page stands in a frame of this size;
# it tells by postMessage what it found, and that becomes the title.
frame() {
  echo "<!doctype html><meta charset=utf-8><title>no answer</title><body style='margin:0'>
<script>onmessage = event => { document.title = event.data; };</script>
<iframe src='$(basename "$1")' width=$2 height=$3 style='border:0;display:block'></iframe>" >"$folder/frame.html"
}

# answer PAGE WIDTH HEIGHT [OPTION...]: what the page, which lies in `folder`, found.
answer() {
  local page=$1 width=$2 height=$3
  shift 3
  frame "$page" "$width" "$height"
  browse "$@" --window-size="$width,$height" --virtual-time-budget=5000 --dump-dom "file://$folder/frame.html" |
    sed -n 's:.*<title>\(.*\)</title>.*:\1:p'
}
