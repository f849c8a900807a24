#!/usr/bin/env bash
# make_conv_transpose.sh [--check] PROGRAM: makes the figures and the quoted output of conv_transpose.md anew by running
# PROGRAM (build/release/examples/conv_transpose); with --check changes nothing and fails where they are out of date.
#
# In the page, `<!-- run: ARGUMENTS -->` stands above a code block of what the program prints, and
# `<!-- draw NAME: ARGUMENTS -->` above a picture, figures/conv_transpose_NAME.svg.
set -euo pipefail
check=false
[ "$1" = --check ] && { check=true; shift; }
program=$(realpath "$1")
cd "$(dirname "$0")"
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
mkdir "$made/figures"

in_block=false
while IFS= read -r line; do
  if $in_block; then
    [ "$line" = '```' ] && in_block=false
    continue
  fi
  printf '%s\n' "$line"
  case $line in
    '<!-- run: '*)
      arguments=${line#<!-- run: }
      read -r -a words <<<"${arguments% -->}"
      printf '```text\n$ conv_transpose %s\n' "${words[*]}"
      "$program" "${words[@]}" 2>&1 || true
      printf '```\n'
      IFS= read -r line  # the fence that opens the block made before
      in_block=true
      ;;
    '<!-- draw '*)
      arguments=${line#<!-- draw }
      name=${arguments%%:*} arguments=${arguments#*: }
      read -r -a words <<<"${arguments% -->}"
      "$program" "${words[@]}" --svg "$made/figures/conv_transpose_$name.svg"
      ;;
  esac
done <conv_transpose.md >"$made/conv_transpose.md"

if $check; then
  for file in "$made"/conv_transpose.md "$made"/figures/*.svg; do
    diff -u "${file#"$made"/}" "$file" || {
      echo "docs/${file#"$made"/} is out of date: run docs/make_conv_transpose.sh $program" >&2
      exit 1
    }
  done
  [ "$(ls figures/conv_transpose_*.svg | wc -l)" = "$(ls "$made"/figures | wc -l)" ]
else
  mkdir -p figures
  rm -f figures/conv_transpose_*.svg
  cp "$made"/figures/*.svg figures/
  cp "$made/conv_transpose.md" conv_transpose.md
fi
